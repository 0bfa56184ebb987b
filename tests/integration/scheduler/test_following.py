"""Chains: a job runs when another one has ended, exactly once, also across crashes and outages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schedsync.control import Control
from schedsync.executors.spool import OutputLimits
from schedsync.running.journal import Journal, Result
from schedsync.running.keeping import Keeping
from schedsync.running.leftovers import Leftovers
from schedsync.runs.following import Followers
from schedsync.runs.outcome import Outcome, Output
from schedsync.runs.run import Cause, Run, RunState
from tests.integration.runner.bench import Bench, eventually, without_runs_table
from tests.integration.scheduler.ticking import Ticking


@pytest.fixture(autouse=True)
def leads(bench: Ticking) -> None:
    bench.tick()


def chain(bench: Bench, name: str, after: str, shell: str = "true", more: str = "") -> None:
    text = f"after: {{{after}}}\nkill_grace: 1s\nrun:\n  shell: |\n    {shell}\n{more}"
    (bench.folder / f"{name}.yaml").write_text(text)
    bench.apply()
    bench.runner.learn_followers()


def run_now(bench: Ticking, job_id: str = "a") -> Run:
    bench.clock.forward(seconds=1)
    asked = Control(bench.store, bench.clock).trigger(job_id, by="ann")
    bench.tick()
    eventually(lambda: bench.store.runs.get(asked.id).finished_at)
    return bench.store.runs.get(asked.id)


def test_a_run_starts_by_the_end_of_another_and_knows_it(bench: Ticking) -> None:
    bench.job("a", "exit 3")
    told = 'echo "$SCHEDSYNC_UPSTREAM_JOB_ID $SCHEDSYNC_UPSTREAM_RUN_ID $SCHEDSYNC_UPSTREAM_STATE"'
    chain(bench, "b", "a: failed", told)
    chain(bench, "c", "a: succeeded")
    upstream = run_now(bench)
    bench.tick()
    (run,) = bench.until("b", "succeeded")
    assert (run.cause, run.scheduled_at, run.upstream_run_id) == (Cause.AFTER, upstream.finished_at, upstream.id)
    output = bench.store.runs.output(run.id)
    assert output is not None
    assert output.head == f"a {upstream.id} failed\n"
    assert bench.runs("c") == []
    assert bench.store.jobs.observe().jobs["b"].next_fire_at is None


def test_a_chain_goes_on_by_itself_as_long_as_the_loop_is_woken(bench: Ticking) -> None:
    woken: list[None] = []
    bench.runner.tell.on_followers = lambda: woken.append(None)
    bench.job("a")
    chain(bench, "b", "a: succeeded")
    chain(bench, "c", "b: any")
    run_now(bench)
    eventually(lambda: len(woken) == 1)
    bench.tick()
    bench.until("b", "succeeded")
    eventually(lambda: len(woken) == 2)
    bench.tick()
    (last,) = bench.until("c", "succeeded")
    assert last.upstream_job_id == "b"


def test_attempts_that_are_followed_by_others_start_nothing(bench: Ticking) -> None:
    bench.job("a", "exit 1", "retry: {attempts: 2, delay: 0s}\n")
    chain(bench, "b", "a: failed")
    run_now(bench)
    _, last = bench.until("a", "failed", "failed")
    bench.tick()
    (run,) = bench.until("b", "succeeded")
    assert run.upstream_run_id == last.id


@pytest.mark.parametrize(
    ("more", "paused", "reason"),
    [("suspend: true\n", False, "suspended"), ("", True, "paused")],
)
def test_pauses_and_suspension_of_the_follower_hold(bench: Ticking, more: str, paused: bool, reason: str) -> None:
    bench.job("a")
    chain(bench, "b", "a: any", more=more)
    if paused:
        Control(bench.store, bench.clock).pause("b", by="ann")
    run_now(bench)
    bench.tick()
    (run,) = bench.until("b", "skipped")
    assert (run.reason, run.upstream_job_id) == (reason, "a")


def test_the_overlap_policy_of_the_follower_holds(bench: Ticking) -> None:
    bench.job("a")
    chain(bench, "b", "a: any", f"while [ ! -e {bench.file('go')} ]; do sleep 0.02; done")
    run_now(bench)
    bench.tick()
    bench.until("b", "running")
    run_now(bench)
    bench.tick()
    _, second = bench.until("b", "running", "skipped")
    assert second.reason == "overlap: the run before it has not ended"
    bench.file("go").touch()
    bench.until("b", "succeeded", "skipped")


def test_an_end_during_an_outage_is_followed_when_the_database_is_back(bench: Ticking) -> None:
    held, launch = bench.hold()
    bench.job("a")
    chain(bench, "b", "a: any")
    bench.fire()
    with without_runs_table(bench.store):
        launch(held[0])
        eventually(lambda: bench.runner._recorder.writer.away)
    bench.until("a", "succeeded")
    bench.tick()
    eventually(lambda: len(held) == 2)
    launch(held[1])
    bench.until("b", "succeeded")


def test_who_begins_to_lead_knows_who_runs_after_whom(bench: Ticking) -> None:
    bench.job("a")
    chain(bench, "b", "a: any")
    bench.runner._desk.followers = Followers()
    bench.scheduler._lead(None)
    bench.tick()
    assert bench.runner.followers.digests.keys() == {"b"}


@pytest.mark.parametrize("kept", [True, False], ids=["its result is on disk", "its result is lost"])
def test_the_next_process_starts_what_comes_after_a_run_of_a_dead_one(bench: Ticking, kept: bool) -> None:
    held, _ = bench.hold()
    bench.job("a")
    chain(bench, "b", "a: succeeded" if kept else "a: lost")
    bench.fire()
    (run,) = [entry.run for entry in held]
    if kept:
        ended = replace(run, state=RunState.SUCCEEDED, finished_at=bench.clock.forward(seconds=1))
        Journal(bench.home / "spool").keep(Result(ended, Output()))
    bench.clock.forward(seconds=1)
    for _ in range(2):  # the second one finds nothing
        _next_process(bench)
        following = bench.runs("b")
        assert [(each.state, each.upstream_run_id) for each in following] == [(RunState.QUEUED, run.id)]


def _next_process(bench: Ticking) -> None:
    """Settle what this one left, as another process does."""
    spool = bench.home / "spool"
    limits = OutputLimits()
    keeping = Keeping(spool, limits, node="here")
    other = Leftovers(
        bench.store, keeping, node="here", owner="here/next", spool=spool, limits=limits, clock=bench.clock
    )
    lease = bench.store.leases.acquire("here/me", timedelta(seconds=60))
    other.settle(
        [run for run in bench.store.runs.unsettled() if run.job_id == "a"],
        lease,
        other.results(),
        bench.store.jobs.followers(),
    )


def rename(bench: Bench, old: str, new: str) -> None:
    """Give a job a new id, as another process does it, and let the leader's next step find it."""
    text = (bench.folder / f"{old}.yaml").read_text()
    (bench.folder / f"{old}.yaml").unlink()
    (bench.folder / f"{new}.yaml").write_text(f"renamed_from: {old}\n{text}")
    bench.apply()
    renamed = bench.runner.renamed(bench.store.jobs.observe().jobs)
    assert renamed == {old: new}
    bench.runner.learn_followers(renamed)


def test_a_job_that_is_renamed_while_it_runs_is_tried_again_and_followed_under_its_new_id(bench: Ticking) -> None:
    held, launch = bench.hold()
    bench.job("old", "exit 1", "retry: {attempts: 2, delay: 20s}\n")
    chain(bench, "edited", "old: any")
    chain(bench, "left", "old: any")
    asked = Control(bench.store, bench.clock).trigger("old", by="ann")
    bench.tick()
    (first,) = eventually(lambda: held)
    chain(bench, "edited", "new: any")
    rename(bench, "old", "new")
    assert (bench.runner.unsettled("old"), bench.runner.unsettled("new")) == (0, 1)
    launch(first)
    bench.until("new", "failed", "queued")
    bench.clock.forward(seconds=20)
    bench.runner.lead(bench.lease)
    launch(eventually(lambda: held[1:])[0])
    _, last = bench.until("new", "failed", "failed")
    bench.tick()
    for follower in ("edited", "left"):
        (run,) = eventually(lambda follower=follower: bench.runs(follower))  # type: ignore[misc]
        assert (run.upstream_job_id, run.upstream_run_id) == ("new", last.id)
    assert bench.store.runs.get(asked.id).job_id == "new"
    assert bench.runs("old") == []


def test_a_job_that_was_removed_while_it_runs_is_not_taken_for_a_renamed_one(bench: Ticking) -> None:
    held, _ = bench.hold()
    bench.job("old")
    Control(bench.store, bench.clock).trigger("old", by="ann")
    bench.tick()
    (run,) = eventually(lambda: held)
    (bench.folder / "old.yaml").unlink()
    bench.job("new")
    bench.job("new", more="renamed_from: old\n")
    assert bench.runner.renamed(bench.store.jobs.observe().jobs) == {}
    bench.runner.finished(run.run.id, Outcome(RunState.SUCCEEDED, bench.clock.now))
