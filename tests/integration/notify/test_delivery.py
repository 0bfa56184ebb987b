"""Each kind of channel, delivered by a real process to a real server; and servers that are not well."""

import hashlib
import hmac
import ssl
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from schedsync.clock import utc_now
from schedsync.notify.channel import Channel, Surroundings, values_of
from schedsync.notify.courier import Courier
from schedsync.runs.notices import Notice
from schedsync.runs.run import RunState
from schedsync.specs.notify import Event
from tests import builders
from tests.listeners import closing_listener, free_port, silent_listener
from tests.receivers import mail_server, web_server

TOKEN = "sesam-open-up"
pytestmark = pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS"
)  # of a server of this test's own


@pytest.fixture
def courier() -> Iterator[Courier]:
    made = Courier()
    yield made
    made.rest()


def told(channel: Channel, courier: Courier, event: Event = Event.FAILED) -> str | None:
    run = builders.run(job_id="erp.dump", state=RunState.FAILED, reason="exit code 3", exit_code=3, node="n1")
    notice = Notice("n", channel.name, event, run.job_id, utc_now(), run.id, run.scheduled_at)
    known = Surroundings(run, "line 1\nOra was here\n", "dba@example.com", "https://sched.example.com")
    return courier.deliver(channel.request(values_of(notice, known)))


def test_a_webhook_is_posted_as_signed_json(courier: Courier) -> None:
    with web_server() as web:
        assert told(Channel("hook", f"{web.url}/in", secret=TOKEN), courier) is None
    (got,) = web.received
    assert (got.method, got.path, got.headers["Content-Type"]) == ("POST", "/in", "application/json")
    assert (
        got.headers["X-Schedsync-Signature"]
        == f"sha256={hmac.new(TOKEN.encode(), got.body, hashlib.sha256).hexdigest()}"
    )
    assert got.json["title"] == "erp.dump failed"
    assert (got.json["event"], got.json["job"], got.json["state"], got.json["exit_code"]) == (
        "failed",
        "erp.dump",
        "failed",
        "3",
    )
    assert got.json["url"].startswith("https://sched.example.com/api/runs/run-")
    assert "Ora was here" in got.json["body"]


def test_without_a_secret_nothing_is_signed(courier: Courier) -> None:
    with web_server() as web:
        assert told(Channel("hook", web.url), courier) is None
    assert web.received[0].headers["X-Schedsync-Signature"] is None


@pytest.mark.parametrize("password", [None, TOKEN])
def test_mail_arrives_at_a_plain_server_also_with_a_password(courier: Courier, password: str | None) -> None:
    with mail_server(password) as box:
        who = "" if password is None else f"ops:{password}@"
        url = f"mailto://{who}127.0.0.1:{box.port}?from=sched@example.com&to=ops@example.com"
        assert told(Channel("mail", url), courier) is None
    ((sender, recipients, message),) = box.taken
    assert (sender, recipients) == ("sched@example.com", ["ops@example.com"])
    assert message["Subject"] == "erp.dump failed"
    text = "".join(str(p.get_payload(decode=True)) for p in message.walk() if not p.is_multipart())
    assert "exit code 3" in text
    assert "Ora was here" in text


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that nobody has signed but itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(utc_now() - timedelta(days=1)).not_valid_after(utc_now() + timedelta(days=1))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = tmp_path / "server.pem"
    file.write_bytes(pem + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize("verify", ["no", "yes"])
def test_mail_goes_over_tls_and_not_to_who_cannot_prove_its_name(
    courier: Courier, tls: ssl.SSLContext, verify: str
) -> None:
    with mail_server(TOKEN, tls) as box:
        where = f"ops:{TOKEN}@127.0.0.1:{box.port}?from=sched@example.com&to=ops@example.com"
        error = told(Channel("mail", f"mailtos://{where}&mode=starttls&verify={verify}"), courier)
    assert (error is None, len(box.taken)) == ((True, 1) if verify == "no" else (False, 0))


def test_a_wrong_password_is_said_and_not_shown(courier: Courier) -> None:
    with mail_server(TOKEN) as box:
        url = f"mailto://ops:wrong-{TOKEN}@127.0.0.1:{box.port}?from=sched@example.com&to=ops@example.com"
        error = told(Channel("mail", url), courier)
    assert error is not None
    assert "535" in error or "uthentication" in error
    assert TOKEN not in error


def test_a_chat_of_its_own_server_is_told(courier: Courier) -> None:
    with web_server() as web:
        assert told(Channel("chat", f"mmost://127.0.0.1:{web.port}/3ccdd113474722377935511fc85d3dd4"), courier) is None
    (got,) = web.received
    assert got.path == "/hooks/3ccdd113474722377935511fc85d3dd4"
    assert "exit code 3" in got.json["text"]


def test_a_chat_is_told_through_apprise(courier: Courier) -> None:
    with web_server() as web:
        assert told(Channel("chat", f"json://127.0.0.1:{web.port}/hooks/{TOKEN}"), courier) is None
    (got,) = web.received
    assert (got.path, got.json["title"]) == (f"/hooks/{TOKEN}", "erp.dump failed")
    assert "exit code 3" in got.json["message"]


@pytest.mark.parametrize(
    ("event", "severity"),
    [
        (Event.FAILED, "failure"),
        (Event.LOST, "failure"),
        (Event.GAVE_UP, "failure"),
        (Event.LATE, "warning"),
        (Event.RECOVERED, "success"),
    ],
)
def test_a_service_is_told_how_grave_it_is(courier: Courier, event: Event, severity: str) -> None:
    with web_server() as web:
        assert told(Channel("chat", f"json://127.0.0.1:{web.port}"), courier, event) is None
    assert web.received[0].json["type"] == severity


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, "the server answered 500 Internal Server Error"), (302, "the server answered 302 Found")],
)
def test_what_a_server_does_not_take_is_said(courier: Courier, status: int, error: str) -> None:
    with web_server() as web:
        web.status = status
        assert told(Channel("hook", web.url), courier) == error


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{}/{}",
        "json://127.0.0.1:{}/{}",
        "mailto://u:{1}@127.0.0.1:{0}?from=a@example.com&to=a@example.com",
    ],
)
def test_a_server_that_refuses_is_said_without_its_token(courier: Courier, url: str) -> None:
    error = told(Channel("hook", url.format(free_port(), TOKEN)), courier)
    assert error is not None
    assert "refused" in error
    assert TOKEN not in error


def test_a_server_that_hangs_up_is_said(courier: Courier) -> None:
    with closing_listener() as port:
        assert told(Channel("hook", f"http://127.0.0.1:{port}"), courier)


def test_a_url_that_apprise_does_not_know_is_said(courier: Courier) -> None:
    error = told(Channel("x", f"nosuch://{TOKEN}"), courier)
    assert error == 'Apprise does not know such a URL ("nosuch://..."); its documentation says how to write it'


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}", "mailto://127.0.0.1:{}?from=a@example.com&to=a@example.com"])
def test_a_server_that_hangs_costs_the_time_of_the_channel_and_no_more(courier: Courier, url: str) -> None:
    with silent_listener() as port:
        began = time.monotonic()
        assert told(Channel("hook", url.format(port), seconds=1.0), courier) in {
            "timed out",
            "no answer within 1 seconds",
        }
        assert time.monotonic() - began < 10


def test_a_server_that_drips_is_left_when_the_time_is_over_and_the_next_delivery_arrives(courier: Courier) -> None:
    with web_server() as web:
        web.drips.set()
        assert told(Channel("hook", web.url, seconds=1.0), courier) == "no answer within 1 seconds"
        web.drips.clear()
        assert told(Channel("hook", web.url, seconds=5.0), courier) is None
        assert len(web.received) == 2
