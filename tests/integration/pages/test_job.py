"""The page of a job: what it is, when it runs, how it went; and what people do with it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from schedsync.runs.run import RunState
from schedsync.sources.origins import Kind, Origin
from tests.builders import located, snapshot
from tests.integration.api.conftest import Installation
from tests.integration.pages.conftest import BROWSER, Browse, client_of
from tests.integration.pages.reading import Page, read

Send = Callable[..., Page]


def test_it_says_when_the_job_runs_and_who_it_belongs_to(here: Installation, browse: Browse) -> None:
    berlin = {"cron": "30 2 * * mon-fri", "timezone": "Europe/Berlin"}
    here.apply(located(id="a", file="erp/a.yaml", line=4, owner="dba", group="erp", tags=["x"], schedule=berlin))
    page = browse("/jobs/a")
    for words in ("at 02:30, Monday to Friday (Europe/Berlin)", "erp/a.yaml:4", "as of r1", "dba"):
        assert words in page.text
    assert (page.link("x"), page.link("erp")) == ("/jobs?tag=x", "/jobs?group=erp")
    fires = [row for row in page.rows if row and row[0].startswith("2026-")]
    assert len(fires) == 10
    assert fires[0] == ["2026-11-25 01:30:00 UTC", "Wed 25 Nov 02:30 CET", "in 23 h"]


def test_it_says_that_the_job_runs_when_the_service_starts(here: Installation, browse: Browse) -> None:
    both = [{"cron": "@reboot"}, {"every": "1h"}]
    here.apply(located(id="a", schedule={"cron": "@reboot"}), located(id="b", schedule=both))
    page = browse("/jobs/a")
    assert "Next runwhen the service starts" in page.text
    assert "It has no slots by a clock: it runs when the service starts." in page.text
    assert "And when the service starts." in browse("/jobs/b").text
    assert [row[2:4] for row in browse("/jobs").rows if row[0] == "a"] == [["when the service starts"] * 2]
    here.backend.control.pause("a", by="anna")
    assert "Next runnone is planned" in browse("/jobs/a").text


def test_slots_that_fall_into_a_pause_are_marked(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a", schedule={"every": "1h"}))
    here.backend.control.pause("a", by="anna", until=here.clock.now + timedelta(minutes=150), reason="a move")
    page = browse("/jobs/a")
    assert "paused by anna, now, ends in 2 h 30 min: a move" in page.text
    assert [row[1].endswith("will be skipped") for row in page.rows if row[0].startswith("2026-")][:4] == [
        *(True, True),
        *(False, False),
    ]


def test_a_follower_names_those_before_it(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a"), located(id="b", after={"a": ["failed", "lost"]}))
    page = browse("/jobs/b")
    assert page.link("a") == "/jobs/a"
    assert "failed or lost" in page.text
    assert "it runs after other jobs" in page.text


def test_a_job_names_those_that_run_after_it(here: Installation, browse: Browse) -> None:
    jobs = (located(id="a"), located(id="b", after={"a": "any"}))
    here.apply(*jobs)
    here.backend.mirror.see_jobs(here.store.jobs.observe(), here.clock.now)
    here.backend.mirror.see_folder(snapshot(*jobs).jobs)
    assert browse("/jobs/a").link("b") == "/jobs/b"


def test_its_runs_are_drawn_and_listed(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a"))
    for number in range(4):
        here.end(here.claim("a", here.clock.now - timedelta(hours=number)), exit_code=number % 2 * 3)
    page = browse("/jobs/a")
    assert page.labels == ["The last 4 slots over time: 2 failed, the longest run took 0.0 s."]
    assert [row[0] for row in page.rows if row[0] in {"succeeded", "failed"}] == [*("succeeded", "failed")] * 2
    assert "exit code 3" in page.text


def test_older_runs_are_on_further_pages(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a"))
    for number in range(5):
        here.claim("a", here.clock.now - timedelta(hours=number), RunState.SKIPPED)
    page = browse("/jobs/a?limit=3")
    assert sum(row[0] == "skipped" for row in page.rows) == 3
    page = browse(page.link("Older"))
    assert sum(row[0] == "skipped" for row in page.rows) == 2
    assert page.link("Newest") == "/jobs/a?limit=3"


def test_each_value_of_the_spec_says_where_it_comes_from(here: Installation) -> None:
    here.apply(located(id="a", file="x/a.yaml", timeout="30m", retry={"attempts": 3}))
    asked: list[tuple[str, str, str]] = []

    def origins(*job: str) -> dict[tuple[str | int, ...], Origin]:
        asked.append(job)  # type: ignore[arg-type] # three texts
        return {
            ("timeout",): Origin(Kind.DEFAULTS, "x/_defaults.yaml", 2),
            ("retry", "attempts"): Origin(Kind.JOB, "x/a.yaml", 7),
            ("overlap",): Origin(Kind.BUILT_IN),
            ("misfire",): Origin(Kind.BUILT_IN),
        }

    page = read(client_of(here, origins=origins).get("/jobs/a", headers=BROWSER).text)
    assert page.row("timeout") == ["timeout", "30m", "default x/_defaults.yaml:2"]
    assert page.row("retry.attempts") == ["retry.attempts", "3", "x/a.yaml:7"]
    assert page.row("overlap") == ["overlap", "skip"]
    assert page.row("misfire.policy") == ["misfire.policy", "latest"]
    assert [job[:2] for job in asked] == [("a", "x/a.yaml")]


def test_calendars_of_a_schedule_are_shown_by_name(here: Installation, browse: Browse) -> None:
    days = [{"name": "holidays", "yearly": ["12-25"]}, {"dates": ["2026-12-24"]}]
    here.apply(located(id="a", schedule={"cron": "0 6 * * *", "exclude": days}))
    page = browse("/jobs/a")
    assert "at 06:00 each day (UTC), except on days of its own or holidays" in page.text
    (row,) = [row for row in page.rows if row[0] == "schedule.0.exclude"]
    assert row[1] == '{"dates": ["2026-12-24"]}, holidays'


def test_where_origins_are_not_known_it_says_so(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a", timeout="30m"))
    page = browse("/jobs/a")
    assert "Where values come from is not known now" in page.text
    assert page.row("timeout") == ["timeout", "30m"]
    assert page.text.index("timeout") < page.text.index("more are built in") < page.text.index("overlap")


def test_a_job_is_paused_and_resumed(here: Installation, browse: Browse, send: Send) -> None:
    here.apply(located(id="a"))
    page = send(browse("/jobs/a"), "/jobs/a/pause", until="90m", reason="a move")
    assert "It is paused." in page.text
    assert "paused by api:127.0.0.1, now, ends in 1 h 30 min: a move" in page.text
    assert page.row("02:00:00 now")[1:] == ["api:127.0.0.1", "pause", "a move"]
    page = send(page, "/jobs/a/resume", reason="moved")
    assert "It fires again." in page.text
    assert here.store.pauses.in_force(here.clock.now) == {}


def test_a_job_is_paused_for_ever(here: Installation, browse: Browse, send: Send) -> None:
    here.apply(located(id="a", schedule={"calendar": {"days": 1}, "timezone": "America/New_York"}))
    page = send(browse("/jobs/a"), "/jobs/a/pause", until="9999-12-31T23:59:59Z")
    assert "It is paused." in page.text
    assert "Next runnone is planned" in page.text
    for path in ("/", "/jobs", "/jobs?state=paused", "/day", "/day?date=2026-12-01"):
        assert "out of range" not in browse(path).text


def test_a_pause_of_everything_is_not_resumed_here(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a"))
    here.backend.control.pause(None, by="anna")
    page = browse("/jobs/a")
    assert "Everything is paused; the overview resumes it." in page.text
    assert "/jobs/a/resume" not in {form.action for form in page.forms}


def test_a_job_is_run_at_once(here: Installation, browse: Browse, send: Send) -> None:
    here.apply(located(id="a"))
    page = send(browse("/jobs/a"), "/jobs/a/run", reason="to see <it>")
    assert page.row("queued")[3:] == ["asked for by api:127.0.0.1", "“to see <it>”"]
    assert here.ticked == 1


def test_of_a_job_that_is_gone_its_past_is_shown(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a"))
    here.end(here.claim("a"), exit_code=3)
    here.backend.control.pause("a", by="anna", reason="a move")
    here.apply()
    page = browse("/jobs/a")
    assert "No file has this job any more." in page.text
    assert page.row("failed")[-1] == "exit code 3"
    assert page.row("anna")[1:] == ["anna", "pause", "a move"]
    assert page.forms == []


@pytest.mark.parametrize("path", ["/jobs/b", "/jobs/..%2F", "/nothing"])
def test_what_there_is_not_is_a_page_too(here: Installation, browse: Browse, path: str) -> None:
    assert browse(path, 404).title.startswith(("No such job", "Not Found"))


def test_a_program_is_answered_as_a_program(client: FlaskClient) -> None:
    response = client.get("/jobs/b", headers={"Accept": "application/json"})
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
    response = client.get("/api/jobs/b", headers=BROWSER)
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")


def test_a_page_of_another_site_cannot_send_the_forms(here: Installation, client: FlaskClient) -> None:
    here.apply(located(id="a"))
    for header in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/jobs/a/run", headers={**BROWSER, **header}).status_code == 403
        assert client.post("/pause", headers={**BROWSER, **header}).status_code == 403
    assert here.ticked == 0
    assert here.store.pauses.in_force(here.clock.now) == {}
