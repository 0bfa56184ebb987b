"""Several processes on one database."""

from collections import Counter
from functools import partial

from schedsync.store.leases import Lease
from schedsync.store.store import Store
from tests.contract.builders import MINUTE, SLOT, live, runs_of
from tests.contract.processes import Processes, claim_what_is_due

JOBS = [f"job-{number:03}" for number in range(200)]


def test_of_four_processes_that_claim_the_same_slots_each_slot_has_one_row(
    store: Store, store_url: str, lease: Lease, processes: Processes
) -> None:
    live(store, *JOBS)
    won = processes.at_once([partial(claim_what_is_due, store_url, lease, seed) for seed in range(4)])
    rows = runs_of(store)
    assert sorted(run_id for ids in won for run_id in ids) == sorted(row.id for row in rows)
    assert Counter(row.job_id for row in rows) == dict.fromkeys(JOBS, 1)
    assert {job.next_fire_at for job in store.jobs.observe().jobs.values()} == {SLOT + 5 * MINUTE}
