"""A statement in a database as a process: the request that the worker (``schedsync/sql/worker.py``) reads.

Passwords are in it, and nowhere else: not in the argv, the environment, the job's rows or the log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schedsync.errors import SettingsError, UnusableConnectionError
from schedsync.runs.run import Run
from schedsync.specs.actions import DatabaseAction, PlsqlAction, SqlAction, StatementFile
from schedsync.specs.job import JobSpec
from schedsync.sql.request import Request, Statement, Target


@dataclass(frozen=True, slots=True)
class Databases:
    """What jobs can reach."""

    node: str = ""
    """This instance, for databases that want to know who asks."""
    targets: Mapping[str, Target] = field(default_factory=dict)
    """By the names that jobs use."""
    anew: Mapping[str, Callable[[], Target]] = field(default_factory=dict)
    """What makes a target anew for each run, of those whose password is in a file. May raise SettingsError."""


def request_of(run: Run, spec: JobSpec, action: DatabaseAction, job_folder: Path, databases: Databases) -> Request:
    """Return the request to execute the statement of *run*.

    Raises:
        UnusableConnectionError: the job names a connection that there is not, PL/SQL is to run outside of Oracle, or
            the file that holds the password cannot be read.
    """
    return Request(
        target=_target(action, databases),
        statement=_statement(action, job_folder),
        job_id=run.job_id,
        run_id=run.id,
        node=databases.node,
        kill_grace=spec.kill_grace.total_seconds(),
    )


def _target(action: DatabaseAction, databases: Databases) -> Target:
    name, targets = action.connection, databases.targets
    target = targets.get(name)
    if target is None:
        known = f"known are {', '.join(sorted(targets))}" if targets else "they have none"
        raise UnusableConnectionError(f'the settings have no connection "{name}" ({known}); write [connections.{name}]')
    if isinstance(action, PlsqlAction) and target.database != "oracle":
        fitting = ", ".join(sorted(each for each, other in targets.items() if other.database == "oracle"))
        hint = f", or name a connection of Oracle: {fitting}" if fitting else ""
        raise UnusableConnectionError(f'plsql needs Oracle, and "{name}" is {target.database}; write sql:{hint}')
    return _now(databases.anew[name]) if name in databases.anew else target


def _now(make: Callable[[], Target]) -> Target:
    try:
        return make()
    except SettingsError as error:
        raise UnusableConnectionError(str(error)) from None


def _statement(action: DatabaseAction, job_folder: Path) -> Statement:
    if isinstance(action, PlsqlAction):
        out = {name: kind.value for name, kind in action.out.items()}
        return Statement("plsql", *_source(action.plsql, job_folder), action.binds, out)
    assert isinstance(action, SqlAction)  # noqa: S101 - there are these two
    return Statement("sql", *_source(action.sql, job_folder), action.binds)


def _source(source: str | StatementFile, job_folder: Path) -> tuple[str | None, str | None]:
    if isinstance(source, StatementFile):
        return None, str(job_folder / source.file)
    return source, None
