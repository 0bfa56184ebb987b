"""A blackout over real runs: slots and followers are skipped, what people ask for and further attempts are not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schedsync.control import Control
from schedsync.runs.blackouts import Blackout, Blackouts
from schedsync.runs.run import Cause
from schedsync.scheduler.scheduler import Scheduler
from schedsync.specs.windows import Chosen, Fixed
from schedsync.store.store import Store
from tests.integration.conftest import StandingClock
from tests.integration.runner.bench import eventually
from tests.integration.scheduler.ticking import Ticking

BEGINS = datetime(2026, 11, 24, 2, 1, 30, tzinfo=UTC)
REASON = "blackout year-end: books are closed"


class Dark(Ticking):
    """A scheduler with a blackout that begins half a minute after the first slot; jobs with the tag ``free`` fire."""

    blackouts = Blackouts(
        (
            Blackout("year-end", Fixed(BEGINS, BEGINS + timedelta(hours=1)), Chosen(("[a-y]",)), "books are closed"),
            Blackout("nobody", Fixed(BEGINS, BEGINS + timedelta(hours=1)), Chosen(tags=("nobody",))),
        )
    )


@pytest.fixture
def bench(tmp_path: Path, store: Store, clock: StandingClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dark]:
    monkeypatch.setattr(Scheduler, "_main_loop", lambda _self: None)
    made = Dark(tmp_path, store, clock)
    made.tick()
    yield made
    made.close()


def to_the_blackout(bench: Dark) -> None:
    """Go from a slot that was before it to one that lies in it."""
    bench.clock.forward(minutes=2)
    assert bench.clock.now > BEGINS


def test_slots_are_skipped_without_a_delay_and_said_so_to_those_who_look_at_runs(bench: Dark) -> None:
    bench.job("a")
    bench.job("z")
    bench.clock.forward(minutes=1)
    bench.tick()
    bench.until("a", "succeeded")
    bench.clock.forward(minutes=1)
    bench.tick()
    bench.until("a", "succeeded", "skipped")
    bench.until("z", "succeeded", "succeeded")
    assert bench.runs("a")[-1].reason == REASON
    assert bench.store.jobs.observe().jobs["a"].next_fire_at == bench.clock.now + timedelta(minutes=1)


def test_a_further_attempt_at_an_earlier_slot_is_made_inside(bench: Dark) -> None:
    bench.job("a", "exit 1", "retry: {attempts: 2, delay: 45s}\n")
    bench.clock.forward(minutes=1)
    bench.tick()
    bench.until("a", "failed", "queued")
    bench.clock.forward(seconds=50)
    bench.runner.lead(bench.lease)
    first, second = bench.until("a", "failed", "failed")
    assert (first.scheduled_at, second.cause) == (second.scheduled_at, Cause.RETRY)
    assert second.started_at is not None
    assert second.started_at > BEGINS


def test_what_a_person_asks_for_runs_and_what_follows_it_does_not(bench: Dark) -> None:
    # No slot of its own that the run could meet.
    (bench.folder / "a.yaml").write_text("schedule: {at: 2030-01-01}\nrun: {shell: 'true'}\n")
    for name in ("b", "z"):
        (bench.folder / f"{name}.yaml").write_text("after: {a: any}\nrun: {shell: 'true'}\n")
    bench.apply()
    bench.runner.learn_followers()
    to_the_blackout(bench)
    asked = Control(bench.store, bench.clock).trigger("a", by="ann")
    bench.tick()
    eventually(lambda: bench.store.runs.get(asked.id).finished_at)
    bench.tick()
    (follower,) = bench.until("b", "skipped")
    assert (follower.cause, follower.reason) == (Cause.AFTER, REASON)
    bench.until("z", "succeeded")
