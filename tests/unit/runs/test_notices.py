"""Who is told of what, given how a slot ended and what was told before."""

from typing import Any

import pytest

from schedsync.runs.notices import Ending, ending_of, is_failure, late_slot, overdue, tell
from schedsync.runs.run import RunState
from schedsync.specs.notify import Event, Notify
from tests.builders import HOUR, NOW, run, spec

EVERYTHING = Notify(on=tuple(Event), to=("mail", "chat"))
NOTHING: frozenset[str] = frozenset()


def told(
    state: RunState, alarms: frozenset[str] = NOTHING, *, notify: Notify | None = EVERYTHING, **fields: Any
) -> Any:
    telling = tell(Ending(run(state=state, finished_at=NOW, **fields), notify), alarms)
    events = {notice.event.value for notice in telling.notices}
    return events, set(telling.raised), set(telling.lowered)


@pytest.mark.parametrize(
    ("state", "attempt", "event", "raised"),
    [
        (RunState.FAILED, 1, "failed", {"failed"}),
        (RunState.TIMED_OUT, 1, "failed", {"failed"}),
        (RunState.LOST, 1, "lost", {"lost"}),
        (RunState.FAILED, 3, "gave_up", {"failed", "gave_up"}),
        (RunState.LOST, 2, "gave_up", {"lost", "gave_up"}),
        (RunState.SKIPPED, 2, "failed", {"failed"}),
    ],
)
def test_an_end_that_is_no_success_is_one_event_and_all_alarms_that_it_is(
    state: RunState, attempt: int, event: str, raised: set[str]
) -> None:
    assert told(state, attempt=attempt) == ({event}, raised, set())


def test_what_was_told_is_not_told_again_and_what_is_new_is() -> None:
    assert told(RunState.FAILED, frozenset({"failed"})) == (set(), set(), set())
    assert told(RunState.LOST, frozenset({"failed"})) == ({"lost"}, {"lost"}, set())


def test_a_success_takes_all_alarms_back_and_is_told_after_a_failure_only() -> None:
    assert told(RunState.SUCCEEDED) == (set(), set(), set())
    assert told(RunState.SUCCEEDED, frozenset({"lost"})) == ({"recovered"}, set(), {"lost"})
    assert told(RunState.SUCCEEDED, frozenset({"overdue"})) == (set(), set(), {"overdue"})


def test_what_nobody_asked_for_is_no_alarm() -> None:
    assert told(RunState.FAILED, notify=Notify(on=(Event.LATE,), to=("mail",))) == (set(), set(), set())
    assert told(RunState.FAILED, notify=None) == (set(), set(), set())


def test_each_channel_has_a_notice_of_its_own_with_an_id_that_is_always_the_same() -> None:
    failed = run(state=RunState.FAILED, finished_at=NOW)
    one, other = (tell(Ending(failed, EVERYTHING), NOTHING).notices for _ in range(2))
    assert one == other
    assert [notice.channel for notice in one] == ["mail", "chat"]
    assert len({notice.id for notice in one}) == 2
    assert all(len(notice.id) <= 32 for notice in one)


def test_a_channel_that_is_named_twice_is_told_once() -> None:
    notify = spec(notify={"to": ["mail", "chat", "mail"]}).notify
    assert notify is not None
    failed = Ending(run(state=RunState.FAILED, finished_at=NOW), notify)
    assert [notice.channel for notice in tell(failed, NOTHING).notices] == ["mail", "chat"]


@pytest.mark.parametrize("state", [RunState.CANCELLED, RunState.SKIPPED])
def test_a_slot_that_was_replaced_or_never_started_tells_nothing(state: RunState) -> None:
    ended = run(state=state, finished_at=NOW)
    assert not is_failure(ended)
    assert ending_of(ended, spec(notify={"to": ["mail"]})) is None


def test_a_job_that_nobody_watches_has_no_endings() -> None:
    ended = run(state=RunState.FAILED, finished_at=NOW)
    assert ending_of(ended, spec()) is None
    assert ending_of(ended, spec(notify={"to": ["mail"]})) is not None
    assert ending_of(ended, spec(max_time_since_success="1d")) is not None


def test_a_late_slot_has_the_same_notice_whichever_attempt_is_late() -> None:
    first, second = (run(attempt=attempt, late_at=NOW + HOUR) for attempt in (1, 2))
    one, other = (late_slot(late, EVERYTHING, NOW + HOUR) for late in (first, second))
    assert [notice.id for notice in one] == [notice.id for notice in other]
    assert one[0].reason == "it has not ended 1h after its time"
    assert late_slot(first, Notify(on=(Event.FAILED,), to=("mail",)), NOW) == ()


def test_an_overdue_job_has_another_notice_each_time_that_it_becomes_so() -> None:
    first, second = (overdue("job", EVERYTHING, since, "why", NOW) for since in (NOW, NOW + HOUR))
    assert {notice.id for notice in first} & {notice.id for notice in second} == set()


def test_a_run_is_late_when_it_ends_behind_its_time_or_has_not_ended_by_then() -> None:
    allowed = {"late_at": NOW}
    assert run(**allowed).is_late(NOW)
    assert not run(**allowed).is_late(NOW - HOUR)
    assert run(**allowed, state=RunState.SUCCEEDED, finished_at=NOW).is_late(NOW)
    assert not run(**allowed, state=RunState.SUCCEEDED, finished_at=NOW - HOUR).is_late(NOW + HOUR)
    assert not run(**allowed, state=RunState.SKIPPED, finished_at=NOW).is_late(NOW)
    assert not run().is_late(NOW)
