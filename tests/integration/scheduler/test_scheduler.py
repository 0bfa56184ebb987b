"""The firing loop: it survives what it meets, leads by its lease, and tells APScheduler's listeners."""

import logging
import queue
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MISSED,
    EVENT_JOB_SUBMITTED,
)

from schedsync.control import Control
from schedsync.errors import DatabaseUnavailableError
from schedsync.runs.run import Run
from schedsync.scheduler import scheduler
from schedsync.scheduler.jobstore import FolderOwnsJobsError
from schedsync.scheduler.leadership import Leadership
from schedsync.scheduler.pace import BREATH
from schedsync.scheduler.scheduler import AFTER_FAILURE
from tests.integration.runner.bench import TTL, eventually, without_runs_table
from tests.integration.scheduler.ticking import Ticking


def test_a_tick_that_raises_anything_does_not_count_and_the_next_one_does(
    bench: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(bench.store.jobs, "look", lambda *_: 1 / 0)
        assert bench.tick() == AFTER_FAILURE
        assert bench.vitals.read().last_tick_at is None
    bench.tick()
    assert bench.vitals.read().last_tick_at == bench.clock.now


def test_a_tick_that_fails_again_and_again_is_told_once_and_made_less_often(
    bench: Ticking, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(bench.store.jobs, "look", lambda *_: 1 / 0)
        assert [bench.tick() for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    bench.tick()
    said = [record.message for record in caplog.records if record.levelno >= logging.ERROR]
    assert said == ["tick failed"]


def test_a_database_that_is_away_is_said_and_ticks_go_on(bench: Ticking) -> None:
    bench.tick()
    assert bench.vitals.read().database_ok
    bench.job("a")
    bench.clock.forward(minutes=1)
    with without_runs_table(bench.store):
        assert bench.tick() == AFTER_FAILURE
    assert not bench.vitals.read().database_ok
    bench.tick()
    assert bench.vitals.read().database_ok
    assert len(bench.runs("a")) == 1


def test_after_a_tick_that_failed_the_lease_is_renewed_before_what_runs_is_compared_with_the_rows(
    bench: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.tick()
    done: list[str] = []
    renew, compare = bench.store.leases.renew, bench.runner.recover_own

    def renewing(owner: str, ttl: timedelta) -> bool:
        done.append("renewed")
        return renew(owner, ttl)

    def comparing() -> None:
        done.append("compared")
        compare()

    monkeypatch.setattr(bench.store.leases, "renew", renewing)
    monkeypatch.setattr(bench.runner, "recover_own", comparing)
    bench.job("a")
    bench.clock.forward(minutes=1)
    with without_runs_table(bench.store):
        bench.tick()
    assert done == []
    bench.tick()
    bench.tick()
    assert done == ["renewed", "compared"]


def test_runs_of_a_claim_that_is_written_while_the_next_one_is_made_are_taken_up(
    bench: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.tick()
    bench.job("a")
    bench.clock.forward(minutes=1)
    claim = bench.store.runs.claim
    under_way: list[tuple[Any, ...]] = []

    def hang(*args: Any) -> list[Run]:
        under_way.append(args)
        raise DatabaseUnavailableError("no answer to the COMMIT")

    def come_too_late(*args: Any) -> list[Run]:
        claim(*under_way.pop())
        monkeypatch.setattr(bench.store.runs, "claim", claim)
        return claim(*args)

    monkeypatch.setattr(bench.store.runs, "claim", hang)
    assert bench.tick() == AFTER_FAILURE
    monkeypatch.setattr(bench.store.runs, "claim", come_too_late)
    assert bench.tick() <= BREATH
    assert (bench.states("a"), bench.runner.unsettled("a")) == (["running"], 0)
    bench.tick()
    bench.until("a", "succeeded")


def test_after_a_claim_the_loop_sleeps_until_the_next_slot_without_a_further_look(bench: Ticking) -> None:
    bench.tick()
    for name, every in (("often", "7s"), ("seldom", "1h")):
        (bench.folder / f"{name}.yaml").write_text(f"schedule: {{every: {every}}}\nrun: {{shell: 'true'}}\n")
    bench.apply()
    bench.clock.forward(seconds=7)
    assert bench.tick() == 7
    assert len(bench.runs("often")) == 1


def test_what_is_due_beyond_one_look_is_looked_at_at_once(bench: Ticking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "MAX_DUE", 2)
    bench.tick()
    for name in "abc":
        bench.job(name)
    bench.clock.forward(minutes=1)
    assert bench.tick() <= BREATH
    assert bench.tick() > BREATH
    assert [len(bench.runs(name)) for name in "abc"] == [1, 1, 1]


def test_leadership_is_given_up_by_its_own_clock_when_the_database_is_away(
    bench: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: object) -> None:
        raise DatabaseUnavailableError("away")

    bench.tick()
    assert bench.scheduler.leads
    with monkeypatch.context() as patch:
        for name in ("acquire", "renew"):
            patch.setattr(bench.store.leases, name, away)
        bench.seconds = TTL.total_seconds() * 0.7
        bench.tick()
        assert bench.scheduler.leads
        bench.seconds = TTL.total_seconds() * 0.9
        bench.tick()
        assert not bench.scheduler.leads
        assert not bench.vitals.read().leading
    bench.tick()
    assert bench.scheduler.leads


def test_another_instance_stands_by_and_leads_after_the_release(bench: Ticking) -> None:
    bench.tick()
    other = Leadership(bench.store.leases, owner="there/x", node="there", ttl=TTL, monotonic=lambda: bench.seconds)
    assert other.ensure() is None
    assert other.leader == "here"
    bench.leadership.release()
    bench.seconds += other.interval
    lease = other.ensure()
    assert lease is not None
    assert lease.token > bench.lease.token


def test_after_an_outage_an_instance_of_another_machine_is_not_taken_for_dead_at_once(
    bench: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.tick()
    assert not bench.leadership.is_dead()("there/other")
    for _ in range(3):
        bench.seconds += bench.leadership.interval
        bench.tick()
    assert bench.leadership.is_dead()("there/other")
    with monkeypatch.context() as patch:
        patch.setattr(bench.store.leases, "renew", lambda *_: (_ for _ in ()).throw(DatabaseUnavailableError("away")))
        bench.seconds += bench.leadership.interval
        bench.tick()
    bench.tick()
    assert not bench.leadership.is_dead()("there/other")


def test_after_a_silence_that_others_may_have_suffered_too_nobody_is_taken_for_dead_at_once(bench: Ticking) -> None:
    for _ in range(4):
        bench.tick()
        bench.seconds += bench.leadership.interval
    assert bench.leadership.is_dead()("there/other")
    bench.seconds += TTL.total_seconds()  # the database hung, and answers again
    bench.tick()
    assert not bench.leadership.is_dead()("there/other")


def test_after_a_step_of_the_clock_backwards_nothing_is_missed_nor_fired_twice(bench: Ticking) -> None:
    bench.job("a")
    bench.clock.forward(minutes=1)
    bench.tick()
    bench.until("a", "succeeded")
    bench.clock.forward(minutes=-30)
    bench.tick()
    bench.job("b", more="misfire: {policy: skip}\n")
    bench.clock.forward(minutes=1)
    bench.tick()
    bench.until("b", "succeeded")
    assert len(bench.runs("a")) == 1


def test_what_fell_into_a_time_in_which_the_machine_was_suspended_was_missed(
    bench: Ticking, caplog: pytest.LogCaptureFixture
) -> None:
    for name, policy in (("catches-up", "latest"), ("lets-go", "skip")):
        bench.job(name, more=f"misfire: {{policy: {policy}}}\n")
    bench.tick()
    bench.asleep = 30 * 60 + 20
    bench.clock.forward(minutes=30, seconds=20)
    bench.tick()
    bench.until("catches-up", *["skipped"] * 29, "succeeded")
    assert [(run.state, run.cause) for run in bench.runs("catches-up")[-1:]] == [("succeeded", "catchup")]
    assert bench.states("lets-go") == ["skipped"] * 30
    assert [message for message in caplog.messages if "stood still" in message]
    bench.clock.forward(minutes=1)
    bench.tick()
    assert bench.until("lets-go", *["skipped"] * 30, "succeeded")[-1].cause == "schedule"


def test_what_comes_after_the_machine_woke_is_late_and_not_missed(bench: Ticking) -> None:
    bench.job("a", more="misfire: {policy: skip}\n")
    bench.clock.forward(seconds=40)
    bench.tick()
    bench.asleep = 15
    bench.clock.forward(seconds=25)  # of which it was awake for the last ten, and slept on until its next tick
    bench.tick()
    assert bench.until("a", "succeeded")[0].cause == "schedule"


def test_after_the_machine_was_suspended_the_database_is_asked_who_leads_before_anything_is_claimed(
    bench: Ticking,
) -> None:
    bench.job("a")
    bench.tick()
    bench.store.leases.end(bench.owner)
    bench.store.leases.acquire("there/x", timedelta(hours=1))
    bench.asleep = 3600
    bench.clock.forward(hours=1)
    bench.tick()
    assert not bench.scheduler.leads
    assert bench.vitals.read().leader == "there"


def test_a_tick_with_nothing_due_is_one_query(bench: Ticking, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.tick()
    asked: list[str] = []
    begin = {name: getattr(bench.store.database, name) for name in ("read", "write")}

    def counted(name: str) -> Callable[[], Any]:
        def ask() -> Any:
            asked.append(name)
            return begin[name]()

        return ask

    for name in begin:
        monkeypatch.setattr(bench.store.database, name, counted(name))
    bench.tick()
    assert asked == ["read"]


def test_listeners_hear_of_starts_ends_and_skips(bench: Ticking) -> None:
    heard: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
    mask = EVENT_JOB_SUBMITTED | EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED
    bench.scheduler.add_listener(lambda event: heard.put((event.code, event.job_id)), mask)
    bench.tick()
    bench.job("good")
    bench.job("bad", "exit 1")
    bench.job("paused")
    Control(bench.store, bench.clock).pause("paused", by="me")
    bench.clock.forward(minutes=1)
    bench.tick()
    assert {heard.get(timeout=10) for _ in range(5)} == {
        (EVENT_JOB_SUBMITTED, "good"),
        (EVENT_JOB_SUBMITTED, "bad"),
        (EVENT_JOB_EXECUTED, "good"),
        (EVENT_JOB_ERROR, "bad"),
        (EVENT_JOB_MISSED, "paused"),
    }


def test_jobs_are_read_through_apscheduler_and_changed_in_the_folder(bench: Ticking) -> None:
    bench.job("a")
    (job,) = bench.scheduler.get_jobs()
    assert (job.id, job.next_run_time) == ("a", bench.clock.now + timedelta(minutes=1))
    with pytest.raises(FolderOwnsJobsError, match="changed in the folder"):
        bench.scheduler.add_job(print, "interval", seconds=5)
    with pytest.raises(FolderOwnsJobsError, match="changed in the folder"):
        bench.scheduler.remove_job("a")


def test_a_run_that_went_wrong_is_a_warning_and_one_that_nobody_expects_is_no_line(
    bench: Ticking, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "schedsync")
    bench.job("well")
    bench.job("wrong", "exit 3")
    bench.job("suspended", more="suspend: true\n")
    bench.job("paused")
    Control(bench.store, bench.clock).pause("paused", by="me")
    bench.tick()
    bench.clock.forward(minutes=1)
    bench.tick()

    def told() -> dict[str, str]:
        ends = [vars(record) for record in caplog.records if record.message == "run ended"]
        return {end["job_id"]: end["levelname"] for end in ends}

    eventually(lambda: len(told()) == 4)
    assert told() == {"well": "INFO", "wrong": "WARNING", "suspended": "DEBUG", "paused": "DEBUG"}
