"""Requests over TLS: whom they trust, who they say they are, and what is said when that does not fit."""

import re
import select
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from tests.integration.executors.web import Handler, ask, fine, reason, serving
from tests.listeners import closing_listener

HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def folder(tmp_path: Path, authority: trustme.CA) -> Path:
    """The folder of a job, with the CA and a client's certificate that it has signed."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client = authority.issue_cert("batch@example.com")
    client.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    client.private_key_pem.write_to_path(tmp_path / "client.key")
    for blob in client.cert_chain_pems:
        blob.write_to_path(tmp_path / "client.pem", append=True)
    return tmp_path


Shown = Callable[[trustme.LeafCert], ssl.SSLContext]


@pytest.fixture
def showing(authority: trustme.CA) -> Shown:
    """Make a service show a certificate."""

    def context(leaf: trustme.LeafCert) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(made)
        return made

    return context


def strict(context: ssl.SSLContext, authority: trustme.CA, most: ssl.TLSVersion) -> ssl.SSLContext:
    """Make a service want a certificate of its clients."""
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = most
    return context


def test_a_service_is_trusted_by_the_ca_of_the_job(folder: Path, authority: trustme.CA, showing: Shown) -> None:
    with serving(fine, showing(authority.issue_cert(HOST))) as web:
        code, output = ask(web.url, folder, tls={"ca": "ca.pem"})
    assert (code, output.splitlines()[:2]) == (0, [f"GET {web.url}", "HTTP/1.0 200 OK"])


def test_a_service_that_nobody_knows_is_not_asked(folder: Path, authority: trustme.CA, showing: Shown) -> None:
    with serving(fine, showing(authority.issue_cert(HOST))) as web:
        said = reason(web.url, folder)
    pattern = rf"TLS: the certificate of {HOST} is not trusted: .*; set tls.ca to the file of the CA that signed it"
    assert re.fullmatch(pattern, said), said
    assert web.asked == []


def test_another_ca_is_not_enough(folder: Path, showing: Shown) -> None:
    with serving(fine, showing(trustme.CA().issue_cert(HOST))) as web:
        assert "is not trusted" in reason(web.url, folder, tls={"ca": "ca.pem"})


def test_a_certificate_that_has_expired(folder: Path, authority: trustme.CA, showing: Shown) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    leaf = authority.issue_cert(HOST, not_before=yesterday - timedelta(days=9), not_after=yesterday)
    with serving(fine, showing(leaf)) as web:
        said = reason(web.url, folder, tls={"ca": "ca.pem"})
    assert said == f"TLS: the certificate of {HOST} has expired; it has to be renewed there"


def test_a_certificate_of_another_host(folder: Path, authority: trustme.CA, showing: Shown) -> None:
    with serving(fine, showing(authority.issue_cert("erp.example.com"))) as web:
        said = reason(web.url, folder, tls={"ca": "ca.pem"})
    assert said.startswith("TLS: the certificate is of another host: ")
    assert HOST in said
    assert said.endswith("; write the host in url as it is called there")


def test_who_does_not_want_to_know_is_told_so_in_each_run(folder: Path, authority: trustme.CA, showing: Shown) -> None:
    with serving(fine, showing(authority.issue_cert("erp.example.com"))) as web:
        code, output = ask(web.url, folder, tls={"verify": False})
    assert code == 0
    assert "\n(the certificate is not checked: verify is false)\n" in output


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("most", VERSIONS)
@pytest.mark.parametrize("client", [{"cert": "client.pem", "key": "client.key"}, {"cert": "both.pem"}])
def test_a_client_shows_its_certificate(
    folder: Path, authority: trustme.CA, showing: Shown, client: dict[str, str], most: ssl.TLSVersion
) -> None:
    context = strict(showing(authority.issue_cert(HOST)), authority, most)
    with serving(fine, context) as web:
        assert ask(web.url, folder, tls={"ca": "ca.pem", **client})[0] == 0
    assert len(web.asked) == 1


@pytest.mark.parametrize("most", VERSIONS)
def test_a_client_without_a_certificate_is_told_what_to_set(
    folder: Path, authority: trustme.CA, showing: Shown, most: ssl.TLSVersion
) -> None:
    context = strict(showing(authority.issue_cert(HOST)), authority, most)
    with serving(fine, context) as web:
        said = reason(web.url, folder, tls={"ca": "ca.pem"})
    assert said.startswith(f"TLS: {HOST}:{web.port} ")
    assert "client certificate" in said
    assert "tls.cert" in said


def test_a_client_of_another_ca_is_refused(folder: Path, authority: trustme.CA, showing: Shown) -> None:
    trustme.CA().issue_cert("x@y.example").private_key_and_cert_chain_pem.write_to_path(folder / "other.pem")
    context = strict(showing(authority.issue_cert(HOST)), authority, ssl.TLSVersion.TLSv1_3)
    with serving(fine, context) as web:
        said = reason(web.url, folder, tls={"ca": "ca.pem", "cert": "other.pem"})
    assert "client certificate" in said


@pytest.mark.parametrize(
    ("tls", "why"),
    [
        pytest.param({"ca": "none.pem"}, "tls.ca: cannot read {}/none.pem: No such file or directory", id="no CA"),
        pytest.param(
            {"ca": "empty.pem"},
            "tls.ca: {}/empty.pem holds no certificate in PEM (-----BEGIN CERTIFICATE-----)",
            id="a CA that is none",
        ),
        pytest.param(
            {"cert": "none.pem"}, "tls.cert: cannot read {}/none.pem: No such file or directory", id="no cert"
        ),
        pytest.param(
            {"cert": "client.pem", "key": "none.key"},
            "tls.key: cannot read {}/none.key: No such file or directory",
            id="no key",
        ),
        pytest.param(
            {"cert": "client.pem"},
            "tls.cert: {0}/client.pem does not hold a certificate and its key in PEM",
            id="a certificate alone",
        ),
        pytest.param(
            {"cert": "client.pem", "key": "other.key"},
            "tls.key: {0}/other.key is not the key of {0}/client.pem",
            id="the key of another",
        ),
        pytest.param(
            {"cert": "client.pem", "key": "locked.key"},
            "tls.key: {}/locked.key wants a passphrase; save it without, readable by the service alone",
            id="a locked key",
        ),
    ],
)
def test_files_that_cannot_be_used(folder: Path, tls: dict[str, Any], why: str) -> None:
    (folder / "empty.pem").write_text("no certificate\n")
    trustme.CA().issue_cert("x@y.example").private_key_pem.write_to_path(folder / "other.key")
    key = load_pem_private_key((folder / "client.key").read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"hunter2"))
    (folder / "locked.key").write_bytes(locked)
    assert reason("https://127.0.0.1:1", folder, tls=tls) == why.format(folder)


def test_https_where_http_is_spoken() -> None:
    with serving(fine) as web:
        said = reason(web.url.replace("http://", "https://"))
    assert said == f"TLS: {HOST}:{web.port} does not speak https; write http://, or another port"


def test_http_where_https_is_spoken(authority: trustme.CA, showing: Shown) -> None:
    with serving(fine, showing(authority.issue_cert(HOST))) as web:
        said = reason(web.url.replace("https://", "http://"))
    assert said.startswith(("the answer of ", f"{HOST}:{web.port} closed the connection", "the connection to "))


def test_a_connection_that_is_closed_during_the_handshake() -> None:
    with closing_listener() as port:
        said = reason(f"https://{HOST}:{port}")
    assert f"{HOST}:{port}" in said


def test_a_proxy_leads_to_a_service_and_sees_nothing(folder: Path, authority: trustme.CA, showing: Shown) -> None:
    (folder / "token").write_text("hunter2-of-erp")
    with serving(fine, showing(authority.issue_cert(HOST))) as web, serving(lead) as proxy:
        headers = {"Authorization": {"file": "token"}}
        code, output = ask(web.url, folder, tls={"ca": "ca.pem"}, proxy=proxy.url, headers=headers)
    assert code == 0, output
    assert web.asked[0].headers["Authorization"] == "hunter2-of-erp"
    assert [(asked.method, asked.path) for asked in proxy.asked] == [("CONNECT", f"{HOST}:{web.port}")]
    assert "Authorization" not in proxy.asked[0].headers


def test_behind_a_proxy_the_certificate_is_that_of_the_service(
    folder: Path, authority: trustme.CA, showing: Shown
) -> None:
    with serving(fine, showing(authority.issue_cert(HOST))) as web, serving(lead) as proxy:
        said = reason(web.url, folder, proxy=proxy.url)
    assert said.startswith(f"TLS: the certificate of {HOST} is not trusted: ")


def lead(handler: Handler) -> None:
    """Be a proxy."""
    host, _, port = handler.path.rpartition(":")
    handler.send_response(200)
    handler.end_headers()
    with socket.create_connection((host, int(port))) as there:
        carry(handler.connection, there)


def carry(here: socket.socket, there: socket.socket) -> None:
    """Carry bytes in both directions until one of them ends."""
    while True:
        for source in select.select([here, there], [], [])[0]:
            data = source.recv(1 << 16)
            if not data:
                return
            (there if source is here else here).sendall(data)


def test_a_redirect_does_not_lead_from_https_to_http(folder: Path, authority: trustme.CA, showing: Shown) -> None:
    with serving(fine) as plain:
        respond: Callable[[Handler], None] = lambda h: h.answer(302, Location=plain.url)  # noqa: E731 - short
        with serving(respond, showing(authority.issue_cert(HOST))) as web:
            said = reason(web.url, folder, tls={"ca": "ca.pem"}, follow_redirects=True)
    assert said == f"the answer points from https to {plain.url}, where others could read along"
    assert plain.asked == []
