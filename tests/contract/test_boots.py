"""Jobs that fire when the service starts: found by their rows, and claimed without moving them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from schedsync.errors import DatabaseUnavailableError, LeadershipLostError, StaleObservationError
from schedsync.plan.ops import Plan
from schedsync.runs.pause import EVERYTHING
from schedsync.specs.following import Follows
from schedsync.store.leases import Lease
from schedsync.store.runs import Stay
from schedsync.store.store import Store
from tests.contract.builders import (
    MINUTE,
    NOW,
    SLOT,
    add,
    advance,
    apply,
    edit,
    live,
    lost_answer,
    observed,
    pause,
    remove,
    run,
    runs_of,
)

BOOT = NOW + timedelta(microseconds=1)
REBOOT = {"cron": "@reboot"}
BOTH = [REBOOT, {"cron": "*/5 * * * *"}]
STAYS = Stay("b", 1)


@pytest.fixture
def jobs(store: Store) -> None:
    """One job that waits for a boot, one that has slots too, one that has only those, and one that runs after it."""
    waits, both = add("b", at=None, schedule=REBOOT), add("c", schedule=BOTH)
    after = add("d", at=None, schedule=(), after={"a": "succeeded"})
    apply(store, Plan(add=(add("a"), waits, both, after), revision="r1"))


@pytest.mark.usefixtures("jobs")
def test_what_starts_a_job_besides_the_clock_is_kept_in_its_row(store: Store) -> None:
    follows = {job.id: job.follows for job in store.jobs.observe().jobs.values()}
    assert follows == {"a": Follows.NOTHING, "b": Follows.BOOTS, "c": Follows.BOOTS, "d": Follows.RUNS}
    assert store.jobs.follow_boots() == ["b", "c"]
    assert store.jobs.followers().digests.keys() == {"d"}
    assert store.jobs.counts(NOW).by_state == {"active": 4}
    apply(store, Plan(update=(edit(store, "b", schedule={"cron": "@daily"}),)))
    assert store.jobs.follow_boots() == ["c"]
    assert store.jobs.counts(NOW).by_state == {"active": 3, "finished": 1}  # it was given no slot


@pytest.mark.usefixtures("jobs")
def test_what_fires_at_a_boot_comes_with_its_pauses_and_without_the_slots_of_a_clock(store: Store) -> None:
    own, every = pause("b"), pause(EVERYTHING)
    store.pauses.put(own, now=NOW)
    store.pauses.put(every, now=NOW)
    asked = {"c": BOOT + MINUTE, "b": BOOT, "a": BOOT, "gone": BOOT}
    b, c = store.jobs.booting(asked, BOOT)
    assert (b.id, b.next_fire_at, b.boot, b.pauses) == ("b", BOOT, BOOT, (own, every))
    assert (c.id, c.next_fire_at, c.boot, c.pauses) == ("c", BOOT + MINUTE, BOOT, (every,))
    assert (b.spec_digest, b.generation) == (observed(store, "b").digest, 1)


def test_more_jobs_than_a_statement_may_name_fire_at_a_boot(store: Store) -> None:
    ids = [f"job-{number:04}" for number in range(1_001)]
    live(store, *ids, at=None, schedule=REBOOT)
    found = store.jobs.booting(dict.fromkeys(store.jobs.follow_boots(), BOOT), BOOT)
    assert [row.id for row in found] == ids


@pytest.mark.usefixtures("jobs")
def test_a_claim_leaves_the_row_as_it_is(store: Store, lease: Lease) -> None:
    before = observed(store, "b"), observed(store, "c")
    runs = [run("b", BOOT), run("c", BOOT), run("a")]
    assert store.runs.claim(lease, runs, [STAYS, advance("a"), Stay("c", 1)]) == runs
    assert (observed(store, "b"), observed(store, "c")) == before
    assert observed(store, "a").next_fire_at == SLOT + 5 * MINUTE
    assert {row.id for row in runs_of(store)} == {each.id for each in runs}


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize("change", ["edited", "removed"])
def test_a_job_that_changed_meanwhile_makes_the_claim_fail(store: Store, lease: Lease, change: str) -> None:
    plan = (
        Plan(update=(edit(store, "b", description="new"),))
        if change == "edited"
        else Plan(remove=(remove(store, "b"),))
    )
    apply(store, plan)
    with pytest.raises(StaleObservationError):
        store.runs.claim(lease, [run("c", BOOT), run("b", BOOT)], [Stay("c", 1), STAYS])
    assert runs_of(store) == []


@pytest.mark.usefixtures("jobs")
def test_a_slot_of_a_boot_is_claimed_once(store: Store, lease: Lease) -> None:
    first = run("b", BOOT)
    store.runs.claim(lease, [first], [STAYS])
    other = run("c", BOOT)
    assert store.runs.claim(lease, [run("b", BOOT), other], [STAYS, Stay("c", 1)]) == [other]
    assert runs_of(store, "b") == [first]


@pytest.mark.usefixtures("jobs")
def test_a_claim_whose_answer_was_lost_is_recognised_when_it_is_made_again(store: Store, lease: Lease) -> None:
    claimed = [run("b", BOOT)]
    with pytest.raises(DatabaseUnavailableError), lost_answer(store):
        store.runs.claim(lease, claimed, [STAYS])
    assert store.runs.claim(lease, claimed, [STAYS]) == claimed
    assert runs_of(store) == claimed


@pytest.mark.usefixtures("jobs")
def test_who_does_not_lead_claims_nothing(store: Store, lease: Lease) -> None:
    with pytest.raises(LeadershipLostError):
        store.runs.claim(replace(lease, token=lease.token + 1), [run("b", BOOT)], [STAYS])
    assert runs_of(store) == []
