"""Jobs that fire when the service starts: once for each process that leads, with an outcome for each of their slots."""

from datetime import timedelta
from typing import Any

import pytest

from schedsync.control import Control
from schedsync.errors import DatabaseUnavailableError
from schedsync.runs.run import Cause, RunState
from schedsync.scheduler import firing
from schedsync.scheduler.boot import Boot
from schedsync.store.runs import RunTable
from tests.integration.runner.bench import TTL, without_runs_table
from tests.integration.scheduler.ticking import Ticking


def job(bench: Ticking, name: str = "a", schedule: str = '{cron: "@reboot"}', more: str = "") -> None:
    text = f"schedule: {schedule}\nkill_grace: 1s\nrun: {{shell: 'true'}}\n{more}"
    (bench.folder / f"{name}.yaml").write_text(text)
    bench.apply()


def start(bench: Ticking) -> None:
    """Let the service's first step be made, and the tick after it."""
    bench.tick()
    bench.scheduler.boot.ready()
    bench.tick()


def start_again(bench: Ticking) -> None:
    """Start another process a minute later, which leads."""
    bench.clock.forward(minutes=1)
    bench.scheduler.boot = Boot()
    start(bench)


def test_it_runs_once_when_this_instance_leads_and_the_folder_is_applied(bench: Ticking) -> None:
    job(bench)
    bench.tick()
    assert bench.runs("a") == []
    bench.clock.forward(seconds=30)
    started = bench.clock.forward(microseconds=7)
    bench.scheduler.boot.ready()
    bench.tick()
    bench.tick()
    (run,) = bench.until("a", "succeeded")
    assert (run.scheduled_at, run.cause, run.reason) == (started, Cause.SCHEDULE, None)
    assert bench.store.jobs.observe().jobs["a"].next_fire_at is None


def test_an_instance_that_stands_by_fires_it_when_it_takes_over(bench: Ticking) -> None:
    job(bench)
    bench.leadership.release()
    bench.store.leases.acquire("there/x", TTL)
    start(bench)
    assert not bench.scheduler.leads
    assert bench.runs("a") == []
    bench.store.leases.end("there/x")
    bench.seconds += bench.leadership.interval
    bench.tick()
    assert [run.scheduled_at for run in bench.until("a", "succeeded")] == [bench.clock.now]


def test_a_process_that_leads_again_has_not_started_again(bench: Ticking) -> None:
    job(bench)
    start(bench)
    bench.until("a", "succeeded")
    with bench.meanwhile("there/x"):
        bench.seconds += TTL.total_seconds()
        bench.tick()
    bench.clock.forward(minutes=10)
    for _ in range(3):
        bench.seconds += bench.leadership.interval
        bench.tick()
    assert bench.scheduler.leads
    assert len(bench.runs("a")) == 1


def test_each_start_is_a_slot_of_its_own(bench: Ticking) -> None:
    job(bench)
    start(bench)
    bench.until("a", "succeeded")
    start_again(bench)
    first, second = bench.until("a", "succeeded", "succeeded")
    assert second.scheduled_at - first.scheduled_at == timedelta(minutes=1)


def test_a_file_that_appears_while_the_service_runs_waits_for_the_next_start(bench: Ticking) -> None:
    start(bench)
    job(bench)
    bench.scheduler.boot.ready()
    bench.tick()
    assert bench.runs("a") == []
    start_again(bench)
    bench.until("a", "succeeded")


@pytest.mark.parametrize("held", ["paused", "all paused", "suspended"])
def test_what_is_held_back_is_a_skipped_slot_with_the_reason(bench: Ticking, held: str) -> None:
    job(bench, more="suspend: true\n" if held == "suspended" else "")
    if held != "suspended":
        Control(bench.store, bench.clock).pause("a" if held == "paused" else None, by="ann")
    start(bench)
    (run,) = bench.runs("a")
    reason = "suspended" if held == "suspended" else "paused"
    assert (run.state, run.reason, run.scheduled_at) == (RunState.SKIPPED, reason, bench.clock.now)


def test_a_start_before_the_jobs_own_does_not_count(bench: Ticking) -> None:
    job(bench, "early", '{cron: "@reboot", start: 2026-11-25}')
    job(bench, "late", '{cron: "@reboot", end: 2026-11-23}')
    start(bench)
    assert bench.runs("early") == bench.runs("late") == []
    bench.clock.forward(days=1)
    start_again(bench)
    bench.until("early", "succeeded")
    assert bench.runs("late") == []


def test_jitter_delays_it_and_the_loop_wakes_in_time(bench: Ticking) -> None:
    job(bench, schedule='{cron: "@reboot", jitter: 5s}')
    bench.tick()
    bench.scheduler.boot.ready()
    started = bench.clock.now
    wait = bench.tick()
    assert 0 < wait <= 5
    assert bench.runs("a") == []
    assert bench.tick() == wait
    bench.clock.forward(seconds=wait)
    bench.tick()
    (run,) = bench.until("a", "succeeded")
    assert run.scheduled_at == started + timedelta(seconds=wait)


def test_slots_of_a_clock_come_beside_it(bench: Ticking) -> None:
    job(bench, schedule='[{cron: "@reboot"}, {every: 1m}]')
    start(bench)
    bench.until("a", "succeeded")
    assert bench.store.jobs.observe().jobs["a"].next_fire_at == bench.clock.forward(minutes=1)
    bench.tick()
    bench.until("a", "succeeded", "succeeded")


def test_it_may_not_start_beside_a_run_that_has_not_ended(bench: Ticking) -> None:
    job(bench)
    bench.hold()
    start(bench)
    start_again(bench)
    first, second = bench.runs("a")
    assert (first.state, second.state) == (RunState.RUNNING, RunState.SKIPPED)
    assert second.reason == "overlap: the run before it has not ended"


def _let_claims_fail(monkeypatch: pytest.MonkeyPatch, *errors: Exception | None) -> None:
    """Let the next claims fail like this, one after the other; None, and those after them: they do not."""
    claim, answers = RunTable.claim, iter(errors)

    def balky(table: RunTable, *args: Any) -> Any:
        if error := next(answers, None):
            raise error
        return claim(table, *args)

    monkeypatch.setattr(RunTable, "claim", balky)


def test_an_outage_between_two_portions_loses_none_and_doubles_none(
    bench: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firing, "PORTION", 1)
    monkeypatch.setattr(firing, "GROWTH", 1)
    for name in "abc":
        job(bench, name)
    _let_claims_fail(monkeypatch, None, DatabaseUnavailableError("away"))
    started = bench.clock.now
    start(bench)
    assert [len(bench.runs(name)) for name in "abc"] == [1, 0, 0]
    bench.clock.forward(seconds=30)
    bench.tick()
    bench.tick()
    runs = [run for name in "abc" for run in bench.until(name, "succeeded")]
    assert [run.scheduled_at for run in runs] == [started] * 3
    assert [run.cause for run in runs] == [Cause.SCHEDULE, Cause.CATCHUP, Cause.CATCHUP]


@pytest.mark.parametrize(
    ("misfire", "state"),
    [("{policy: skip}", "skipped"), ("{grace: 1m}", "skipped"), ("{policy: latest, grace: 1h}", "succeeded")],
)
def test_what_an_outage_held_up_is_a_missed_slot(
    bench: Ticking, monkeypatch: pytest.MonkeyPatch, misfire: str, state: str
) -> None:
    job(bench, more=f"misfire: {misfire}\n")
    _let_claims_fail(monkeypatch, DatabaseUnavailableError("away"))
    start(bench)
    assert bench.runs("a") == []
    bench.clock.forward(minutes=2)
    bench.tick()
    bench.until("a", state)


def test_after_an_outage_the_service_has_started_when_it_can_fire(bench: Ticking) -> None:
    job(bench, more="misfire: {policy: skip, grace: 1s}\n")
    bench.scheduler.boot.ready()
    with without_runs_table(bench.store):
        bench.tick()
    bench.clock.forward(minutes=90)
    bench.tick()
    assert [run.scheduled_at for run in bench.until("a", "succeeded")] == [bench.clock.now]


def test_a_job_that_is_gone_or_changed_before_its_delay_is_over_does_not_fire(bench: Ticking) -> None:
    for name in ("gone", "changed", "edited"):
        job(bench, name, '{cron: "@reboot", jitter: 1h}')
    start(bench)
    (bench.folder / "gone.yaml").unlink()
    job(bench, "changed", "{at: 2020-01-01}")
    job(bench, "edited", '{cron: "@reboot", jitter: 1h}', more="description: new\n")
    bench.clock.forward(hours=1)
    bench.tick()
    bench.until("edited", "succeeded")
    assert bench.runs("gone") == bench.runs("changed") == []
    assert bench.scheduler.boot.due(bench.clock.now) == {}


def test_a_job_that_the_database_refuses_rests_and_the_others_fire(bench: Ticking) -> None:
    for name in ("bad", "good"):
        job(bench, name)
    with bench.store.database.write() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER refusing BEFORE INSERT ON schedsync_runs WHEN NEW.job_id = 'bad'"
            " BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
    start(bench)
    bench.until("good", "succeeded")
    assert bench.tick() == 1.0  # it rests, and the loop does not spin
    with bench.store.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER refusing")
    bench.clock.forward(seconds=5)
    bench.tick()
    bench.until("bad", "succeeded")
