"""What follows a run that has ended."""

from dataclasses import replace
from typing import Any

import pytest

from schedsync.runs.following import Consequences, Follower, Followers, what_follows
from schedsync.runs.recovery import KnownJob, Takeover, recover
from schedsync.runs.run import Cause, Run, RunState
from tests.builders import NOW, run, spec


def follower(job_id: str, **after: str) -> Follower:
    ends = spec(after=after).after or {}
    return Follower(job_id, ends, spec_digest=f"digest of {job_id}", generation=3, revision="r1")


def ended(state: RunState = RunState.SUCCEEDED, **fields: Any) -> Run:
    return run(state=state, finished_at=NOW, **fields)


def follows(end: Run, followers: Followers, **job: Any) -> Consequences:
    return what_follows(end, spec(**job), followers, node="here", owner="here/me")


FAILED = Followers([follower("alarm", job="failed"), follower("report", job="succeeded", other="any")])


def test_the_jobs_that_come_after_run_with_its_end_as_their_slot() -> None:
    end = ended()
    (report,) = follows(end, FAILED).followers
    assert (report.job_id, report.scheduled_at, report.attempt) == ("report", NOW, 1)
    assert (report.cause, report.state, report.owner) == (Cause.AFTER, RunState.QUEUED, None)
    assert (report.upstream_job_id, report.upstream_run_id) == ("job", end.id)
    assert report.upstream_state is RunState.SUCCEEDED
    assert (report.spec_digest, report.generation, report.revision) == ("digest of report", 3, "r1")


@pytest.mark.parametrize(
    ("state", "names"), [("failed", ["alarm"]), ("succeeded", ["report"]), ("lost", []), ("cancelled", [])]
)
def test_only_the_ends_that_are_named_are_followed(state: str, names: list[str]) -> None:
    assert [run.job_id for run in follows(ended(RunState(state)), FAILED).followers] == names


def test_any_of_several_upstreams_is_enough() -> None:
    assert [run.job_id for run in follows(ended(RunState.LOST, job_id="other"), FAILED).followers] == ["report"]


def test_an_end_that_another_attempt_follows_is_not_the_last() -> None:
    retried = follows(ended(RunState.FAILED), FAILED, retry={"attempts": 2})
    assert retried.retry is not None
    assert retried.followers == ()
    last = follows(ended(RunState.FAILED, attempt=2), FAILED, retry={"attempts": 2})
    assert last.retry is None
    assert [run.job_id for run in last.followers] == ["alarm"]


def test_nothing_comes_after_a_skipped_slot() -> None:
    everything = Followers([follower("a", job="any")])
    assert follows(ended(RunState.SKIPPED), everything) == Consequences()


def test_a_job_that_has_been_renamed_is_followed_under_its_old_name_too() -> None:
    followers = Followers([follower("a", old="any"), follower("b", old="any", job="any")])
    names = [run.job_id for run in follows(ended(), followers, renamed_from="old").followers]
    assert sorted(names) == ["a", "b"]
    taken = Followers([follower("a", old="any")], live={"old"})
    assert follows(ended(), taken, renamed_from="old").followers == ()


def test_further_attempts_of_a_follower_know_what_it_follows() -> None:
    (report,) = follows(ended(), FAILED).followers
    failed = replace(report, state=RunState.FAILED, finished_at=NOW)
    retry = follows(failed, FAILED, retry={"attempts": 2}).retry
    assert retry is not None
    assert (retry.cause, retry.upstream_run_id) == (Cause.RETRY, report.upstream_run_id)


def test_after_a_crash_the_same_follows_what_was_lost_and_what_had_ended() -> None:
    followers = Followers([follower("a", job="lost"), follower("b", job="succeeded"), follower("c", gone="lost")])
    takeover = Takeover("node", "node/new", NOW, followers=followers)
    lost, kept = run(state=RunState.RUNNING), run(state=RunState.RUNNING)
    gone = run(job_id="gone", state=RunState.RUNNING)
    result = replace(kept, state=RunState.SUCCEEDED, finished_at=NOW)
    jobs = {"job": KnownJob(spec(), "job.yaml")}
    recovered = recover([lost, kept, gone, run()], jobs, takeover, {kept.id: result})
    assert {(each.job_id, each.upstream_run_id) for each in recovered.followers} == {
        ("a", lost.id),
        ("b", kept.id),
        ("c", gone.id),
    }


def test_jobs_that_would_run_for_ever_by_specs_that_were_kept_do_not_follow_one_another() -> None:
    """A chain that is turned round with a slip in one file: that job keeps its old spec, the other one has its new."""
    followers = Followers([follower("a", b="any", start="any"), follower("b", a="any"), follower("c", a="any")])
    assert followers.circles == {"a": ["a", "b", "a"], "b": ["b", "a", "b"]}
    ends = {name: {run.job_id for run in follows(ended(job_id=name), followers).followers} for name in ("a", "b")}
    assert ends == {"a": {"c"}, "b": set()}
    assert [run.job_id for run in follows(ended(job_id="start"), followers).followers] == ["a"]


def test_a_circle_through_a_job_that_has_been_renamed_is_one() -> None:
    new = replace(follower("new", b="any"), renamed_from="old")
    followers = Followers([new, follower("b", old="any")])
    assert followers.circles.keys() == {"new", "b"}
    assert follows(ended(job_id="new"), followers, renamed_from="old").followers == ()
    assert not Followers([new, follower("b", old="any")], live={"old"}).circles
