"""Slots inside a blackout: skipped with its name and reason, and judged by their own time."""

from datetime import timedelta
from typing import Any

import pytest

from schedsync.runs.blackouts import Blackout, Blackouts
from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.recovery import KnownJob
from schedsync.runs.slots import Ahead, Decision, DueJob, Verdict, judge
from schedsync.runs.unowned import judge_unowned
from schedsync.specs.windows import Chosen, Fixed
from tests.builders import HOUR, NOW, run, spec

MOMENT = timedelta(microseconds=1)
BOOKS = Blackout("year-end", Fixed(NOW - HOUR, NOW), reason="books are closed")
BARE = Blackout("backup", Fixed(NOW - 2 * HOUR, NOW + HOUR), Chosen(("erp.*",)))
CLOSED = "blackout year-end: books are closed"


def judged(*slots: Any, **job: Any) -> list[Verdict]:
    wanted = spec(misfire={"policy": "all", "grace": "1d"}, overlap="allow", **job)
    due = DueJob(wanted, slots, blackouts=Blackouts((BOOKS, BARE)).concerning(wanted.id, wanted.tags))
    return judge(due, now=NOW, up_since=NOW - 3 * HOUR)


def test_a_slot_inside_is_skipped_with_name_and_reason_and_those_at_its_edges_are_not() -> None:
    verdicts = judged(NOW - HOUR - MOMENT, NOW - HOUR, NOW - MOMENT, NOW)
    assert [verdict.decision for verdict in verdicts] == [
        *(Decision.START, Decision.SKIP, Decision.SKIP, Decision.START),
    ]
    assert {verdict.reason for verdict in verdicts} == {None, CLOSED}


def test_a_missed_slot_is_judged_by_its_own_time() -> None:
    """Two slots of an outage are made up for: one from before the blackout, and one that fell into it."""
    wanted = spec(misfire={"policy": "all", "grace": "1d"}, overlap="allow")
    due = DueJob(wanted, [NOW - 2 * HOUR, NOW - HOUR / 2], blackouts=(BOOKS,))
    verdicts = judge(due, now=NOW - MOMENT, up_since=NOW)
    assert [(verdict.decision, verdict.reason) for verdict in verdicts] == [
        (Decision.START, None),
        (Decision.SKIP, CLOSED),
    ]


def test_a_blackout_without_a_reason_is_said_by_its_name_and_the_first_one_in_the_settings_is_said() -> None:
    assert judged(NOW - HOUR / 2, id="erp.close")[0].reason == CLOSED
    assert judged(NOW, id="erp.close")[0].reason == "blackout backup"
    assert judged(NOW, id="crm.close")[0].reason is None


def test_a_pause_is_said_before_a_blackout_and_a_blackout_before_a_misfire() -> None:
    late = spec(misfire={"grace": "1s"})
    slot = NOW - HOUR / 2
    pause = Pause(EVERYTHING, "ann", since=NOW - HOUR)
    reasons = [
        judge(DueJob(late, [slot], pauses=pauses, blackouts=(BOOKS,)), now=NOW, up_since=NOW)[0].reason
        for pauses in ([pause], [])
    ]
    assert reasons == ["paused", CLOSED]


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        pytest.param({}, (Decision.SKIP, CLOSED), id="it follows a run that ended inside"),
        pytest.param({"scheduled_at": NOW}, (Decision.START, None), id="that ended afterwards"),
        pytest.param({"asked_by": "ann"}, (Decision.START, None), id="a person asked for it"),
    ],
)
def test_runs_out_of_turn(fields: dict[str, Any], outcome: tuple[Decision, str | None]) -> None:
    unowned = run(**{"scheduled_at": NOW - MOMENT, **fields})
    job = KnownJob(spec(after={"other": "any"}) if "asked_by" not in fields else spec(), "job.yaml")
    assert judge_unowned(unowned, job, Ahead(), NOW, Blackouts((BOOKS,))) == outcome


def test_whoever_asks_why_is_told_what_is_over_a_slot_and_what_is_in_force() -> None:
    every = Blackouts((BOOKS, BARE))
    assert every.over("erp.close", (), NOW) is BARE
    assert every.over("crm.close", (), NOW) is None
    assert every.in_force(NOW - HOUR) == (BOOKS, BARE)
    assert every.in_force(NOW) == (BARE,)
