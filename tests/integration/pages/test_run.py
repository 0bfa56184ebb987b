"""The page of a run."""

from dataclasses import replace
from datetime import timedelta

from schedsync.runs.outcome import Output
from schedsync.runs.run import Cause, RunState
from schedsync.store.runs import RunChanges
from tests.builders import located, run
from tests.integration.api.conftest import TTL, Installation
from tests.integration.pages.conftest import Browse, client_of
from tests.integration.pages.reading import Page, read

SCRIPT = "<script>alert(1)</script>"


def log_of(page: Page) -> dict[str, str]:
    (log,) = [attributes for _, attributes in page.elements if attributes.get("id") == "log"]
    return log


def test_it_says_what_became_of_the_slot(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a"))
    ended = here.end(here.claim("a"), Output(b"hello\n", total=6), exit_code=3)
    page = browse(f"/runs/{ended.id}")
    assert ("h1", "a failed") in page.headings
    assert "hello" in page.text
    assert {"Slot", "Started", "Ended", "Exit code"} <= set(page.text.split("\n")) or "Exit code" in page.text
    assert page.link("Download") == f"/api/runs/{ended.id}/log"
    assert log_of(page)["data-done"] == "true"


def test_a_run_that_goes_on_can_be_followed_from_where_the_page_ends(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a"))
    running = here.claim("a")
    here.live[running.id] = Output("grüße\n".encode(), total=8)
    log = log_of(browse(f"/runs/{running.id}"))
    assert (log["data-next"], log["data-done"]) == ("8", "false")
    assert log["data-log"] == f"/api/runs/{running.id}/log"


def test_what_it_printed_is_text(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a"))
    printed = f"\x1b[31m{SCRIPT}\x1b[0m\n".encode()
    ended = here.end(here.claim("a"), Output(printed, total=len(printed)))
    page = browse(f"/runs/{ended.id}")
    assert SCRIPT in page.text
    assert "alert" not in "".join(attributes.get("src", "") for _, attributes in page.elements)
    assert "\x1b" not in page.text


def test_attempts_and_followers_lead_to_each_other(here: Installation, browse: Browse) -> None:
    here.apply(located(id="a"), located(id="b", after={"a": "succeeded"}))
    failed = here.end(here.claim("a"), exit_code=1)
    again = replace(failed, id=f"{failed.id[:-1]}x", attempt=2, cause=Cause.RETRY, state=RunState.RUNNING)
    lease = here.store.leases.acquire("me", TTL)
    here.store.runs.claim(lease, [again], [])
    second = replace(again, state=RunState.SUCCEEDED, finished_at=here.clock.now + timedelta(minutes=1), exit_code=0)
    here.store.runs.record(RunChanges(settled=[(second, Output())]), None)
    upstream = {"upstream_job_id": "a", "upstream_run_id": second.id, "upstream_state": RunState.SUCCEEDED}
    follower = run(job_id="b", scheduled_at=second.finished_at, cause=Cause.AFTER, **upstream)
    here.store.runs.claim(lease, [follower], [])
    first = browse(f"/runs/{failed.id}")
    assert first.row("succeeded")[3:4] == ["attempt 2"] or "attempt 2" in first.row("succeeded")
    page = browse(f"/runs/{second.id}")
    assert page.link("queued") == f"/runs/{follower.id}"
    assert browse(f"/runs/{follower.id}").link("succeeded") == f"/runs/{second.id}"


def test_a_run_that_there_is_not_is_a_page_too(browse: Browse) -> None:
    assert ("h1", "No such run") in browse("/runs/nothing", 404).headings


def test_while_the_database_is_away_what_is_known_of_it_is_shown(here: Installation) -> None:
    here.apply(located(id="a"))
    ended = here.end(here.claim("a"), Output(b"hello\n", total=6))
    here.backend.mirror.see_jobs(here.store.jobs.observe(), here.clock.now)
    here.backend.mirror.learn_run(ended)
    here.vitals.database(here.clock.now, error="no route to the database")
    response = client_of(here).get(f"/runs/{ended.id}", headers={"Accept": "text/html"})
    assert response.status_code == 200
    page = read(response.text)
    assert "This is what was known" in page.text
    assert log_of(page)["data-empty"] == "It is not known while the database is away."
