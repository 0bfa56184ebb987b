"""Statements as runs: requests for the worker, and the worker itself."""

import os
import subprocess
from datetime import timedelta
from typing import Any

from schedsync.executors.base import Launch
from schedsync.sql.request import FAILED, Request, Statement, worker_argv
from schedsync.store.address import Address
from schedsync.store.targets import target_of
from tests.integration.executors.conftest import RUN

JOB = "erp.close"


def request(
    url: str, text: str | None, kind: str = "sql", *, grace: float = 10, within: float = 10, **more: Any
) -> Request:
    """Return the request to execute *text* at *url*; *more* are fields of the statement."""
    address = Address(url=url, connect_timeout=timedelta(seconds=within), call_timeout=timedelta(0))
    target = target_of("connections.erp", address)
    return Request(target, Statement(kind, text, **more), JOB, RUN, "node-1", grace)


def execute(url: str, text: str | None, kind: str = "sql", **more: Any) -> tuple[int, list[str]]:
    """Return the exit code and the lines of the worker."""
    done = subprocess.run(
        worker_argv(),
        input=request(url, text, kind, **more).encoded(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout.decode().splitlines()


def launch(made: Request, **more: Any) -> Launch:
    """Return the launch of the worker with a request, as the runner makes it."""
    env = {**os.environ, "SCHEDSYNC_RUN_ID": RUN}
    grace = timedelta(seconds=made.kill_grace)
    return Launch(RUN, worker_argv(), env, stdin=made.encoded(), failure_mark=FAILED, kill_grace=grace, **more)
