"""The page of a day."""

from datetime import timedelta

import pytest

from schedsync.errors import DatabaseUnavailableError
from schedsync.pages.day import Days
from schedsync.runs.run import RunState
from schedsync.status.day import Day
from schedsync.status.mirror import Mirror
from tests.builders import located
from tests.integration.api.conftest import Installation
from tests.integration.pages.conftest import Browse, client_of
from tests.integration.pages.day import summaries
from tests.integration.pages.reading import read


@pytest.fixture(autouse=True)
def jobs(here: Installation) -> None:
    """It is two in the morning: a ran at one and comes again each hour, b comes at noon."""
    hourly, noon = {"cron": "0 * * * *"}, {"cron": "0 12 * * *"}
    here.apply(located(id="a", schedule=hourly), located(id="b", schedule=noon, owner="ann"))
    here.end(here.claim("a", here.clock.now - timedelta(hours=1)), exit_code=1)


def test_it_shows_what_ran_and_what_comes(browse: Browse) -> None:
    page = browse("/day")
    assert ("h1", "Tuesday, 24 November 2026 UTC") in page.headings
    assert summaries(page) == {"a": "1 failed, 21 to come", "b": "1 to come"}
    assert "23 starts" in page.text


def test_days_lead_to_each_other_and_keep_the_search(browse: Browse) -> None:
    page = browse("/day?date=2026-11-24&q=ann")
    assert summaries(page) == {"b": "1 to come"}
    assert page.link("Wed 25 Nov →") == "/day?date=2026-11-25&q=ann"
    assert summaries(browse("/day?date=2026-11-25")) == {"a": "24 to come", "b": "1 to come"}
    assert summaries(browse("/day?date=2026-11-23")) == {}


def test_many_jobs_are_on_several_pages(here: Installation, browse: Browse) -> None:
    here.apply(*(located(id=f"job-{n:02}", schedule={"cron": "0 12 * * *"}) for n in range(60)))
    first = browse("/day?date=2026-11-25")
    assert len(summaries(first)) == 50
    assert "60 jobs on this day" in [text for _, text in first.headings]
    assert list(summaries(browse(first.link("Next jobs")))) == [f"job-{n}" for n in range(50, 60)]


def test_what_people_pause_does_not_come(here: Installation, browse: Browse) -> None:
    here.backend.control.pause("b", by="ann")
    assert summaries(browse("/day")) == {"a": "1 failed, 21 to come"}


def test_a_day_is_counted_once_a_minute(here: Installation) -> None:
    client = client_of(here)
    here.vitals.ticked(here.clock.now, leading=True, leader="here")

    def found() -> list[str]:
        return list(summaries(read(client.get("/day", headers={"Accept": "text/html"}).text)))

    assert found() == ["a", "b"]
    here.claim("gone", here.clock.now, RunState.RUNNING)
    here.clock.forward(seconds=59)
    assert found() == ["a", "b"]
    here.clock.forward(seconds=2)
    assert found() == ["a", "b", "gone"]


REFUSED = [
    ("date=2026-02-30", '"2026-02-30" is not a day; write it like "2026-11-24"'),
    ("date=0001-01-01", "the year 1 is out of reach"),
    ("date=9999-12-31", "the year 9999 is out of reach"),
    ("dat=2026-11-24", 'did you mean "date"?'),
]


@pytest.mark.parametrize(("query", "says"), REFUSED)
def test_what_cannot_be_meant_is_explained(browse: Browse, query: str, says: str) -> None:
    assert says in browse(f"/day?{query}", 400).text


@pytest.mark.parametrize("date", ["1970-01-01", "9997-12-31"])
def test_up_to_the_ends_of_the_calendar_days_are_shown(browse: Browse, date: str) -> None:
    assert date[:4] in browse(f"/day?date={date}").text


def test_while_the_database_is_away_what_was_known_is_shown(here: Installation) -> None:
    here.backend.mirror.see_jobs(here.store.jobs.observe(), here.clock.now)
    here.backend.mirror.learn_specs(
        {i: (j.observed.digest, j.spec) for i, j in here.store.jobs.load(["a"]).items() if j.spec}
    )
    here.backend.mirror.learn_runs(here.store.runs.page(job_id=None, before=None, limit=10))
    here.vitals.database(here.clock.now, error="no route to the database")
    response = client_of(here).get("/day", headers={"Accept": "text/html"})
    page = read(response.text)
    assert summaries(page) == {"a": "1 failed, 21 to come"}
    assert "This is what was known" in page.text
    assert "1 job cannot be told" in page.text


def test_who_reads_from_memory_never_waits_for_who_asks_the_database(here: Installation) -> None:
    days, mirror = Days(), Mirror()
    day = Day(here.clock.now.date())
    with days._lock:  # somebody asks, and the database hangs
        assert days.get(day, here.backend, mirror).jobs == {}
        with pytest.raises(DatabaseUnavailableError):
            days.get(day, here.backend, here.backend.live)
