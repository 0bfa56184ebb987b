"""What schedsync costs a database in round trips: ``make round-trips`` prints a table.

Statements and commits are counted through SQLAlchemy's events; one statement for many rows counts once. On Oracle the
last statement of a transaction takes the commit along, so its commits cost nothing; where the server is a stand-in that
counts for itself (SCHEDSYNC_TEST_ORACLE_STANDIN), the last column is what it saw.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from schedsync.plan.ops import Plan
from schedsync.runs.outcome import Output
from schedsync.status.knowledge import FromStore
from schedsync.status.selection import Wanted
from schedsync.status.views import listing
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store
from tests.contract.builders import NOW, SLOT, TTL, add, advance, apply, ended, live, pause, run
from tests.contract.databases import emptied, postgresql_schema, postgresql_server, with_tables
from tests.contract.oracle import STANDIN_VARIABLE, URL_VARIABLE, drop_everything, standin_at

Operation = Callable[[Store], Any]


@dataclass
class Counter:
    """What was sent."""

    statements: int = 0
    commits: int = 0


@contextmanager
def counted(store: Store) -> Iterator[Counter]:
    """Count what is sent meanwhile; a begin is no round trip of its own."""
    counter = Counter()

    def statement(_connection: Connection, _cursor: Any, text: str, *_: Any) -> None:
        counter.statements += not text.startswith("BEGIN")

    def commit(_connection: Connection) -> None:
        counter.commits += 1

    engine = store.database.engine
    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    yield counter
    event.remove(engine, "before_cursor_execute", statement)
    event.remove(engine, "commit", commit)


def _lease(store: Store) -> Lease:
    return store.leases.acquire("me", TTL)


def _cold_apply(count: int) -> Iterator[Operation]:
    plan = Plan(add=tuple(add(f"job-{number:05}") for number in range(count)), revision="r1")
    yield lambda store: apply(store, plan)


def _nothing_changed(store: Store) -> Operation:
    live(store, *(f"job-{number:05}" for number in range(10_000)))
    return lambda store: store.jobs.observe()


def _tick(count: int) -> Callable[[Store], Operation]:
    def prepare(store: Store) -> Operation:
        live(store, *(f"job-{number:04}" for number in range(count)))
        lease = _lease(store)

        def tick(store: Store) -> None:
            due = store.jobs.due(SLOT, 5_000)
            store.runs.claim(lease, [run(row.id) for row in due], [advance(row.id) for row in due])

        return tick

    return prepare


def _results(count: int) -> Callable[[Store], Operation]:
    def prepare(store: Store) -> Operation:
        lease = _lease(store)
        running = [run(f"job-{number:04}") for number in range(count)]
        store.runs.claim(lease, running, [])
        results = [(ended(each), Output(b"hello\n", total=6)) for each in running]
        return lambda store: store.runs.record(RunChanges(settled=results), None)

    return prepare


def _specs(store: Store) -> Operation:
    names = [f"job-{number:04}" for number in range(1_000)]
    live(store, *names)
    digests = {job.id: job.digest for job in store.jobs.observe().jobs.values()}
    return lambda store: store.jobs.specs(digests)


def _page(store: Store) -> Operation:
    live(store, *(f"job-{number:04}" for number in range(100)))
    return lambda store: listing(FromStore(store), Wanted(100), NOW)


def _renewal(store: Store) -> Operation:
    _lease(store)
    return lambda store: store.leases.renew("me", TTL)


OPERATIONS: dict[str, Callable[[Store], Operation]] = {
    "cold apply of 10 jobs": lambda _: next(_cold_apply(10)),
    "cold apply of 10,000 jobs": lambda _: next(_cold_apply(10_000)),
    "step with nothing changed, 10,000 jobs": _nothing_changed,
    "tick with 1 due job": _tick(1),
    "tick with 1,000 due jobs": _tick(1_000),
    "specs of 1,000 jobs, once": _specs,
    "result of 1 run": _results(1),
    "results of 100 runs": _results(100),
    "renewal of the lease": _renewal,
    "pause": lambda _: lambda store: store.pauses.put(pause("a"), now=NOW),
    "page of 100 jobs over the API": _page,
}


def measure(url: str, trips: Callable[[], int] | None) -> dict[str, str]:
    """Return what each operation sends to the database at *url*."""
    cells = {}
    for name, prepare in OPERATIONS.items():
        store = Store.open(emptied(url))
        operation = prepare(store)
        store.leases.leader()  # a connection is there
        before = trips() if trips else 0
        with counted(store) as counter:
            operation(store)
        seen = f" = {trips() - before}" if trips else ""
        cells[name] = f"{counter.statements} + {counter.commits}{seen}"
        store.close()
    return cells


def main() -> int:
    """Measure on each database that is there, and print the table."""
    columns: dict[str, dict[str, str]] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        columns["SQLite"] = measure(with_tables(f"sqlite:///{Path(folder)}/trips.db"), None)
        server = stack.enter_context(postgresql_server())
        columns["PostgreSQL"] = measure(with_tables(stack.enter_context(postgresql_schema(server))), None)
        columns |= _on_oracle()
    width = max(map(len, OPERATIONS))
    print("statements + commits" + (" = round trips" if STANDIN_VARIABLE in os.environ else ""))  # noqa: T201
    print("".ljust(width), *(name.rjust(20) for name in columns))  # noqa: T201 - the table is what this is for
    for name in OPERATIONS:
        print(name.ljust(width), *(cells[name].rjust(20) for cells in columns.values()))  # noqa: T201
    return 0


def _on_oracle() -> dict[str, dict[str, str]]:
    controls, urls = (os.environ.get(name, "").split() for name in (STANDIN_VARIABLE, URL_VARIABLE))
    if controls:
        standin = standin_at(controls[0])
        drop_everything(standin.url)
        return {f"Oracle stand-in {standin.ask('/health')['version']}": measure(standin.url, standin.round_trips)}
    if urls:
        return {"Oracle": measure(urls[0], None)}
    print(f"no Oracle: {URL_VARIABLE} is not set", file=sys.stderr)  # noqa: T201
    return {}


if __name__ == "__main__":
    sys.exit(main())
