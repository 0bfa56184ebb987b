"""The tables of jobs and of runs."""

from datetime import timedelta

import pytest

from schedsync.runs.run import RunState
from tests.builders import located
from tests.integration.api.conftest import Installation
from tests.integration.pages.conftest import Browse
from tests.integration.pages.reading import Page


@pytest.fixture
def jobs(here: Installation) -> None:
    here.apply(
        located(id="erp.dump", description="Dump the <b>schema</b>", tags=["erp"], owner="dba"),
        located(id="erp.load", tags=["erp", "load"], group="nightly", schedule={"every": "3h"}),
        located(id="web.ping", owner="web", suspend=True),
    )


def _ids(page: Page) -> list[str]:
    return [said for address, said in page.links if address.startswith("/jobs/")]


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["erp.dump", "erp.load", "web.ping"]),
        ("?q=SCHEMA", ["erp.dump"]),
        ("?state=suspended", ["web.ping"]),
        ("?tag=load", ["erp.load"]),
        ("?owner=dba", ["erp.dump"]),
        ("?group=nightly", ["erp.load"]),
        ("?stale=true", []),
        ("?sort=-id", ["web.ping", "erp.load", "erp.dump"]),
        ("?sort=-next_fire_at&tag=erp", ["erp.load", "erp.dump"]),
        ("?q=&state=&tag=erp&owner=&stale=", ["erp.dump", "erp.load"]),
    ],
)
def test_jobs_are_searched_filtered_and_sorted(browse: Browse, query: str, found: list[str]) -> None:
    page = browse(f"/jobs{query}")
    assert _ids(page) == found
    assert f"\n{len(found)}" in page.text


@pytest.mark.usefixtures("jobs")
def test_a_job_is_shown_with_its_schedule_its_state_and_its_runs(here: Installation, browse: Browse) -> None:
    here.backend.control.pause("erp.load", by="anna", reason="a move")
    run = here.claim("erp.dump", here.clock.now - timedelta(minutes=5))
    here.end(run, exit_code=3)
    page = browse("/jobs")
    assert page.row("erp.dump")[2:5] == ["every 1h", "03:00:00 in 1 h", "failed 5 min ago, 0.0 s"]
    assert page.row("erp.dump")[0] == "erp.dump erpDump the <b>schema</b>"
    assert page.row("erp.load")[1] == "pausedby anna, now, until somebody resumes: a move"
    assert page.row("web.ping")[1] == "suspendedby its author: suspend: true"
    assert page.labels == ["last 1 slot: 1 failed", "no runs yet", "no runs yet"]
    assert "2026-11-24 01:55:00 UTC, failed, 0.0 s" in page.titles


@pytest.mark.usefixtures("jobs")
def test_pages_follow_each_other_and_keep_filters_and_order(browse: Browse) -> None:
    page = browse("/jobs?limit=1&tag=erp&sort=-id")
    assert _ids(page) == ["erp.load"]
    page = browse(page.link("Next page"))
    assert _ids(page) == ["erp.dump"]
    assert "Next page" not in page.text
    assert page.link("First page") == "/jobs?limit=1&tag=erp&sort=-id"


@pytest.mark.usefixtures("jobs")
def test_headings_sort_and_turn_round(browse: Browse) -> None:
    page = browse("/jobs?tag=erp&sort=next_fire_at")
    assert page.link("Next run") == "/jobs?tag=erp&sort=-next_fire_at"
    assert page.link("Job") == "/jobs?tag=erp&sort=id"
    sorts = [attributes["aria-sort"] for tag, attributes in page.elements if tag == "th" and "aria-sort" in attributes]
    assert sorts == ["none", "none", "ascending", "none"]


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/jobs?state=idle", "expected active, paused, suspended or finished"),
        ("/jobs?serach=a", "is not known here"),
        ("/jobs?cursor=nonsense", "is no cursor of this list"),
        ("/runs?since=yesterday", '"yesterday" is not a time'),
        ("/jobs/erp.dump?done=nothing", "expected paused or resumed or asked"),
    ],
)
def test_what_cannot_be_meant_is_explained(browse: Browse, path: str, says: str) -> None:
    assert says in browse(path, 400).text


@pytest.mark.usefixtures("jobs")
def test_runs_are_filtered_and_paged(here: Installation, browse: Browse) -> None:
    here.end(here.claim("erp.dump", here.clock.now - timedelta(hours=2)), exit_code=3)
    for number in range(3):
        here.claim("erp.load", here.clock.now - timedelta(minutes=number), RunState.SKIPPED)
    page = browse("/runs?state=skipped&limit=2")
    assert [row[1] for row in page.rows[1:]] == ["erp.load", "erp.load"]
    assert [row[-1] for row in page.rows[1:]] == ["paused", "paused"]
    page = browse(page.link("Older"))
    assert len(page.rows) == 2
    page = browse("/runs?until=2026-11-24T01:00:00Z")
    assert page.row("failed")[1] == "erp.dump"
    assert "No run is like that." in browse("/runs?node=elsewhere").text


@pytest.mark.usefixtures("jobs")
def test_what_people_write_is_text_wherever_it_stands(here: Installation, browse: Browse) -> None:
    evil = '"><script>alert(1)</script>'
    here.apply(located(id="x", file=f"{evil}.yaml", description=evil, tags=[evil], owner=evil, timeout="1m"))
    here.backend.control.pause("x", by=evil, reason=evil)
    here.backend.control.trigger("x", by=evil, reason=evil)
    for path in ("/", "/jobs", "/jobs/x", "/runs", f"/jobs?q={evil}", f"/jobs?tag={evil}", f"/login?next={evil}"):
        scripts = [attributes for tag, attributes in browse(path).elements if tag == "script"]
        assert [attributes for attributes in scripts if "src" not in attributes] == [], path
    assert browse("/jobs").text.count(evil) == 4  # its tag, its description, who paused it and why
    assert browse(f"/jobs?q={evil}").forms[0].fields["q"] == evil
