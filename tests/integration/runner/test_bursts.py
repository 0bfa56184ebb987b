"""Of many runs that start at once the starts come first; what is written of them comes later, and together."""

import pytest

from schedsync.running import recorder
from schedsync.store.runs import RunChanges
from tests.integration.runner.bench import Bench, eventually


def test_of_a_short_run_the_start_is_written_with_its_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    record, written = bench.store.runs.record, list[RunChanges]()

    def noting(changes: RunChanges, *args: object) -> object:
        written.append(changes)
        return record(changes, *args)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(recorder, "STARTS", 10.0)
    monkeypatch.setattr(bench.store.runs, "record", noting)
    bench.job("short")
    bench.fire()
    (run,) = bench.until("short", "succeeded")
    assert (run.started_at, run.pid) != (None, None)
    assert [(len(changes.started), len(changes.settled)) for changes in written] == [(0, 1)]


def test_a_start_is_written_soon_although_nothing_else_happens(bench: Bench) -> None:
    bench.job("long", shell="sleep 60")
    bench.fire()
    eventually(lambda: bench.runs("long")[0].pid, within=2)
