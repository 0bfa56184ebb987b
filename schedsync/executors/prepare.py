"""From a run and its spec to what is started: argv, environment, folder."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from schedsync.clock import rfc3339
from schedsync.executors.base import Launch
from schedsync.executors.python_call import python_argv, request
from schedsync.executors.sql_call import Databases, request_of
from schedsync.runs.run import Run
from schedsync.specs.actions import CommandAction, DatabaseAction, PythonAction, ScriptAction, ShellAction
from schedsync.specs.job import JobSpec
from schedsync.sql.request import FAILED, worker_argv

SETTING = "SCHEDSYNC_"
_NO_DATABASES = Databases()
_Program = CommandAction | ShellAction | ScriptAction | PythonAction


def prepare(
    run: Run, spec: JobSpec, job_folder: Path, environ: Mapping[str, str], databases: Databases = _NO_DATABASES
) -> Launch:
    """Return what starting *run* means.

    Args:
        run: the attempt.
        spec: the job as it was when the run was claimed.
        job_folder: the folder of its job file: what relative paths in the file mean.
        environ: the service's own environment; the job gets it without schedsync's settings, which may hold passwords.
        databases: what statements can reach.

    Raises:
        UnusableConnectionError: the job names a connection that it cannot use.
    """
    action, env = spec.run, _environment(run, environ)
    launch = Launch(run.id, argv=(), env=env, timeout=spec.timeout, kill_grace=spec.kill_grace)
    if isinstance(action, DatabaseAction):
        stdin = request_of(run, spec, action, job_folder, databases).encoded()
        return replace(launch, argv=worker_argv(), stdin=stdin, failure_mark=FAILED)
    return replace(
        launch,
        argv=_argv(action, job_folder),
        env=env | action.env,
        cwd=None if action.cwd is None else str(job_folder / action.cwd),
        stdin=_stdin(action, job_folder),
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


def _environment(run: Run, environ: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in environ.items() if not name.startswith(SETTING)}
    return inherited | {
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
