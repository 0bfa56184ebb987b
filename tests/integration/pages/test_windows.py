"""Blackouts and sync windows on the pages: said where somebody may wonder, and no reason to worry."""

from dataclasses import replace
from datetime import timedelta

from schedsync.runs.blackouts import Blackout, Blackouts
from schedsync.specs.windows import Chosen, Fixed
from schedsync.store.syncs import Held, SyncReport
from tests.builders import HOUR, located
from tests.integration.api.conftest import Installation
from tests.integration.pages.conftest import BROWSER, client_of
from tests.integration.pages.reading import Page, read


def dark(here: Installation, *, jobs: Chosen | None = None) -> Blackouts:
    now = here.clock.now
    window = Fixed(now - HOUR, now + 3 * HOUR)
    return Blackouts(
        (
            Blackout("year-end", window, jobs or Chosen(), "books are closed"),
            Blackout("later", Fixed(now + 9 * HOUR, now + 10 * HOUR)),
        )
    )


def open_(here: Installation, path: str, blackouts: Blackouts) -> Page:
    here.vitals.ticked(here.clock.now, leading=True, leader="here")
    here.vitals.database(here.clock.now, error=None)
    response = client_of(here, blackouts=blackouts).get(path, headers=BROWSER)
    assert response.status_code == 200, response.text
    return read(response.text)


def test_a_blackout_in_force_is_one_line_of_the_overview_and_all_is_well(here: Installation) -> None:
    here.apply(located(id="a"))
    page = open_(here, "/", dark(here, jobs=Chosen(("erp.*",), ("books",))))
    assert page.title == "All is well · schedsync"
    assert "Blackout year-end (books are closed) Slots of erp.*, tag books are skipped. It ends in 3 h." in page.text
    assert "later" not in page.text


def test_what_waits_for_a_window_is_told_as_well_and_how_not_to_wait(here: Installation) -> None:
    here.apply(located(id="a"))
    held = Held("a", "a.yaml", 'waits for the sync window "nights"', "update", "nights")
    here.vitals.stepped(replace(SyncReport(here.clock.now, "here", "r2", complete=False), held=(held,)))
    page = open_(here, "/", Blackouts())
    assert page.title == "All is well · schedsync"
    assert "1 change waits for a sync window What is live goes on as it is." in page.text
    assert 'a a.yaml update waits for the sync window "nights"' in page.text
    assert "schedsync apply --ignore-windows" in page.text


def test_a_removal_that_waits_for_a_person_is_a_warning_beside_it(here: Installation) -> None:
    here.apply(located(id="a"))
    person, window = Held("b", "b.yaml", "prune: confirm"), Held("a", "a.yaml", "waits", "removal", "nights")
    here.vitals.stepped(replace(SyncReport(here.clock.now, "here", "r2", complete=False), held=(person, window)))
    page = open_(here, "/", dark(here))
    assert page.title == "1 removal held back · schedsync"
    assert "1 change waits for a sync window" in page.text
    assert "Blackout year-end" in page.text


def test_the_next_slots_of_a_job_say_which_blackout_skips_them(here: Installation) -> None:
    here.apply(located(id="a"), located(id="b"))
    here.clock.forward(minutes=30)
    blackouts = dark(here, jobs=Chosen(("a",)))
    fires = {
        name: [row[-1].partition("will be skipped")[1:] for row in rows if row and row[0].startswith("2026-")]
        for name, rows in ((name, open_(here, f"/jobs/{name}", blackouts).rows) for name in "ab")
    }
    assert fires["a"][:4] == [("will be skipped", ": blackout year-end")] * 3 + [("", "")]
    assert fires["b"] == [("", "")] * 9 + [("will be skipped", ": blackout later")]


def test_the_api_has_a_field_for_what_is_in_force(here: Installation) -> None:
    until = here.clock.now + timedelta(hours=3)
    status = here.client(blackouts=dark(here)).get("/api/status").json
    assert status is not None
    assert status["blackouts"] == [
        {
            "name": "year-end",
            "reason": "books are closed",
            "until": until.isoformat()[:19] + "Z",
            "jobs": [],
            "tags": [],
        }
    ]
