"""Which changes of the folder may become live now, by the sync windows of the installation."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedsync.plan.diff import diff
from schedsync.plan.ops import Change, Plan, Wait
from schedsync.plan.render import summary, to_json, to_text
from schedsync.plan.state import Located, Observed, ObservedJob, PruneGuard, Snapshot
from schedsync.plan.windows import Kind, SyncWindow, SyncWindows, wait_for_windows
from schedsync.specs.circles import circles
from schedsync.specs.cron.expression import CronExpression
from schedsync.specs.windows import Chosen, Fixed, Recurring
from tests.builders import HOUR, NOW, located, observed, snapshot, store
from tests.unit.plan.test_applying import applied

NIGHTS = SyncWindow("nights", Kind.ALLOW, Recurring(CronExpression.parse("0 22 * * *"), 3 * HOUR, ZoneInfo("UTC")))
FREEZE = SyncWindow("freeze", Kind.DENY, Fixed(NOW - HOUR, NOW + HOUR), reason="books are closed")
NIGHT = NOW.replace(hour=22)
WAITS = 'waits for the sync window "nights", which opens 2026-11-24T22:00:00Z'
DENIED = (
    'the sync window "freeze" (books are closed) denies changes now; they may become live from 2026-11-24T03:00:00Z on'
)


def about(window: SyncWindow, *patterns: str, tags: tuple[str, ...] = ()) -> SyncWindow:
    return replace(window, jobs=Chosen(patterns, tags))


def plan(
    folder: Snapshot, *live: ObservedJob, windows: tuple[SyncWindow, ...], now: datetime = NOW, **more: Any
) -> Plan:
    whole = diff(folder, store(*live), now=now, guard=PruneGuard())
    return wait_for_windows(whole, SyncWindows(windows), now=now, **more)


def live(*jobs: Located) -> list[ObservedJob]:
    return [observed(job=job) for job in jobs]


def why(*windows: SyncWindow, at: datetime = NOW) -> str | None:
    closed = SyncWindows(windows).closed("job", (), at)
    return None if closed is None else closed.why


# the rule


def test_without_windows_everything_may_become_live() -> None:
    assert why() is None


def test_with_a_window_that_allows_changes_may_become_live_inside_it_only() -> None:
    begins, ends = NIGHT, NIGHT + 3 * HOUR
    moment = timedelta(microseconds=1)
    assert [why(NIGHTS, at=at) is None for at in (begins - moment, begins, ends - moment, ends)] == [
        *(False, True, True, False),
    ]
    assert why(NIGHTS) == WAITS


def test_of_two_windows_that_allow_one_is_enough_and_the_one_that_opens_first_is_named() -> None:
    noon = SyncWindow("noon", Kind.ALLOW, Fixed(NOW + 10 * HOUR, NOW + 11 * HOUR))
    assert why(NIGHTS, noon) == 'waits for the sync window "noon", which opens 2026-11-24T12:00:00Z'
    assert why(NIGHTS, noon, at=NOW + 10 * HOUR) is None


def test_a_window_that_denies_forbids_changes_inside_it_only() -> None:
    assert why(FREEZE) == DENIED
    assert why(FREEZE, at=NOW + HOUR) is None


def test_a_window_that_denies_wins_over_one_that_allows() -> None:
    always = SyncWindow("always", Kind.ALLOW, Fixed(NOW - 9 * HOUR, NOW + 9 * HOUR))
    assert why(always, FREEZE) == why(FREEZE, always) == DENIED


def test_after_a_window_that_denies_the_next_one_that_allows_is_waited_for() -> None:
    assert why(FREEZE, NIGHTS) == DENIED.replace("03:00:00Z", "22:00:00Z")


def test_an_opening_that_is_denied_is_none() -> None:
    evening = SyncWindow("evening", Kind.DENY, Fixed(NIGHT - HOUR, NIGHT + HOUR))
    late = SyncWindow("late", Kind.DENY, Fixed(NIGHT - HOUR, NIGHT + 4 * HOUR))
    assert why(NIGHTS, evening) == WAITS.replace("which opens 2026-11-24T22", "which opens 2026-11-24T23")
    assert why(NIGHTS, late) == WAITS.replace("24T22", "25T22")


@pytest.mark.parametrize(
    ("windows", "sentence"),
    [
        pytest.param(
            (SyncWindow("past", Kind.ALLOW, Fixed(NOW - 2 * HOUR, NOW - HOUR)),),
            'waits for the sync window "past", which does not open any more',
            id="an allowed time that is over",
        ),
        pytest.param(
            (SyncWindow("ever", Kind.DENY, Recurring(CronExpression.parse("0 * * * *"), HOUR, ZoneInfo("UTC"))),),
            'the sync window "ever" denies changes now; no end of that is in sight',
            id="denied for ever",
        ),
    ],
)
def test_what_will_not_open_is_said(windows: tuple[SyncWindow, ...], sentence: str) -> None:
    assert why(*windows) == sentence


# what waits


@pytest.fixture
def everything() -> tuple[Snapshot, list[ObservedJob]]:
    """A folder that adds, edits, renames, removes, moves and leaves alone a job each; one row has drifted."""
    before = [located(id=name) for name in ("edited", "gone", "moved", "old", "same", "stale")]
    rows = {job.spec.id: observed(job=job) for job in before}
    rows["stale"] = replace(rows["stale"], stale=True)
    folder = snapshot(
        located(id="added"),
        located(id="edited", description="better said"),
        located(id="moved", line=7),
        located(id="new", renamed_from="old"),
        located(id="same"),
        located(id="stale"),
    )
    return folder, list(rows.values())


def test_outside_additions_updates_renamings_and_removals_wait_and_nothing_else(
    everything: tuple[Snapshot, list[ObservedJob]],
) -> None:
    folder, rows = everything
    decided = plan(folder, *rows, windows=(NIGHTS,))
    assert decided.wait == (
        Wait("added", "added.yaml", Change.ADDITION, "nights", WAITS),
        Wait("edited", "edited.yaml", Change.UPDATE, "nights", WAITS),
        Wait("gone", "gone.yaml", Change.REMOVAL, "nights", WAITS),
        Wait("old", "new.yaml", Change.RENAMING, "nights", WAITS),
    )
    assert [update.before.id for update in decided.update] == ["moved", "stale"]
    assert (decided.add, decided.remove, decided.unchanged) == ((), (), 1)


def test_a_plan_of_which_something_waits_is_not_complete_and_shows_it_as_held(
    everything: tuple[Snapshot, list[ObservedJob]],
) -> None:
    decided = plan(everything[0], *everything[1], windows=(NIGHTS,))
    assert not decided.complete
    assert summary(decided) == "Plan: 1 to move, 1 to heal, 4 held, 1 unchanged."
    assert f"! edited  update held: {WAITS}" in to_text(decided, {})
    assert to_json(decided, {})["hold"][0] == {
        "id": "added",
        "file": "added.yaml",
        "change": "addition",
        "window": "nights",
        "why": WAITS,
    }


def test_inside_the_plan_is_as_it_was(everything: tuple[Snapshot, list[ObservedJob]]) -> None:
    folder, rows = everything
    decided = plan(folder, *rows, windows=(NIGHTS,), now=NIGHT)
    assert decided == plan(folder, *rows, windows=(), now=NIGHT)
    assert decided.complete


def test_a_job_that_no_window_is_about_changes_at_any_time() -> None:
    decided = plan(snapshot(located(id="crm.a"), located(id="erp.a")), windows=(about(NIGHTS, "erp.*"),))
    assert [add.job.spec.id for add in decided.add] == ["crm.a"]
    assert [wait.job_id for wait in decided.wait] == ["erp.a"]


def test_a_job_whose_stored_spec_is_lost_is_healed_at_once() -> None:
    decided = plan(snapshot(located()), replace(observed(), digest=""), windows=(FREEZE,))
    assert [update.before.id for update in decided.update] == ["job"]


@pytest.mark.parametrize(
    ("before", "after"), [(("books",), ()), ((), ("books",)), (("books",), ("books",)), (("books", "x"), ("y",))]
)
def test_neither_a_tag_that_goes_nor_one_that_comes_lets_a_change_out_of_a_window(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    old, new = located(tags=before), located(tags=after, description="better said")
    windows = (about(FREEZE, tags=("books",)),)
    assert plan(snapshot(new), *live(old), windows=windows, live_tags={"job": before}).wait
    assert not plan(snapshot(new), *live(old), windows=(about(FREEZE, tags=("z",)),), live_tags={"job": before}).wait


@pytest.mark.parametrize("pattern", ["old", "new"])
def test_a_renaming_is_about_the_old_id_and_the_new_one(pattern: str) -> None:
    renamed = located(id="new", renamed_from="old")
    decided = plan(snapshot(renamed), *live(located(id="old")), windows=(about(FREEZE, pattern),))
    assert [(wait.job_id, wait.change) for wait in decided.wait] == [("old", Change.RENAMING)]


def test_a_removal_goes_by_the_tags_that_are_live() -> None:
    windows = (about(FREEZE, tags=("books",)),)
    gone, stays = located(id="gone", tags=["books"]), located(id="stays")
    decided = plan(snapshot(stays), *live(gone, stays), windows=windows, live_tags={"gone": ("books",)})
    assert [wait.job_id for wait in decided.wait] == ["gone"]


# jobs that run after others


def test_a_job_that_is_to_run_after_one_that_waits_waits_with_it() -> None:
    folder = snapshot(
        located(id="a"), located(id="b", after={"a": "any"}), located(id="c", after={"b": "any"}), located(id="d")
    )
    decided = plan(folder, windows=(about(NIGHTS, "a"),))
    assert [add.job.spec.id for add in decided.add] == ["d"]
    assert [(wait.job_id, wait.window) for wait in decided.wait] == [(name, "nights") for name in "abc"]
    assert decided.wait[1].why == 'runs after "a", which waits for the sync window "nights"'
    assert decided.wait[2].why == 'runs after "b", which waits for the sync window "nights"'


IDS = ("a", "b", "c", "d")


def has_no_circle(shape: dict[str, str | None]) -> bool:
    return not circles({job_id: {up: up} for job_id, up in shape.items() if up not in {None, job_id}})


shapes = st.fixed_dictionaries({job_id: st.none() | st.sampled_from(IDS) for job_id in IDS}).filter(has_no_circle)


def chain(shape: dict[str, str | None]) -> Snapshot:
    made = [
        located(id=job_id) if upstream in {None, job_id} else located(id=job_id, after={str(upstream): "any"})
        for job_id, upstream in shape.items()
    ]
    return snapshot(*made)


def edges(of: Observed, *folders: Snapshot) -> dict[str, dict[str, str]]:
    """Return who runs after whom by what is live: each digest is of one of *folders*."""
    specs = {job.digest: job.spec for folder in folders for places in folder.jobs.values() for job in places}
    live_specs = {job.id: specs[job.digest] for job in of.jobs.values()}
    return {i: {up: up for up in spec.after or () if up in live_specs} for i, spec in live_specs.items()}


@settings(deadline=None, derandomize=True, max_examples=300)
@given(shapes, shapes, st.sets(st.sampled_from(IDS)))
def test_what_becomes_live_in_part_never_lets_a_job_run_after_itself(
    old: dict[str, str | None], new: dict[str, str | None], waiting: set[str]
) -> None:
    first, then = chain(old), chain(new)
    before = applied(diff(first, Observed(), now=NOW, guard=PruneGuard()), Observed())
    windows = SyncWindows((about(FREEZE, *(waiting or {"nobody"})),))
    decided = wait_for_windows(diff(then, before, now=NOW, guard=PruneGuard()), windows, now=NOW)
    assert circles(edges(applied(decided, before), first, then)) == {}


@settings(deadline=None, derandomize=True, max_examples=100)
@given(shapes, shapes, st.sets(st.sampled_from(IDS)))
def test_a_plan_in_part_leaves_nothing_to_write_while_the_windows_stay_as_they_are(
    old: dict[str, str | None], new: dict[str, str | None], waiting: set[str]
) -> None:
    before = applied(diff(chain(old), Observed(), now=NOW, guard=PruneGuard()), Observed())
    windows = SyncWindows((about(FREEZE, *(waiting or {"nobody"})),))
    decided = wait_for_windows(diff(chain(new), before, now=NOW, guard=PruneGuard()), windows, now=NOW)
    after = applied(decided, before)
    again = wait_for_windows(diff(chain(new), after, now=NOW, guard=PruneGuard()), windows, now=NOW)
    assert not again.writes
    assert again.wait == decided.wait
