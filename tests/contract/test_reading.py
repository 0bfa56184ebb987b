"""Reading changes nothing: not a row, on any database, whatever is in it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from schedsync.access import Scope, new_token
from schedsync.api.app import Backend, create_app
from schedsync.control import Control
from schedsync.runs.notices import Notice
from schedsync.runs.run import Run, RunState
from schedsync.specs.notify import Event
from schedsync.status.vitals import Vitals
from schedsync.store import tables
from schedsync.store.checking import check
from schedsync.store.leases import Lease
from schedsync.store.store import Store
from tests.contract.builders import NOW, SLOT, claim, ended, live, located, pause, report, run, settle

LATER = SLOT + timedelta(days=1)
DIGEST = "0" * 64

READS: dict[str, Callable[[Store, Run], Any]] = {
    "store.require_current": lambda store, _: store.require_current(),
    "store.is_new": lambda store, _: store.is_new,
    "store.upgrade": lambda store, _: store.upgrade(),
    "store.check": lambda store, _: check(store.database),
    "jobs.observe": lambda store, _: store.jobs.observe(),
    "jobs.load": lambda store, _: store.jobs.load(["a", "broken", "gone"]),
    "jobs.present": lambda store, _: store.jobs.present(["a", "gone"]),
    "jobs.specs": lambda store, _: store.jobs.specs({"a": DIGEST, "broken": DIGEST}),
    "jobs.page": lambda store, _: store.jobs.page(after="", limit=10),
    "jobs.overview": lambda store, _: (store.jobs.overview(), store.jobs.overview(behind="b", limit=1)),
    "jobs.last_slots": lambda store, _: store.jobs.last_slots(),
    "jobs.due": lambda store, _: store.jobs.due(LATER, 10),
    "jobs.coming": lambda store, _: store.jobs.coming(LATER, until=LATER, limit=10),
    "jobs.learn": lambda store, _: store.jobs.learn([(DIGEST, located("a").spec)]),
    "jobs.followers": lambda store, _: store.jobs.followers(),
    "jobs.follow_boots": lambda store, _: store.jobs.follow_boots(),
    "jobs.booting": lambda store, _: store.jobs.booting({"a": LATER, "gone": LATER}, LATER),
    "jobs.look": lambda store, _: store.jobs.look(LATER, 10),
    "jobs.next_fire_at": lambda store, _: store.jobs.next_fire_at(),
    "jobs.counts": lambda store, _: store.jobs.counts(LATER),
    "lists.some": lambda store, _: store.lists.some(["a", "b"]),
    "lists.page": lambda store, _: store.lists.page(behind="a", limit=10, downwards=False),
    "runs.unowned": lambda store, _: store.runs.unowned(),
    "runs.attempts": lambda store, ran: store.runs.attempts(ran.job_id, ran.scheduled_at),
    "runs.following": lambda store, ran: store.runs.following(ran),
    "runs.known": lambda store, ran: store.runs.known([ran.id, "none"]),
    "runs.unsettled": lambda store, _: store.runs.unsettled(),
    "runs.unsettled_counts": lambda store, _: store.runs.unsettled_counts(),
    "runs.get": lambda store, ran: store.runs.get(ran.id),
    "runs.output": lambda store, ran: store.runs.output(ran.id),
    "runs.page": lambda store, ran: store.runs.page(job_id="a", before=(LATER, ran.id), limit=10),
    "runs.last_of": lambda store, _: store.runs.last_of(["a", "gone"]),
    "runs.tallies": lambda store, _: store.runs.tallies((NOW, LATER), timedelta(hours=1)),
    "runs.tallies_of": lambda store, _: store.runs.tallies_of(["a", "gone"], (NOW, LATER), timedelta(hours=1)),
    "runs.within": lambda store, _: store.runs.within(["a", "gone"], (NOW, LATER), 10),
    "runs.recent_of": lambda store, _: store.runs.recent_of(["a", "gone"], 2),
    "runs.pasts": lambda store, _: store.runs.pasts(),
    "pauses.in_force": lambda store, _: store.pauses.in_force(LATER),
    "notices.pending": lambda store, _: store.notices.pending(),
    "notices.newest": lambda store, _: store.notices.newest(state=None, limit=10),
    "notices.counts": lambda store, _: store.notices.counts(),
    "notices.overdue": lambda store, _: store.notices.overdue(["a", "gone"]),
    "notices.successes": lambda store, _: store.notices.successes(["a", "gone"]),
    "leases.leader": lambda store, _: store.leases.leader(),
    "leases.living": lambda store, _: store.leases.living(),
    "tokens.all": lambda store, _: store.tokens.all(),
    "syncs.page": lambda store, _: store.syncs.page(before=None, limit=10),
    "audit.page": lambda store, _: (
        store.audit.page(job_id=None, before=None, limit=10),
        store.audit.page(job_id="a", before=None, limit=10),
    ),
    "syncs.latest": lambda store, _: (store.syncs.latest(), store.syncs.latest(complete=True)),
}
WRITES = {
    *("jobs.apply", "runs.claim", "runs.record", "runs.forget", "pauses.put", "pauses.lift", "pauses.forget_expired"),
    *("leases.acquire", "leases.renew", "leases.end", "syncs.record", "audit.record", "runs.ask"),
    "runs.hand_over",
    *("notices.take", "notices.sent", "notices.postponed", "notices.given_up", "notices.forget", "notices.post"),
    *("notices.given_up_before", "notices.given_up_for"),
    *("notices.raise_overdue", "notices.lower_overdue"),
    *("syncs.forget", "audit.forget"),
    *("tokens.create", "tokens.revoke", "tokens.used"),
}


@pytest.fixture
def ran(store: Store, lease: Lease) -> Run:
    """Something in each table: also a spec that cannot be read, a pause that has run out, and a job that is gone."""
    live(store, "a", "b", "broken")
    ran, under_way, gone = run("a"), run("b"), run("gone", state=RunState.SKIPPED)
    claim(store, lease, ran, under_way, gone)
    settle(store, ended(ran), output=b"hello\n")
    store.pauses.put(pause("a", until=NOW + timedelta(minutes=1)), now=NOW)
    store.syncs.record(report(complete=False))
    store.tokens.create(new_token("ci", Scope.READ, by="ann", now=NOW)[0])
    store.notices.raise_overdue("a", NOW, [Notice("n1", "mail", Event.LATE, "a", NOW)])
    with store.database.write() as connection:
        broken = tables.specs.c.job_id == "broken"
        connection.execute(update(tables.specs).where(broken).values(spec_text="{no spec"))
    return ran


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    with store.database.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in tables.metadata.sorted_tables
        }


@pytest.mark.parametrize("name", READS)
def test_a_read_changes_no_row(store: Store, ran: Run, name: str) -> None:
    before = rows(store)
    assert all(before.values())
    READS[name](store, ran)
    assert rows(store) == before


def test_what_the_store_can_do_is_known_to_read_or_to_write(store: Store) -> None:
    parts = {name: part for name, part in vars(store).items() if name != "database"}
    listeners = ("_", "on_")
    methods = {f"{name}.{method}" for name, part in parts.items() for method in dir(part)}
    methods = {method for method in methods if not method.partition(".")[2].startswith(listeners)}
    assert {method for method in methods if method not in READS} == WRITES


def test_no_get_of_the_api_changes_a_row(store: Store, ran: Run) -> None:
    before = rows(store)
    app = create_app(backend(store))
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()):
            path = rule.rule.replace("<job_id>", "a").replace("<run_id>", ran.id)
            assert client.get(path).status_code in {200, 503}, path
    assert rows(store) == before


def backend(store: Store) -> Backend:
    return Backend(
        store=store,
        control=Control(store),
        vitals=Vitals(),
        node="here",
        clock=lambda: LATER,
        live_output=lambda _run_id: None,
        wake=lambda: None,
        tick=lambda: None,
        tick_limit=timedelta(seconds=30),
        exposed=False,
    )


INSTANTS = {
    "schedsync_jobs_v": ("next_fire_utc", SLOT),
    "schedsync_runs_v": ("scheduled_utc", SLOT + timedelta(microseconds=123_456)),
}


@pytest.mark.parametrize("view", INSTANTS)
def test_views_show_instants_as_timestamps_in_utc_to_the_microsecond(store: Store, lease: Lease, view: str) -> None:
    column, instant = INSTANTS[view]
    live(store, "a", at=instant)
    claim(store, lease, run("a", instant))
    with store.database.read() as connection:
        [row] = connection.exec_driver_sql(f"SELECT {column} AS shown FROM {view}").all()
    assert str(row.shown)[:19] == f"{instant:%Y-%m-%d %H:%M:%S}"
    assert (str(row.shown)[20:26] or "000000") == f"{instant:%f}"


PAUSES = [
    pytest.param([], [None, None], id="none"),
    pytest.param(["a"], ["ann", None], id="its own"),
    pytest.param(["*"], ["ann", "ann"], id="everything"),
]


@pytest.mark.parametrize(("paused", "shown"), PAUSES)
def test_the_view_of_jobs_shows_who_paused_each(store: Store, paused: list[str], shown: list[str | None]) -> None:
    live(store, "a", "b")
    for job_id in paused:
        store.pauses.put(pause(job_id), now=NOW)
    with store.database.read() as connection:
        statement = "SELECT paused_by FROM schedsync_jobs_v ORDER BY id"
        assert list(connection.exec_driver_sql(statement).scalars()) == shown


def test_the_view_of_runs_shows_how_long_each_took(store: Store, lease: Lease) -> None:
    live(store, "a")
    took = run("a", started_at=NOW - timedelta(milliseconds=1500))
    claim(store, lease, took)
    settle(store, ended(took))
    with store.database.read() as connection:
        [seconds] = connection.exec_driver_sql("SELECT run_seconds FROM schedsync_runs_v").scalars()
    assert float(seconds) == 1.5
