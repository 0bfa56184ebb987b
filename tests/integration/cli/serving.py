"""The API over the store of a command line, on a port of this machine; without the loops of a service."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import Flask

from schedsync.api.app import Backend, create_app
from schedsync.api.server import ApiServer
from schedsync.clock import utc_now
from schedsync.control import Control
from schedsync.executors.spool import OutputLimits, live, printed, spooled
from schedsync.status.vitals import Vitals
from schedsync.store.store import Store
from tests.integration.cli.harness import CommandLine


def app_of(cli: CommandLine, store: Store) -> Flask:
    """Return the API over *store*; what runs prints into the spool folder of *cli*."""
    vitals = Vitals()
    vitals.ticked(utc_now(), leading=True, leader="there")
    vitals.database(utc_now(), error=None)
    return create_app(
        Backend(
            store=store,
            control=Control(store),
            vitals=vitals,
            node="there",
            clock=utc_now,
            live_output=lambda run_id: spooled(live(cli.spool, run_id), OutputLimits()),
            printed=lambda run_id, start, most: printed(live(cli.spool, run_id), start, most),
            wake=lambda: None,
            tick=lambda: None,
            tick_limit=timedelta(seconds=30),
            exposed=False,
        )
    )


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Give the address at which *app* is served."""
    server = ApiServer(app, "127.0.0.1", 0)
    server.start()
    yield server.url
    server.stop(5)
