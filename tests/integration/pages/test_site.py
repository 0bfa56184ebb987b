"""What all pages have in common: their files, their links, and that they need nothing else."""

import hashlib
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from schedsync import pages
from schedsync.runs.run import RunState
from tests.builders import located, run
from tests.integration.api.conftest import TTL, Installation
from tests.integration.pages.conftest import BROWSER, Browse
from tests.integration.pages.reading import read

STATIC = Path(pages.__file__).parent / "static"
RUN = "0" * 24
PATHS = ("/", "/jobs", "/jobs/a", "/runs", f"/runs/{RUN}", "/syncs", "/day", "/docs", "/login")


@pytest.fixture(autouse=True)
def job(here: Installation) -> None:
    here.apply(located(id="a", tags=["t"], owner="o", group="g"), located(id="b", after={"a": "any"}))
    ended = here.end(here.claim("a"), exit_code=3)
    known = run(id=RUN, job_id="b", state=RunState.SUCCEEDED, upstream_job_id="a", upstream_run_id=ended.id)
    here.store.runs.claim(here.store.leases.acquire("me", TTL), [known], [])


def test_every_link_of_every_page_leads_somewhere(client: FlaskClient, browse: Browse) -> None:
    seen = set(PATHS)
    for path in PATHS:
        seen |= {address.partition("#")[0] for address, _ in browse(path).links}
    for address in sorted(seen - {""}):
        assert client.get(address, headers=BROWSER).status_code == 200, address


@pytest.mark.parametrize("path", PATHS)
def test_a_page_loads_its_own_files_only(client: FlaskClient, browse: Browse, path: str) -> None:
    elements = browse(path).elements
    wanted = [a.get("src", "") for tag, a in elements if tag in {"script", "img"}]
    wanted += [a["href"] for tag, a in elements if tag == "link"]
    assert len(wanted) >= 4
    for address in wanted:
        assert address.startswith("/static/")
        with client.get(address) as response:
            assert response.status_code == 200, address


@pytest.mark.parametrize("path", PATHS)
def test_below_a_prefix_every_address_has_it(client: FlaskClient, path: str) -> None:
    page = read(client.get(path, headers=BROWSER, environ_overrides={"SCRIPT_NAME": "/sched"}).text)
    addresses = [a[name] for _, a in page.elements for name in ("href", "src", "action") if name in a]
    assert {address for address in addresses if not address.startswith(("/sched/", "#"))} == set()


@pytest.mark.parametrize("path", PATHS)
def test_one_entry_of_the_navigation_is_where_one_is(browse: Browse, path: str) -> None:
    here = [a["href"] for tag, a in browse(path).elements if tag == "a" and a.get("aria-current") == "page"]
    assert here == ([] if path == "/login" else ["/" + path.split("/")[1]])


def test_a_page_that_nothing_has_happened_to_is_the_same_a_moment_later(
    here: Installation, client: FlaskClient
) -> None:
    here.clock.forward(seconds=30)
    here.vitals.ticked(here.clock.now, leading=True, leader="here")
    for path in PATHS:
        before = client.get(path, headers=BROWSER).data
        here.clock.forward(seconds=5)
        assert client.get(path, headers=BROWSER).data == before, path
        here.clock.forward(seconds=-5)


def test_what_others_have_made_is_as_they_made_it() -> None:
    told = re.findall(
        r"^\| `([^`]+)` .* `([0-9a-f]{64})` \|$", (STATIC / "vendor" / "README.md").read_text(), re.MULTILINE
    )
    files = {path.name for path in (STATIC / "vendor").iterdir() if path.suffix == ".js"}
    assert {name for name, _ in told} == files
    for name, digest in told:
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest, name
        assert (STATIC / "vendor" / f"{name.partition('.')[0]}.LICENSE").exists()


def test_styles_name_each_colour_once_for_light_and_once_for_dark() -> None:
    """The dark colours stand twice, for the system's wish and for the reader's: they have to be the same."""
    text = (STATIC / "style.css").read_text()
    system = re.search(r":root:not\(\[data-theme=\"light\"\]\) \{(.*?)\}", text, re.DOTALL)
    chosen = re.search(r":root\[data-theme=\"dark\"\] \{(.*?)\}", text, re.DOTALL)
    assert system is not None
    assert chosen is not None
    assert re.findall(r"--[\w-]+: \S+;", system[1]) == re.findall(r"--[\w-]+: \S+;", chosen[1])


QUESTIONS = [
    *(("/", 10), ("/jobs", 6), ("/jobs/a", 7), ("/runs", 1), ("/login", 0)),
    *((f"/runs/{RUN}", 4), ("/syncs", 1), ("/day", 5)),
]


@pytest.mark.parametrize(("path", "most"), QUESTIONS)
def test_a_page_asks_the_database_few_questions(here: Installation, client: FlaskClient, path: str, most: int) -> None:
    """Each is a round trip, which may take 20 ms; open pages ask every five seconds."""
    client.get("/login")  # looks at the tokens, which are known for a while then
    asked: list[str] = []
    event.listen(here.store.database.engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert client.get(path, headers=BROWSER).status_code == 200
    questions = [statement for statement in asked if not statement.startswith("BEGIN")]
    assert len(questions) <= most, questions
