"""The API over the store of a command line, on a port of this machine; without the loops of a service."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import Flask

from schedsync.api.app import Backend, create_app
from schedsync.api.server import ApiServer
from schedsync.clock import utc_now
from schedsync.control import Control
from schedsync.executors.spool import OutputLimits, live, printed, spooled
from schedsync.status.vitals import Vitals
from schedsync.store.store import Store
from tests.integration.cli.harness import CommandLine


def app_of(cli: CommandLine, store: Store, **changes: Any) -> Flask:
    """Return the API over *store* of an instance that runs nothing; what runs print is in the folder of *cli*."""
    vitals = Vitals()
    vitals.ticked(utc_now(), leading=True, leader="there")
    vitals.database(utc_now(), error=None)
    backend = Backend(
        store=store,
        control=Control(store),
        vitals=vitals,
        node="there",
        clock=utc_now,
        live_output=lambda _run_id: None,
        spooled_output=lambda run_id: spooled(live(cli.spool, run_id), OutputLimits()),
        printed=lambda run_id, start, most: printed(live(cli.spool, run_id), start, most),
        wake=lambda: None,
        tick=lambda: None,
        tick_limit=timedelta(seconds=30),
        exposed=False,
    )
    return create_app(replace(backend, **changes))


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Give the address at which *app* is served."""
    server = ApiServer(app, "127.0.0.1", 0)
    server.start()
    yield server.url
    server.stop(5)
