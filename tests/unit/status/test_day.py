"""A day of all jobs: what ran and what comes, in numbers and in rows."""

from datetime import date, timedelta

from schedsync.clock import to_micros
from schedsync.runs.pause import Pause
from schedsync.runs.run import RunState
from schedsync.status.day import FEW, Cell, Day, is_busy, matches, outlook, past, rows
from schedsync.store.jobs import StoredJob
from schedsync.store.runs import Tally
from tests.builders import located, observed, run

DAY = Day(date(2026, 11, 24))
NOON = DAY.start + timedelta(hours=12)
QUARTER = timedelta(minutes=15)
OK, BAD, SKIPPED = RunState.SUCCEEDED, RunState.FAILED, RunState.SKIPPED


def job(job_id: str, cron: str) -> StoredJob:
    one = located(id=job_id, schedule={"cron": cron})
    return StoredJob(observed(job=one, next_fire_at=DAY.start), one.spec, "r1")


JOBS = [job("a", "0 13 * * *"), job("b", "*/5 * * * *"), job("c", "0 4 * * *")]


def test_what_is_over_is_not_coming() -> None:
    found = outlook(JOBS, {}, DAY, NOON)
    assert set(found.slots) == {"a", "b"}
    assert found.starts[:48] == (0,) * 48
    assert found.starts[48:] == (3, 3, 3, 3, 4, *([3] * 43))
    assert outlook(JOBS, {}, DAY, DAY.end).slots == {}


def test_jobs_that_are_paused_start_nothing() -> None:
    assert set(outlook(JOBS, {"a": Pause("a", "ann", DAY.start)}, DAY, NOON).slots) == {"b"}
    assert outlook(JOBS, {"*": Pause("*", "ann", DAY.start)}, DAY, NOON).slots == {}


def test_jobs_of_which_nobody_can_tell_are_counted() -> None:
    assert outlook([*JOBS, StoredJob(observed(), None, None)], {}, DAY, NOON).unknown == 1


def test_runs_are_counted_by_quarter_of_an_hour_and_skipped_slots_are_none() -> None:
    steps = [Tally(None, DAY.start, OK, 2), Tally(None, DAY.start, BAD, 1), Tally(None, NOON, SKIPPED, 7)]
    found = past([*steps, Tally("a", None, OK, 2), Tally("a", None, BAD, 1)], DAY)
    assert (found.ran[0], found.bad[0], found.ran[48]) == (3, 1, 0)
    assert found.by_job == {"a": {OK: 2, BAD: 1}}


def test_a_row_shows_each_of_few_runs_and_cells_of_many() -> None:
    few, many = run(job_id="a", scheduled_at=NOON, state=OK), FEW + 1
    before = past([Tally("a", None, OK, 1), Tally("b", None, OK, many)], DAY)
    assert (is_busy(before.by_job["a"]), is_busy(before.by_job["b"])) == (False, True)
    tallies = [Tally("b", NOON, OK, many - 1), Tally("b", NOON, BAD, 1), Tally("b", DAY.start, SKIPPED, 2)]
    after = outlook(JOBS, {}, DAY, NOON)
    first, second = rows(["a", "b"], before, after, runs=[few], tallies=tallies, now=NOON)
    assert first.runs == (few,)
    assert list(first.coming) == [to_micros(NOON + timedelta(hours=1))]
    assert second.cells == (Cell(DAY.start, SKIPPED, 2), Cell(NOON, BAD, many))


def test_a_job_that_is_gone_has_its_past() -> None:
    before, after = past([Tally("gone", None, OK, 1)], DAY), outlook([], {}, DAY, NOON)
    (row,) = rows(["gone"], before, after, runs=[], tallies=[], now=NOON)
    assert (row.counts, row.coming) == ({OK: 1}, ())


def test_a_day_has_96_quarters_of_an_hour() -> None:
    assert len(DAY.steps) == 96
    assert DAY.steps[-1] + QUARTER == DAY.end == DAY.span[1]


def test_what_has_become_due_meanwhile_is_not_coming_any_more() -> None:
    (row,) = rows(["b"], past([], DAY), outlook(JOBS, {}, DAY, NOON), runs=[], tallies=[], now=NOON + QUARTER)
    assert row.coming[0] == to_micros(NOON + QUARTER)


def test_jobs_are_found_by_what_is_said_of_them() -> None:
    one = located(id="erp.dump", description="Dump the schema", tags=["backup"], owner="dba@example.com")
    found = StoredJob(observed(job=one), one.spec, None)
    assert all(matches("erp.dump", found, text) for text in ("", "ERP.", "schema", "backup", "DBA@"))
    assert not matches("erp.dump", found, "shop")
    assert matches("gone", None, "go")
    assert not matches("gone", None, "schema")
