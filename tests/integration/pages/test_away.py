"""Pages while the database is away: what was known, and since when."""

import pytest
from flask.testing import FlaskClient

from tests.builders import located
from tests.integration.api.conftest import Installation, slow_readers
from tests.integration.pages.conftest import BROWSER, Browse, client_of
from tests.integration.pages.reading import read


@pytest.fixture
def client(here: Installation) -> FlaskClient:
    """An installation that was looked at two minutes ago, and whose database has gone since."""
    job = located(id="a", schedule={"every": "1h"})
    here.apply(job, located(id="unknown-runs"))
    here.backend.mirror.see_jobs(here.store.jobs.observe(), here.clock.now)
    here.backend.mirror.learn_specs({"a": (job.digest, job.spec)})
    here.backend.mirror.learn_run(here.claim("a"))
    here.clock.forward(minutes=2)
    here.vitals.ticked(here.clock.now, leading=True, leader="here")
    here.vitals.database(here.clock.now, error="no route to the database")
    return client_of(here)


@pytest.mark.parametrize("path", ["/", "/jobs", "/jobs/a", "/runs"])
def test_what_was_known_is_shown_and_since_when(browse: Browse, path: str) -> None:
    page = browse(path)
    assert "This is what was known 2 min ago (2026-11-24 02:00:00 UTC)" in page.text
    assert "database away" in page.text
    assert page.row("running")


def test_a_job_is_shown_with_its_next_slots(browse: Browse) -> None:
    page = browse("/jobs/a")
    assert page.row("2026-11-24 03:00:00 UTC")
    assert "Not known while the database is away." in page.text


@pytest.mark.parametrize("path", ["/jobs/unknown-runs", "/runs?state=lost"])
def test_a_page_does_not_say_that_there_are_no_runs_where_that_is_not_known(browse: Browse, path: str) -> None:
    page = browse(path)
    assert "known" in page.text
    assert not [said for said in ("There is none", "No run is like that", "Nothing has run") if said in page.text]


@pytest.mark.parametrize("path", ["/jobs/a/pause", "/jobs/a/resume", "/jobs/a/run", "/pause", "/resume", "/sync"])
def test_controls_say_that_nothing_was_done(here: Installation, client: FlaskClient, path: str) -> None:
    response = client.post(path, headers=BROWSER)
    assert response.status_code == 503
    page = read(response.text)
    assert "no route to the database" in page.text
    assert here.woken == here.ticked == 0


def test_what_is_not_remembered_is_for_later(browse: Browse) -> None:
    assert browse("/jobs/b", 503).title.startswith("The database is away")


def test_behind_slow_readers_pages_say_that_the_service_is_busy_and_the_database_well(
    here: Installation, client: FlaskClient, browse: Browse
) -> None:
    here.vitals.database(here.clock.now, error=None)
    with slow_readers(here, client):
        page = browse("/")
    assert "The service is busy" in page.text
    assert "This is what was known 2 min ago (2026-11-24 02:00:00 UTC)" in page.text
    assert "does not answer" not in page.text
    assert "The database is away" not in page.text


def test_before_anything_was_known_it_says_what_is_wrong(here: Installation) -> None:
    here.vitals.database(here.clock.now, error="no route to the database")
    response = client_of(here).get("/", headers=BROWSER)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    page = read(response.text)
    assert "no route to the database" in page.text
    assert {attributes.get("data-live") for tag, attributes in page.elements if tag == "main"} == {"10"}
