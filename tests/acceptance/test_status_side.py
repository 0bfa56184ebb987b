"""10,000 jobs, of which 200 start in a second, and readers who page through them: neither keeps the other waiting."""

from pathlib import Path

import pytest

from tests.acceptance.harness import Folder, Service
from tests.benchmarks.status_side import STARTS, measure, percentile, warm, write_jobs

ANSWERED = 0.05
"""Seconds within which 99 of 100 requests are answered, from when they were due."""
SPELLS, SPELL = 3, 10
LATER = 1.2
"""How many times later starts may be while there are requests."""


@pytest.mark.alone
@pytest.mark.timeout(400)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_reading_is_quick_while_much_runs_and_keeps_no_start_waiting(
    service: Service, folder: Folder, tmp_path: Path
) -> None:
    write_jobs(folder)
    service.start()
    warm(service)
    figures = measure(service, tmp_path / "state.db", spells=SPELLS, spell=SPELL)
    print(figures.table())  # noqa: T201 - shown when it fails
    assert min(len(figures.quiet), len(figures.asked)) >= 0.99 * STARTS * SPELLS * SPELL, "slots were skipped"
    assert percentile(figures.latencies, 99) < ANSWERED
    assert figures.ratio <= LATER
