"""What is remembered of the store, and how much of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schedsync.runs.pause import EVERYTHING, Pause
from schedsync.runs.run import Run, RunState
from schedsync.status import mirror
from schedsync.status.mirror import Mirror, NotRememberedError
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


def test_a_run_whose_job_was_renamed_is_one_of_the_new_id_only() -> None:
    seen = Mirror()
    known = _ended(1, "old", RunState.RUNNING)
    seen.learn_run(known)
    seen.learn_run(replace(known, job_id="new"))
    with pytest.raises(NotRememberedError):
        seen.runs(job_id="old", before=None, limit=10)
    assert _ids(seen.runs(job_id="new", before=None, limit=10)) == [known.id]


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
    assert seen.runs(job_id="job", before=None, limit=10) == []
    first, second = _ended(1), _ended(2)
    seen.learn_runs([first, second])
    assert seen.runs(job_id=None, before=(second.scheduled_at, second.id), limit=10) == [first]
    for job_id, before in (("nobody", None), ("job", (first.scheduled_at, first.id))):
        with pytest.raises(NotRememberedError):
            seen.runs(job_id=job_id, before=before, limit=10)


def test_the_last_run_is_the_last_attempt_and_no_skipped_slot() -> None:
    seen = Mirror()
    first = _ended(1)
    retry = replace(first, id="retry", attempt=2)
    seen.learn_runs([retry, first, _ended(2, state=RunState.SKIPPED)])
    assert seen.last_runs(["job"]) == {"job": retry}
    seen.forget_runs([retry.id, "unknown"])
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
