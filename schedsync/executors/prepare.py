"""From a run and its spec to what is started: argv, environment, folder."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NewType

from schedsync.clock import rfc3339
from schedsync.errors import UnresolvedReferenceError
from schedsync.executors import http_call
from schedsync.executors.base import Launch
from schedsync.executors.confinement import Account, account_of, confinement_of, other_than_service
from schedsync.executors.python_call import python_argv, request
from schedsync.executors.references import resolve
from schedsync.executors.sql_call import Databases, request_of
from schedsync.http import request as http_request
from schedsync.runs.run import Run
from schedsync.specs.actions import CommandAction, DatabaseAction, HttpAction, PythonAction, ScriptAction, ShellAction
from schedsync.specs.job import JobSpec
from schedsync.specs.references import FileReference, VariableReference
from schedsync.specs.variables import may_be_setting
from schedsync.sql.request import FAILED, worker_argv

_NO_DATABASES = Databases()
_Program = CommandAction | ShellAction | ScriptAction | PythonAction
Inherited = NewType("Inherited", dict[str, str])
"""Variables that jobs have from the service: none of its settings, which may hold passwords."""


def inherited(environ: Mapping[str, str]) -> Inherited:
    """Return what jobs have of the service's own variables *environ*.

    Once for all runs: in a burst each of them waits for what is done for those before it.
    """
    return Inherited({name: value for name, value in environ.items() if not may_be_setting(name)})


def prepare(
    run: Run, spec: JobSpec, job_folder: Path, environ: Inherited, databases: Databases = _NO_DATABASES
) -> Launch:
    """Return what starting *run* means.

    Args:
        run: the attempt.
        spec: the job as it was when the run was claimed.
        job_folder: the folder of its job file: what relative paths in the file mean.
        environ: what the job has from the service; its references to variables mean these.
        databases: what statements can reach.

    Raises:
        UnusableConnectionError: the job names a connection that it cannot use.
        UnresolvedReferenceError: a value is not where the job says.
        UnavailableConfinementError: the job wants a user or a limit that it cannot have here.
    """
    action, env = spec.run, environ | _marks(run)
    launch = Launch(
        run.id,
        argv=(),
        env=env,
        timeout=spec.timeout,
        success_exit_codes=frozenset(spec.success_exit_codes),
        fail_on_output=spec.fail_on_output or "",
        kill_grace=spec.kill_grace,
    )
    if isinstance(action, DatabaseAction):
        statement = request_of(run, spec, action, job_folder, databases)
        secrets = statement.target.passwords
        return replace(launch, argv=worker_argv(), stdin=statement.encoded(), secrets=secrets, failure_mark=FAILED)
    if isinstance(action, HttpAction):
        return _request(launch, run, action, job_folder)
    account = None if action.user is None else account_of(action.user)
    confinement = confinement_of(action, account, environ)
    values = _referenced(action, job_folder, environ, other_than_service(account))
    return replace(
        launch,
        argv=_argv(action, job_folder),
        env=env | ({} if account is None else account.env) | _literals(action) | values,
        secrets=tuple(values.values()),
        cwd=None if action.cwd is None else str(job_folder / action.cwd),
        confinement=confinement,
        stdin=_stdin(action, job_folder),
    )


def _request(launch: Launch, run: Run, action: HttpAction, job_folder: Path) -> Launch:
    limit = launch.timeout or http_call.LONGEST
    secrets = http_call.looked_up(action.http, job_folder, launch.env)
    end = limit + launch.kill_grace + http_call.LAST_RESORT
    own = http_call.sources(action.http)
    return replace(
        launch,
        argv=http_request.worker_argv(),
        env={name: value for name, value in launch.env.items() if name not in own},
        stdin=http_call.request_of(run, action.http, secrets, end, job_folder).encoded(),
        secrets=http_call.hidden(secrets),
        timeout=limit,
        failure_mark=http_request.FAILED,
    )


def _argv(action: _Program, job_folder: Path) -> tuple[str, ...]:
    if isinstance(action, CommandAction):
        return action.command
    if isinstance(action, ScriptAction):
        script = str(job_folder / action.script)
        # Files that are dropped by configuration management often lack the execute bit.
        by_itself = os.access(script, os.X_OK) or not Path(script).exists()
        return (script, *action.args) if by_itself else ("bash", script, *action.args)
    if isinstance(action, PythonAction):
        return python_argv()
    return ("bash", "-c", action.shell)


def _stdin(action: _Program, job_folder: Path) -> bytes:
    if isinstance(action, PythonAction):
        return request(action.python, action.args, action.kwargs, [str(job_folder)])
    return b""


def _literals(action: _Program) -> dict[str, str]:
    return {name: value for name, value in action.env.items() if isinstance(value, str)}


def _referenced(
    action: _Program, job_folder: Path, environ: Mapping[str, str], other: Account | None
) -> dict[str, str]:
    """Return the variables whose values the job file does not have, for the user of the job if that is another one."""
    found = {}
    for name, value in action.env.items():
        if isinstance(value, FileReference | VariableReference):
            try:
                found[name] = resolve(value, job_folder, environ, other)
            except UnresolvedReferenceError as error:
                raise UnresolvedReferenceError(f"env.{name}: {error}") from None
    return found


def _marks(run: Run) -> dict[str, str]:
    return {
        "SCHEDSYNC_JOB_ID": run.job_id,
        "SCHEDSYNC_RUN_ID": run.id,
        "SCHEDSYNC_SCHEDULED_AT": rfc3339(run.scheduled_at),
        "SCHEDSYNC_ATTEMPT": str(run.attempt),
        **_upstream(run),
    }


def _upstream(run: Run) -> dict[str, str]:
    if run.upstream_state is None:
        return {}
    return {
        "SCHEDSYNC_UPSTREAM_JOB_ID": str(run.upstream_job_id),
        "SCHEDSYNC_UPSTREAM_RUN_ID": str(run.upstream_run_id),
        "SCHEDSYNC_UPSTREAM_STATE": run.upstream_state.value,
    }
