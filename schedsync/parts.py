"""What the settings name, made: the parts that the service wires, and those that commands use alone."""

import logging
import os
import sys
from collections.abc import Callable
from functools import partial

from schedsync.executors.base import Engine, Listener, MakeEngine
from schedsync.executors.headroom import make_room
from schedsync.executors.process import ProcessEngine
from schedsync.executors.remote import RemoteEngine
from schedsync.executors.spool import OutputLimits
from schedsync.executors.sql_call import Databases
from schedsync.executors.wire import Setup
from schedsync.filing import Filing
from schedsync.notify.channel import Channel
from schedsync.plan.state import PruneGuard
from schedsync.reconcile import Reconciler
from schedsync.running.runner import RunnerOptions
from schedsync.runs.ledger import HTTP, PROCESSES, PYTHON, SQL
from schedsync.settings import Settings
from schedsync.settings.database import ConnectionSettings
from schedsync.sources.folder import JobsFolder, Told
from schedsync.sources.job_files import JobFiles
from schedsync.sources.origins import Files
from schedsync.sql.request import Target
from schedsync.store.store import Store
from schedsync.store.targets import target_of

log = logging.getLogger(__name__)

SWITCH = 0.0005
"""Seconds after which a busy thread lets another one run, a tenth of Python's own value: a spawn waits for its turn
some twenty times, and hundreds of them may be due while others compute. With less, threads do little but take turns:
each that waits wakes up so often."""


def folder(settings: Settings, told: Told = lambda _done, _total: None) -> JobsFolder:
    """Return the jobs folder that the settings name; *told* is called for each file that it has read."""
    jobs = settings.jobs
    return JobsFolder(jobs.path, timezone=jobs.timezone, max_file_size=jobs.max_file_size, told=told)


def files(settings: Settings) -> Files:
    """Return the files of that folder, to be asked what stands where."""
    jobs = settings.jobs
    return Files(jobs.path.absolute(), timezone=jobs.timezone, max_file_size=jobs.max_file_size)


def filing(settings: Settings, store: Store) -> Filing | None:
    """Return what writes job files for programs; None: the settings do not allow it."""
    if not settings.api.write_files:
        return None
    jobs = settings.jobs
    return Filing(store, JobFiles(jobs.path, timezone=jobs.timezone, max_file_size=jobs.max_file_size))


def reconciler(settings: Settings, store: Store, told: Told = lambda _done, _total: None) -> Reconciler:
    """Return what makes *store* equal the folder that the settings name; *told* is called for each file it has read."""
    prune = settings.prune
    guard = PruneGuard(prune.max_jobs, prune.max_fraction, prune.allow)
    return Reconciler(folder(settings, told), store, guard, node=settings.node, windows=settings.sync_times)


def channels(settings: Settings) -> dict[str, Channel]:
    """Return the channels that the settings name.

    Raises:
        SettingsError: one of them cannot be used as it is.
    """
    return {name: channel.channel(name) for name, channel in settings.channels.items()}


def engine(settings: Settings, on_lost: Callable[[], None]) -> MakeEngine:
    """Return what makes the engine: in a process of its own where one can be started.

    Args:
        settings: what they say of runs, and of the log.
        on_lost: called when that process has ended by itself.
    """
    if os.access(sys.executable, os.X_OK):
        return partial(_engine_beside, settings, on_lost)
    # The service became another user after its interpreter had been started.
    log.warning("the engine has no process of its own", extra={"not_executable": sys.executable})
    return partial(_engine_within, settings)


def _engine_beside(settings: Settings, on_lost: Callable[[], None], listener: Listener) -> Engine:
    setup = Setup(
        service=os.getpid(),
        spool=settings.runner.spool.absolute(),
        limits=output_limits(settings),
        most_runs=settings.runner.most_runs,
        switch=SWITCH,
        log_level=settings.log_level,
        log_as_json=settings.log_format == "json",
    )
    return RemoteEngine(listener, setup, hidden=hidden(settings), on_lost=on_lost)


def _engine_within(settings: Settings, listener: Listener) -> Engine:
    make_room(settings.runner.most_runs)
    return ProcessEngine(listener, spool_dir=settings.runner.spool, limits=output_limits(settings))


def output_limits(settings: Settings) -> OutputLimits:
    """Return how much of an output is kept."""
    runner = settings.runner
    return OutputLimits(runner.max_output, runner.keep_head, runner.keep_tail)


def runner_options(settings: Settings, owner: str) -> RunnerOptions:
    """Return how the instance that goes by *owner* runs jobs.

    Raises:
        SettingsError: a database that jobs may name cannot be used as it is.
    """
    runner = settings.runner
    return RunnerOptions(
        node=settings.node,
        owner=owner,
        folder=settings.jobs.path,
        spool=runner.spool,
        limits=output_limits(settings),
        capacity={
            PROCESSES: runner.max_processes,
            PYTHON: runner.max_python,
            SQL: runner.max_sql,
            HTTP: runner.max_http,
        },
        max_runs=runner.max_runs,
        groups=settings.group_places,
        databases=_databases(settings),
        hidden=hidden(settings),
        shutdown_grace=runner.shutdown_grace,
        blackouts=settings.blackout_times,
    )


def _databases(settings: Settings) -> Databases:
    """Return the databases that jobs may name.

    Raises:
        SettingsError: one of them cannot be used as it is.
    """
    make = {name: partial(_target, name, connection) for name, connection in settings.connections.items()}
    anew = {name: each for name, each in make.items() if settings.connections[name].password_file is not None}
    return Databases(settings.node, {name: each() for name, each in make.items()}, anew)


def _target(name: str, connection: ConnectionSettings) -> Target:
    return target_of(f"connections.{name}", connection.address(f"connections.{name}"))


def hidden(settings: Settings) -> frozenset[str]:
    """Return the variables that hold passwords and the like: they are the service's, and no business of jobs."""
    databases = [settings.database, *settings.connections.values()]
    names = [each.password_env for each in databases]
    names += [name for each in settings.channels.values() for name in (each.url_env, each.secret_env)]
    return frozenset(name for name in names if name is not None)
