"""What is remembered of the store, and how much of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import Run, RunState
from schedsync.runs.selection import RunFilter
from schedsync.status import mirror
from schedsync.status.mirror import Mirror, NotRememberedError
from schedsync.status.selection import FoundRuns
from tests.builders import HOUR, NOW, located, observed, run, snapshot, store


def _ended(number: int, job_id: str = "job", state: RunState = RunState.SUCCEEDED) -> Run:
    return run(job_id=job_id, scheduled_at=NOW + number * timedelta(minutes=1), state=state)


def _ids(remembered: list[Run]) -> list[str]:
    return [each.id for each in remembered]


def test_nothing_is_known_before_the_store_was_looked_at() -> None:
    empty = Mirror()
    assert (empty.as_of, empty.jobs(after="", limit=10), empty.run_counts()) == (None, [], {})
    for ask in (lambda: empty.job("job"), lambda: empty.run("x"), lambda: empty.output("x")):
        with pytest.raises(NotRememberedError):
            ask()


def test_jobs_are_as_they_were_seen_last_with_specs_from_the_folder_or_from_elsewhere() -> None:
    first, second, gone = located(id="a"), located(id="b"), located(id="c")
    seen = Mirror()
    seen.see_jobs(store(observed(job=gone)), NOW - HOUR)
    seen.see_jobs(store(observed(job=second), observed(job=first, revision="r7")), NOW)
    seen.see_folder(snapshot(first).jobs)
    assert seen.without_spec() == {"b": second.digest}
    seen.learn_specs({"b": (second.digest, second.spec), "a": ("an old digest", second.spec)})
    jobs = seen.jobs(after="", limit=10)
    assert [(job.observed.id, job.spec, job.revision) for job in jobs] == [
        ("a", first.spec, "r7"),
        ("b", second.spec, None),
    ]
    assert [job.observed.id for job in seen.jobs(after="a", limit=1)] == ["b"]
    assert seen.as_of == NOW
    with pytest.raises(NotRememberedError):
        seen.job("c")


def test_a_spec_of_another_version_is_not_shown() -> None:
    old, new = located(description="old"), located(description="new")
    seen = Mirror()
    seen.see_folder(snapshot(old).jobs)
    seen.see_jobs(store(observed(job=new)), NOW)
    assert seen.job("job").spec is None


def test_jobs_are_counted_under_the_state_that_they_show() -> None:
    seen = Mirror()
    rows = [
        observed(job=located(id="active")),
        observed(job=located(id="paused", suspend=True)),
        observed(job=located(id="suspended", suspend=True), stale=True),
        observed(job=located(id="finished"), next_fire_at=None),
    ]
    seen.see_jobs(store(*rows), NOW)
    seen.learn_pauses([Pause("paused", "me", NOW), Pause(EVERYTHING, "me", NOW, until=NOW + HOUR)])
    assert seen.job_counts(NOW).by_state == {"paused": 3, "finished": 1}
    counts = seen.job_counts(NOW + HOUR)
    assert counts.by_state == dict.fromkeys(("active", "paused", "suspended", "finished"), 1)
    assert counts.stale == 1


def test_a_known_end_is_not_forgotten_for_older_news_and_other_ends_replace_it() -> None:
    seen = Mirror()
    ended = _ended(0)
    seen.learn_runs([ended, replace(ended, state=RunState.RUNNING)])
    assert seen.run(ended.id).state is RunState.SUCCEEDED
    seen.learn_run(replace(ended, state=RunState.LOST))
    assert seen.run(ended.id).state is RunState.LOST


def test_of_each_job_the_newest_runs_are_remembered_and_those_that_have_not_ended() -> None:
    seen = Mirror()
    waiting = _ended(-1, state=RunState.RUNNING)
    runs = [_ended(number) for number in range(mirror.RUNS_OF_A_JOB + 5)]
    other = _ended(-9, "other")
    seen.learn_runs([waiting, other, *runs])
    kept = seen.runs(job_id="job", before=None, limit=100)
    assert _ids(kept) == [*_ids(runs[: -mirror.RUNS_OF_A_JOB : -1]), waiting.id]
    assert seen.last_runs(["job", "other", "none"]) == {"job": runs[-1], "other": other}


def test_runs_of_a_job_that_have_not_ended_are_remembered_however_many_they_are() -> None:
    seen = Mirror()
    waiting = [_ended(number, state=RunState.QUEUED) for number in range(mirror.RUNS_OF_A_JOB + 5)]
    seen.learn_runs([_ended(-1), *waiting])
    assert _ids(seen.unsettled()) == _ids(waiting)
    assert _ids(seen.runs(job_id="job", before=None, limit=100)) == _ids(waiting[::-1])
    seen.learn_runs([replace(each, state=RunState.SUCCEEDED) for each in waiting])
    assert len(seen.runs(job_id="job", before=None, limit=100)) == mirror.RUNS_OF_A_JOB


def test_a_run_whose_job_was_renamed_is_one_of_the_new_id_only() -> None:
    seen = Mirror()
    known = _ended(1, "old", RunState.RUNNING)
    seen.learn_run(known)
    seen.learn_run(replace(known, job_id="new"))
    with pytest.raises(NotRememberedError):
        seen.runs(job_id="old", before=None, limit=10)
    assert _ids(seen.runs(job_id="new", before=None, limit=10)) == [known.id]


def test_runs_of_a_renamed_job_go_on_under_its_new_id_also_those_that_have_ended() -> None:
    seen = Mirror()
    ended, running = _ended(1, "old"), _ended(2, "old", RunState.RUNNING)
    seen.learn_runs([ended, running])
    seen.rename_jobs({"old": "new", "nobody": "somebody"})
    assert _ids(seen.runs(job_id="new", before=None, limit=10)) == [running.id, ended.id]
    with pytest.raises(NotRememberedError):
        seen.runs(job_id="old", before=None, limit=10)


def test_a_run_that_there_is_news_of_is_not_forgotten_for_what_was_known_before() -> None:
    seen = Mirror()
    queued = _ended(1, state=RunState.QUEUED)
    seen.learn_run(queued)
    seen.learn_run(running := replace(queued, state=RunState.RUNNING))
    seen.forget_runs([queued])
    assert seen.run(queued.id) is running


def test_of_all_runs_so_many_are_remembered() -> None:
    seen = Mirror()
    runs = [_ended(number, f"job-{number % 500}") for number in range(mirror.RUNS + 500)]
    seen.learn_runs(runs)
    kept = seen.runs(job_id=None, before=None, limit=10_000)
    assert mirror.RUNS <= len(kept) <= mirror.RUNS + 200
    assert _ids(kept[: mirror.RUNS]) == _ids(runs[: -mirror.RUNS - 1 : -1])


def test_pages_of_runs_go_on_from_a_place_and_end_where_memory_does() -> None:
    seen = Mirror()
    seen.see_jobs(store(observed()), NOW)
    first, second = _ended(1), _ended(2)
    seen.learn_runs([first, second])
    assert seen.runs(job_id=None, before=(second.scheduled_at, second.id), limit=10) == [first]
    for job_id, before in (("nobody", None), ("job", (first.scheduled_at, first.id))):
        with pytest.raises(NotRememberedError):
            seen.runs(job_id=job_id, before=before, limit=10)


def test_that_a_job_has_no_run_is_said_only_where_all_runs_are_known() -> None:
    seen = Mirror()
    seen.see_jobs(store(observed()), NOW)
    for ask in (seen.runs, seen.runs_page):
        with pytest.raises(NotRememberedError):
            ask(job_id="job", before=None, limit=10)
    seen.learn_all_runs([other := _ended(1, "other")])
    assert seen.runs(job_id="job", before=None, limit=10) == []
    assert seen.runs_page(job_id="job", before=None, limit=10) == FoundRuns([], None)
    assert seen.runs_page(job_id=None, before=None, limit=10) == FoundRuns([other], None)


def test_behind_what_is_remembered_there_may_be_more() -> None:
    seen = Mirror()
    first, second = _ended(1), _ended(2, state=RunState.FAILED)
    seen.learn_runs([first, second])
    assert seen.runs_page(job_id="job", before=None, limit=1) == FoundRuns([second], second)
    assert seen.runs_page(job_id="job", before=None, limit=2) == FoundRuns([second, first], first)
    succeeded, lost = RunFilter(state=RunState.SUCCEEDED), RunFilter(state=RunState.LOST)
    assert seen.runs_page(job_id=None, before=None, limit=2, only=succeeded) == FoundRuns([first], first)
    assert seen.runs_page(job_id=None, before=None, limit=2, only=lost) == FoundRuns([], first)
    with pytest.raises(NotRememberedError):
        seen.runs_page(job_id=None, before=(first.scheduled_at, first.id), limit=2)


def test_what_was_all_is_not_all_any_more_once_something_is_forgotten() -> None:
    seen = Mirror()
    runs = [_ended(number) for number in range(mirror.RUNS_OF_A_JOB)]
    seen.learn_all_runs(runs)
    assert seen.runs_page(job_id="job", before=None, limit=100).more is None
    seen.learn_run(_ended(99))
    assert seen.runs_page(job_id="job", before=None, limit=100).more == runs[1]


def test_the_last_run_of_each_job_is_remembered_where_there_is_no_room_for_it_among_the_others() -> None:
    seen = Mirror()
    rare = [_ended(number - 9_000, f"rare-{number}") for number in range(mirror.RUNS + 500)]
    seen.learn_last_runs(rare)
    seen.learn_runs([_ended(number, f"job-{number % 500}") for number in range(mirror.RUNS + 500)])
    ids = [each.job_id for each in rare]
    assert seen.last_runs(ids) == {each.job_id: each for each in rare}
    assert seen.runs_page(job_id="rare-7", before=None, limit=10) == FoundRuns([rare[7]], rare[7])
    again = _ended(-9_999, "rare-7", RunState.SKIPPED)
    seen.learn_runs([again, replace(rare[7], state=RunState.RUNNING)])
    assert seen.last_runs(["rare-7"]) == {"rare-7": rare[7]}


def test_a_waiting_run_that_is_skipped_in_the_end_is_not_the_last_one() -> None:
    seen = Mirror()
    ran, waiting = _ended(1), _ended(2, state=RunState.QUEUED)
    seen.learn_runs([ran, waiting])
    assert seen.last_runs(["job"]) == {"job": waiting}
    seen.learn_run(replace(waiting, state=RunState.SKIPPED))
    assert seen.last_runs(["job"]) == {"job": ran}


def test_a_last_run_that_has_not_ended_is_forgotten_with_the_others_of_its_instance() -> None:
    seen = Mirror()
    seen.learn_last_runs([running := _ended(1, state=RunState.RUNNING)])
    assert seen.unsettled() == [running]
    seen.forget_runs(seen.unsettled())
    assert seen.last_runs(["job"]) == {}


def test_the_last_runs_of_jobs_that_are_gone_are_forgotten() -> None:
    seen = Mirror()
    seen.learn_last_runs([_ended(1, "gone"), last := _ended(1)])
    seen.see_jobs(store(observed()), NOW)
    assert seen.last_runs(["job", "gone"]) == {"job": last}


def test_the_last_run_is_the_last_attempt_and_no_skipped_slot() -> None:
    seen = Mirror()
    first = _ended(1)
    retry = replace(first, id="retry", attempt=2)
    seen.learn_runs([retry, first, _ended(2, state=RunState.SKIPPED)])
    assert seen.last_runs(["job"]) == {"job": retry}
    seen.forget_runs([retry, _ended(9)])
    assert seen.last_runs(["job"]) == {"job": first}


def test_recent_runs_are_the_newest_of_each_job_skipped_ones_too() -> None:
    runs = [_ended(0), _ended(1), _ended(2, state=RunState.SKIPPED)]
    seen = Mirror()
    seen.learn_runs([*runs, other := _ended(9, "other")])
    assert seen.recent_runs(["job", "other", "none"], each=2) == {"job": [runs[2], runs[1]], "other": [other]}


def test_who_is_overdue_and_how_many_notices_wait_is_as_it_was_told_last() -> None:
    seen = Mirror()
    assert (seen.overdue(["a"]), seen.notice_counts()) == ({}, {})
    seen.learn_overdue(["a", "b"], {"a": NOW, "b": NOW})
    seen.learn_overdue(["b"], {})
    seen.learn_notices({"pending": 2})
    assert (seen.overdue(["a", "b"]), seen.notice_counts()) == ({"a": NOW}, {"pending": 2})


def test_those_that_run_after_a_job_are_known_as_far_as_their_specs_are() -> None:
    jobs = [located(id="a"), *(located(id=job_id, after={"a": "any"}) for job_id in ("c", "b")), located(id="d")]
    unknown = located(id="e", after={"a": "any"})
    seen = Mirror()
    seen.see_jobs(store(*(observed(job=job) for job in (*jobs, unknown))), NOW)
    seen.see_folder(snapshot(*jobs).jobs)
    assert seen.followers_of("a") == ["b", "c"]
    assert seen.followers_of("d") == []


def test_what_is_going_to_fire_is_known_the_soonest_first() -> None:
    jobs = {"a": NOW + HOUR, "b": NOW, "late": NOW + 2 * HOUR, "held": NOW}
    seen = Mirror()
    seen.see_jobs(store(*(observed(job=located(id=job_id), next_fire_at=at) for job_id, at in jobs.items())), NOW)
    seen.learn_pauses([Pause("held", "anna", NOW)])
    assert seen.coming(NOW, until=NOW + HOUR, limit=10) == [("b", NOW), ("a", NOW + HOUR)]
    assert seen.coming(NOW, until=NOW + HOUR, limit=1) == [("b", NOW)]
    seen.learn_pauses([Pause(EVERYTHING, "anna", NOW)])
    assert seen.coming(NOW, until=NOW + HOUR, limit=10) == []


def test_the_runs_of_a_day_are_counted_from_memory() -> None:
    mirror, quarter = Mirror(), timedelta(minutes=15)
    done = {"state": RunState.SUCCEEDED}
    first, second = run(job_id="a", scheduled_at=NOW, **done), run(job_id="a", scheduled_at=NOW + quarter, **done)
    other, outside = (
        run(job_id="b", scheduled_at=NOW + quarter, **done),
        run(job_id="a", scheduled_at=NOW + HOUR, **done),
    )
    mirror.learn_runs([second, first, other, outside])
    span = (NOW, NOW + HOUR)
    tallies = {(tally.job_id, tally.at): tally.count for tally in mirror.tallies(span, quarter)}
    assert tallies == {("a", None): 2, ("b", None): 1, (None, NOW): 1, (None, NOW + quarter): 2}
    of_a = {(tally.job_id, tally.at): tally.count for tally in mirror.tallies_of(["a"], span, quarter)}
    assert of_a == {("a", NOW): 1, ("a", NOW + quarter): 1}
    assert mirror.runs_within(["a"], span, 10) == [first, second]


def test_the_runs_around_a_run_are_remembered() -> None:
    mirror = Mirror()
    first = run(job_id="a", scheduled_at=NOW)
    again, follower = run(job_id="a", scheduled_at=NOW, attempt=2), run(job_id="b", upstream_run_id=first.id)
    mirror.learn_runs([again, first, follower])
    assert mirror.attempts(first) == [first, again]
    assert mirror.followers(first) == [follower]
    assert mirror.followers(again) == []
