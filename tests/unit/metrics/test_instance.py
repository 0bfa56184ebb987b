"""What is read from memory: the loops, the database as they see it, jobs, and what there is to do."""

from dataclasses import replace
from datetime import timedelta

from schedsync import __version__
from schedsync.metrics.instance import Instance
from schedsync.metrics.metrics import Metrics
from schedsync.runs.ledger import HTTP, PROCESSES, PYTHON, SQL, Entry, Ledger, Place
from schedsync.runs.pause import Pause
from schedsync.runs.run import Cause
from schedsync.runs.waiting import load
from schedsync.specs.problem import Problem
from schedsync.status.mirror import Mirror
from schedsync.status.vitals import Vitals
from schedsync.store.syncs import Held, SyncReport
from tests.builders import HOUR, NOW, observed, run, spec, store
from tests.scrape import numbers

MINUTE = timedelta(minutes=1)


def scraped(instance: Instance) -> dict[str, float]:
    return numbers(Metrics(instance).text().decode())


def test_a_service_that_has_just_begun_tells_no_times_that_it_does_not_know() -> None:
    found = scraped(Instance("here"))
    assert found[f'schedsync_build_info{{node="here",version="{__version__}"}}'] == 1
    assert [found[f"schedsync_{name}"] for name in ("leader", "database_up", "stopping", "folder_problems")] == [0] * 4
    assert [name for name in found if "timestamp" in name] == []


def test_the_loops_are_told_as_the_vitals_have_them() -> None:
    vitals = Vitals()
    vitals.ticked(NOW, leading=True, leader="here", token=7)
    problem = Problem("a.yaml", 1, 1, "no")
    held = Held("b", "b.yaml", "too many")
    waits = Held("c", "c.yaml", "waits", "removal", window="nights")
    vitals.stepped(SyncReport(NOW + MINUTE, "here", "r1", complete=False, problems=(problem,) * 2, held=(held, waits)))
    vitals.stopping(NOW)
    found = scraped(Instance(vitals=vitals))
    assert (found["schedsync_leader"], found["schedsync_leader_lease_token"]) == (1, 7)
    assert found["schedsync_last_tick_timestamp_seconds"] == NOW.timestamp()
    assert found["schedsync_reconcile_last_step_timestamp_seconds"] == (NOW + MINUTE).timestamp()
    assert (found["schedsync_folder_problems"], found["schedsync_held_removals"]) == (2, 1)
    assert found["schedsync_stopping"] == 1
    vitals.ticked(NOW, leading=False, leader="elsewhere")
    found = scraped(Instance(vitals=vitals))
    assert (found["schedsync_leader"], found["schedsync_leader_lease_token"]) == (0, 0)


def test_outages_are_counted_and_last_until_now() -> None:
    vitals = Vitals()

    def told(minutes: int) -> tuple[float, float, float]:
        found = scraped(Instance(vitals=vitals, clock=lambda: NOW + minutes * MINUTE))
        names = ("up", "outages_total", "outage_seconds_total")
        up, count, seconds = (found[f"schedsync_database_{name}"] for name in names)
        return up, count, seconds

    vitals.database(NOW, error=None)
    assert told(5) == (1, 0, 0)
    vitals.database(NOW + 5 * MINUTE, error="no route to host")
    vitals.database(NOW + 6 * MINUTE, error="no route to host")
    assert told(8) == (0, 1, 180)
    vitals.database(NOW + 9 * MINUTE, error=None)
    vitals.database(NOW + 10 * MINUTE, error=None)
    assert told(20) == (1, 1, 240)
    vitals.database(NOW + 20 * MINUTE, error="it may not write", forbidden=True)
    assert told(21) == (0, 2, 300)


def test_jobs_and_notices_are_told_as_the_mirror_has_them() -> None:
    mirror = Mirror()
    job = observed()
    jobs = [job, replace(job, id="b", suspended=True), replace(job, id="c", stale=True), replace(job, id="d")]
    mirror.see_jobs(store(*jobs, replace(job, id="e", next_fire_at=None)), NOW)
    mirror.learn_pauses([Pause("d", "me", since=NOW - HOUR)])
    mirror.learn_notices({"pending": 3, "failed": 1})
    found = scraped(Instance(mirror=mirror, clock=lambda: NOW))
    states = ("active", "paused", "suspended", "finished")
    assert [found[f'schedsync_jobs{{state="{state}"}}'] for state in states] == [2, 1, 1, 1]
    assert found["schedsync_jobs_stale"] == 1
    assert [found[f'schedsync_notices{{state="{state}"}}'] for state in ("pending", "failed")] == [3, 1]


def test_what_waits_and_what_runs_is_told_by_pool() -> None:
    ledger = Ledger({PROCESSES: 2, PYTHON: 1, SQL: 1, HTTP: 1}, max_runs=4)
    shell, python = spec(), spec(id="py", run={"python": "a:b"})
    ledger.hold(Entry(run(), shell, ""))
    ledger.adopt(Entry(run(), shell, ""), NOW)
    ledger.adopt(Entry(run(job_id="py"), python, ""), NOW)
    ledger.adopt(Entry(run(job_id="later", cause=Cause.RETRY, due_at=NOW + HOUR), spec(id="later"), ""), NOW)
    assert {entry.place for entry in ledger.entries()} == {Place.RUNNING, Place.BLOCKED, Place.READY, Place.DELAYED}
    found = scraped(Instance(load=lambda: load(ledger)))
    waiting = {name: value for name, value in found.items() if name.startswith("schedsync_runs_waiting") and value}
    assert waiting == {
        'schedsync_runs_waiting{pool="processes",waits_for="overlap"}': 1,
        'schedsync_runs_waiting{pool="python",waits_for="capacity"}': 1,
        'schedsync_runs_waiting{pool="processes",waits_for="delay"}': 1,
    }
    assert [found[f'schedsync_pool_places{{pool="{pool}"}}'] for pool in (PROCESSES, "all")] == [2, 4]
    assert [found[f'schedsync_pool_places_taken{{pool="{pool}"}}'] for pool in (PROCESSES, PYTHON, "all")] == [1, 0, 1]


def test_results_that_wait_are_told_by_where_they_are() -> None:
    found = scraped(Instance(kept=lambda: (2, 3)))
    assert [found[f'schedsync_results_waiting{{place="{place}"}}'] for place in ("memory", "disk")] == [2, 3]
