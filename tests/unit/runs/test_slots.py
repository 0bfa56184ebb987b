"""Verdicts over due slots: each policy, with each overlap, for what was missed and for what is merely late."""

from collections import Counter
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import Cause, SkipReason
from schedsync.runs.slots import Ahead, Decision, DueJob, Verdict, judge
from schedsync.specs.policy import MisfirePolicy, Overlap
from tests.builders import HOUR, NOW, spec

MINUTE = timedelta(minutes=1)
LONG_AGO = NOW - timedelta(days=30)
OVERLAPS, POLICIES = [overlap.value for overlap in Overlap], [policy.value for policy in MisfirePolicy]


def ago(*minutes: float) -> list[datetime]:
    return [NOW - minute * MINUTE for minute in minutes]


def judged(
    slots: list[datetime], *, up_since: datetime = LONG_AGO, job: dict[str, Any] | None = None, **due: Any
) -> list[Verdict]:
    return judge(DueJob(spec(**(job or {})), slots, **due), now=NOW, up_since=up_since)


def decisions(verdicts: list[Verdict]) -> str:
    return " ".join(verdict.decision.value for verdict in verdicts)


def policy(name: str, *, overlap: str = "skip", grace: str = "1d") -> dict[str, Any]:
    return {"misfire": {"policy": name, "grace": grace}, "overlap": overlap}


# one slot


@pytest.mark.parametrize("overlap", OVERLAPS)
@pytest.mark.parametrize("name", POLICIES)
def test_a_slot_that_is_due_starts(name: str, overlap: str) -> None:
    (verdict,) = judged([NOW], job=policy(name, overlap=overlap))
    assert verdict == Verdict(NOW, Decision.START, Cause.SCHEDULE)


@pytest.mark.parametrize(
    ("overlap", "decision", "reason"),
    [
        ("skip", Decision.SKIP, "overlap: the run before it has not ended"),
        ("queue", Decision.WAIT, None),
        ("allow", Decision.START, None),
        ("replace", Decision.REPLACE, None),
    ],
)
@pytest.mark.parametrize("name", POLICIES)
def test_a_slot_that_overlaps_is_treated_as_the_job_says(
    name: str, overlap: str, decision: Decision, reason: str | None
) -> None:
    (verdict,) = judged([NOW], job=policy(name, overlap=overlap), ahead=Ahead(1))
    assert (verdict.decision, verdict.reason) == (decision, reason)


@pytest.mark.parametrize(
    ("name", "expected"), [("latest", "catchup start"), ("all", "catchup start"), ("skip", "catchup skip")]
)
def test_a_missed_slot_is_treated_as_the_job_says(name: str, expected: str) -> None:
    (verdict,) = judged(ago(10), up_since=NOW, job=policy(name))
    assert f"{verdict.cause} {verdict.decision}" == expected


def test_a_late_slot_is_not_a_missed_one() -> None:
    (verdict,) = judged(ago(10), up_since=NOW - 10 * MINUTE, job=policy("skip"))
    assert (verdict.decision, verdict.cause) == (Decision.START, Cause.SCHEDULE)


@pytest.mark.parametrize(
    ("late", "reason"),
    [
        (HOUR, None),
        (HOUR + timedelta(microseconds=1), "misfire: 1h1s late, the grace is 1h"),
        (HOUR + timedelta(seconds=1), "misfire: 1h1s late, the grace is 1h"),
        (3 * HOUR + MINUTE, "misfire: 3h1m late, the grace is 1h"),
    ],
    ids=["as late as it may be", "a moment later", "a second later", "hours later"],
)
@pytest.mark.parametrize("name", POLICIES)
def test_no_slot_starts_later_than_its_grace(name: str, late: timedelta, reason: str | None) -> None:
    (verdict,) = judged([NOW - late], job=policy(name, grace="1h"))
    assert (verdict.decision, verdict.reason) == (Decision.SKIP if reason else Decision.START, reason)


# several slots, missed


AFTER_AN_OUTAGE = {
    ("latest", "skip"): "skip skip start",
    ("latest", "queue"): "skip skip start",
    ("latest", "allow"): "skip skip start",
    ("latest", "replace"): "skip skip start",
    ("all", "skip"): "start wait wait",
    ("all", "queue"): "start wait wait",
    ("all", "allow"): "start start start",
    ("all", "replace"): "skip skip start",
    ("skip", "skip"): "skip skip skip",
    ("skip", "queue"): "skip skip skip",
    ("skip", "allow"): "skip skip skip",
    ("skip", "replace"): "skip skip skip",
}


@pytest.mark.parametrize(("name", "overlap"), [*product(POLICIES, OVERLAPS)])
def test_after_an_outage(name: str, overlap: str) -> None:
    verdicts = judged(ago(30, 20, 10), up_since=NOW, job=policy(name, overlap=overlap))
    assert decisions(verdicts) == AFTER_AN_OUTAGE[name, overlap]


@pytest.mark.parametrize(
    ("name", "overlap", "expected"),
    [
        ("latest", "skip", "skip skip skip"),
        ("latest", "queue", "skip skip wait"),
        ("latest", "allow", "skip skip start"),
        ("latest", "replace", "skip skip replace"),
        ("all", "skip", "wait wait wait"),
        ("all", "queue", "wait wait wait"),
        ("all", "allow", "start start start"),
        ("all", "replace", "skip skip replace"),
    ],
)
def test_after_an_outage_that_a_run_survived(name: str, overlap: str, expected: str) -> None:
    verdicts = judged(ago(30, 20, 10), up_since=NOW, job=policy(name, overlap=overlap), ahead=Ahead(1))
    assert decisions(verdicts) == expected


def test_one_missed_slot_waits_under_the_policy_all_as_several_do() -> None:
    assert decisions(judged(ago(10), up_since=NOW, job=policy("all"), ahead=Ahead(1))) == "wait"


@pytest.mark.parametrize(("name", "expected"), [("latest", "skip skip"), ("all", "start wait"), ("skip", "skip skip")])
def test_of_a_long_outage_the_latest_slot_is_not_among_the_first(name: str, expected: str) -> None:
    assert decisions(judged(ago(30, 20), up_since=NOW, job=policy(name), more=True)) == expected


def test_a_missed_slot_gives_way_to_a_later_one_that_was_not_missed() -> None:
    verdicts = judged(ago(30, 20, 10), up_since=NOW - 15 * MINUTE, job=policy("latest"))
    assert [(verdict.decision, verdict.cause, verdict.reason) for verdict in verdicts] == [
        (Decision.SKIP, Cause.CATCHUP, "misfire: not run under the policy latest"),
        (Decision.SKIP, Cause.CATCHUP, "misfire: not run under the policy latest"),
        (Decision.START, Cause.SCHEDULE, None),
    ]


def test_a_slot_that_was_not_missed_overlaps_with_missed_ones_that_run() -> None:
    verdicts = judged(ago(30, 20, 10), up_since=NOW - 15 * MINUTE, job=policy("all"))
    assert decisions(verdicts) == "start wait skip"
    assert verdicts[-1].reason == "overlap: the run before it has not ended"


# several slots, merely late


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize(
    ("overlap", "alone", "overlapping"),
    [
        ("skip", "skip skip start", "skip skip skip"),
        ("queue", "start wait wait", "wait wait wait"),
        ("allow", "start start start", "start start start"),
        ("replace", "skip skip start", "skip skip replace"),
    ],
)
def test_slots_that_came_due_together_while_the_loop_was_busy(
    name: str, overlap: str, alone: str, overlapping: str
) -> None:
    """Lateness alone is no misfire; what may not run beside each other is decided by overlap."""
    slots, job = ago(0.2, 0.1, 0), policy(name, overlap=overlap)
    assert decisions(judged(slots, job=job)) == alone
    assert decisions(judged(slots, job=job, ahead=Ahead(1))) == overlapping
    assert not any((verdict.reason or "").startswith("misfire") for verdict in judged(slots, job=job))


@pytest.mark.parametrize("overlap", ["skip", "replace"])
def test_what_a_later_slot_stands_for_says_so(overlap: str) -> None:
    first, _ = judged(ago(0.1, 0), job=policy("latest", overlap=overlap))
    assert first.reason == "overlap: a later slot is due already"
    last = judged(ago(0.1, 0), job=policy("latest", overlap=overlap), more=True)[-1]
    assert (last.decision, last.reason) == (Decision.SKIP, "overlap: a later slot is due already")


@pytest.mark.parametrize(("given", "most"), [({}, 100), ({"max_queued": 7}, 7)], ids=["by default", "as it says"])
def test_the_queue_of_a_job_is_bounded(given: dict[str, Any], most: int) -> None:
    job = policy("all", overlap="queue") | given
    verdicts = judged(ago(*range(most + 5, 0, -1)), job=job)
    assert Counter(verdict.decision for verdict in verdicts) == {"start": 1, "wait": most, "skip": 4}
    assert verdicts[-1].reason == f"overlap: {most} runs are waiting already"
    assert decisions(judged([NOW], job=job, ahead=Ahead(most, most - 1))) == "wait"
    assert decisions(judged([NOW], job=job, ahead=Ahead(most + 1, most))) == "skip"


def test_runs_of_others_in_the_group_do_not_count_against_the_queue_of_a_job() -> None:
    job = policy("latest", overlap="queue") | {"group": "erp", "max_queued": 1}
    assert decisions(judged([NOW], job=job, ahead=Ahead(other="other"))) == "wait"
    assert decisions(judged([NOW], job=job, ahead=Ahead(1, 1, "other"))) == "skip"


@pytest.mark.parametrize(
    ("overlap", "decision", "reason"),
    [
        ("skip", "skip", "overlap: a run of erp.load, which is in the same group, has not ended"),
        ("queue", "wait", None),
        ("replace", "replace", None),
    ],
)
def test_a_slot_that_overlaps_another_job_of_its_group_is_treated_as_the_job_says(
    overlap: str, decision: str, reason: str | None
) -> None:
    (verdict,) = judged([NOW], job=policy("latest", overlap=overlap), ahead=Ahead(other="erp.load"))
    assert (verdict.decision, verdict.reason) == (decision, reason)


# how many missed ones run


def missed(count: int, **due: Any) -> list[Verdict]:
    job = policy("all", overlap=due.pop("overlap", "queue")) | due.pop("job", {})
    return judged(ago(*range(count, 0, -1)), up_since=NOW, job=job, **due)


@pytest.mark.parametrize("overlap", ["skip", "queue", "allow"])
def test_of_many_missed_slots_the_newest_run_and_the_others_say_why_not(overlap: str) -> None:
    verdicts = missed(130, overlap=overlap)
    assert [verdict.decision is Decision.SKIP for verdict in verdicts] == [True] * 30 + [False] * 100
    assert {verdict.reason for verdict in verdicts[:30]} == {"misfire: of the missed slots only the newest 100 run"}


def test_the_limit_counts_what_later_ticks_will_judge() -> None:
    job = {"misfire": {"policy": "all", "grace": "1d", "limit": 5}}
    assert decisions(missed(4, job=job, more=True, missed_later=5)) == "skip skip skip skip"
    assert decisions(missed(4, job=job, more=True, missed_later=3)) == "skip skip start wait"
    assert decisions(missed(4, job=job, more=True, missed_later=1)) == "start wait wait wait"


def test_a_limit_beyond_the_queue_is_kept_for_missed_slots_and_no_further() -> None:
    job = {"max_queued": 3, "misfire": {"policy": "all", "grace": "1d", "limit": 6}}
    assert decisions(missed(6, job=job)) == "start wait wait wait wait wait"
    assert decisions(missed(2, job=job, ahead=Ahead(6, 5))) == "wait skip"
    late = judged(ago(1, 0), up_since=NOW - MINUTE / 2, job=policy("all", overlap="queue") | job, ahead=Ahead(4, 3))
    assert decisions(late) == "wait skip"


def test_slots_that_are_merely_late_are_not_counted_as_missed_ones() -> None:
    job = policy("all", overlap="queue") | {"misfire": {"policy": "all", "limit": 1}}
    assert decisions(judged(ago(0.3, 0.2, 0.1), up_since=NOW - 0.25 * MINUTE, job=job)) == "start wait wait"


# pauses and suspension


def pause(*, since: float = 60, until: float | None = None, job_id: str = "job") -> Pause:
    """A pause from so many minutes ago until so many minutes ago."""
    return Pause(job_id, "me", since=ago(since)[0], until=None if until is None else ago(until)[0])


@pytest.mark.parametrize(
    ("pauses", "expected"),
    [
        pytest.param([], "start start start", id="none"),
        pytest.param([pause()], "skip skip skip", id="in force"),
        pytest.param([pause(job_id=EVERYTHING)], "skip skip skip", id="of everything"),
        pytest.param([pause(until=-60)], "skip skip skip", id="in force until later"),
        pytest.param([pause(since=0)], "skip skip skip", id="since just now: nothing starts once it is acknowledged"),
        pytest.param([pause(until=0)], "skip skip skip", id="over since just now"),
        pytest.param([pause(until=20)], "skip start start", id="over since the second slot"),
        pytest.param([pause(since=25, until=15)], "start skip start", id="over, and begun after the first slot"),
        pytest.param([pause(until=25), pause(since=15, until=5)], "skip start skip", id="two"),
    ],
)
def test_paused_slots_do_not_start(pauses: list[Pause], expected: str) -> None:
    verdicts = judged(ago(30, 20, 10), up_since=NOW, job=policy("all", overlap="allow"), pauses=pauses)
    assert decisions(verdicts) == expected
    assert {verdict.reason for verdict in verdicts if verdict.decision is Decision.SKIP} <= {"paused"}


def test_a_pause_leaves_the_latest_slot_outside_it_to_the_misfire_policy() -> None:
    verdicts = judged(ago(30, 20, 10), up_since=NOW, job=policy("latest"), pauses=[pause(since=15, until=5)])
    assert [verdict.reason for verdict in verdicts] == ["misfire: not run under the policy latest", None, "paused"]


def test_a_suspended_job_skips_whatever_is_due() -> None:
    verdicts = judged(ago(999, 0), job={"suspend": True, **policy("all")}, pauses=[pause()], ahead=Ahead(1))
    assert [(verdict.decision, verdict.reason) for verdict in verdicts] == [(Decision.SKIP, "suspended")] * 2


# what holds whatever is due


@st.composite
def due_jobs(draw: st.DrawFn) -> tuple[DueJob, datetime]:
    job = spec(
        misfire={
            "policy": draw(st.sampled_from(POLICIES)),
            "grace": draw(st.sampled_from(["1m", "1h", "1d"])),
            "limit": draw(st.sampled_from([1, 20, 100])),
        },
        max_queued=draw(st.sampled_from([1, 20, 100])),
        overlap=draw(st.sampled_from(OVERLAPS)),
        suspend=draw(st.sampled_from([False, False, False, True])),
    )
    slots = ago(*sorted(draw(st.sets(st.integers(0, 200), max_size=120)), reverse=True))
    pauses = draw(
        st.lists(st.builds(pause, since=st.integers(0, 200), until=st.none() | st.integers(-50, 100)), max_size=2)
    )
    own = draw(st.sampled_from([0, 0, 1, 2, 101]))
    ahead = Ahead(own, max(own - 1, 0), draw(st.sampled_from([None, None, "other"])))
    due = DueJob(job, slots, draw(st.booleans()), pauses, ahead, draw(st.integers(0, job.misfire.limit)))
    return due, ago(draw(st.integers(0, 250)))[0]


@settings(deadline=None, derandomize=True, max_examples=100)
@given(due_jobs())
def test_each_slot_has_one_verdict_in_order_and_at_most_one_starts_unless_they_may_overlap(
    drawn: tuple[DueJob, datetime],
) -> None:
    due, up_since = drawn
    verdicts = judge(due, now=NOW, up_since=up_since)
    assert [verdict.slot for verdict in verdicts] == list(due.slots)
    found = [verdict.decision for verdict in verdicts]
    starts = [decision for decision in found if decision in {Decision.START, Decision.REPLACE}]
    if due.spec.overlap is Overlap.ALLOW:
        assert set(found) <= {Decision.START, Decision.SKIP}
    else:
        assert len(starts) <= 1
        assert not (due.ahead and Decision.START in found)
        most = max(due.spec.max_queued, due.spec.misfire.limit)
        assert due.ahead.waiting + found.count(Decision.WAIT) <= max(most, due.ahead.waiting)
    assert (Decision.REPLACE in found) <= (due.spec.overlap is Overlap.REPLACE and bool(due.ahead))
    if due.spec.misfire.policy is MisfirePolicy.ALL:
        run = sum(v.decision is not Decision.SKIP for v in verdicts if v.slot < up_since)
        assert run <= max(due.spec.misfire.limit - due.missed_later, 0)
    for verdict in verdicts:
        assert (verdict.cause is Cause.CATCHUP) == (verdict.slot < up_since)
        assert (verdict.reason is not None) == (verdict.decision is Decision.SKIP)
        assert verdict.reason is None or verdict.reason.partition(":")[0] in set(SkipReason)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(due_jobs())
def test_only_slots_that_were_missed_or_too_late_are_misfires(drawn: tuple[DueJob, datetime]) -> None:
    due, up_since = drawn
    for verdict in judge(due, now=NOW, up_since=up_since):
        if (verdict.reason or "").startswith("misfire"):
            assert verdict.slot < up_since or NOW - verdict.slot > due.spec.misfire.grace
