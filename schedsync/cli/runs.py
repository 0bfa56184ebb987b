"""``schedsync runs`` and ``schedsync logs``: what happened."""

from dataclasses import dataclass
from pathlib import Path

import click

from schedsync.cli.exits import Exit
from schedsync.cli.following import output_of
from schedsync.cli.options import JOB_ID, Options, command
from schedsync.cli.output import complain, say_json, say_table
from schedsync.cli.stores import current
from schedsync.cli.tables import table
from schedsync.cli.times import elapsed, shown
from schedsync.clock import utc_now
from schedsync.errors import JobNotFoundError, RunNotFoundError, SchedsyncError
from schedsync.executors.spool import OutputLimits, live, spooled
from schedsync.runs.run import UNSETTLED, Run, RunState
from schedsync.settings import RunnerSettings
from schedsync.status.output import log_text
from schedsync.status.views import run_view
from schedsync.store.store import Store

_HEADING = ("RUN", "JOB", "SCHEDULED", "CAUSE", "STATE", "DURATION", "EXIT", "REASON")


@command("runs")
@click.argument("job_id", type=JOB_ID, metavar="[ID]", required=False)
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=20, show_default=True, help="The most to list.")
def runs(options: Options, *, job_id: str | None, count: int) -> int:
    """List runs, newest first: of one job, which may be gone, or of all."""
    with current(options.settings()) as store:
        found = store.runs.page(job_id=job_id, before=None, limit=count + 1)
        if job_id is not None and not found and not store.jobs.load([job_id]):
            raise JobNotFoundError(job_id)
    page = found[:count]
    if options.as_json:
        views = [run_view(run).model_dump(mode="json") for run in page]
        say_json({"runs": views, "next_cursor": _cursor(page[-1]) if len(found) > count else None})
    else:
        say_table(table(_HEADING, map(_row, page)))
    return Exit.OK


@command("logs")
@click.argument("name", type=JOB_ID, metavar="RUN")
@click.option("-f", "--follow", is_flag=True, help="Print what comes until the run has ended.")
def logs(options: Options, *, name: str, follow: bool) -> int:
    """Print the output of a run.

    RUN is the id of a run, or of a job: then its latest run that was not skipped.
    """
    if follow and options.as_json:
        raise click.UsageError("--follow and --json exclude each other.")
    settings = options.settings()
    with current(settings) as store:
        run = _find(store, name)
        if follow:
            return _follow(store, run, settings.runner)
        log = _log(store, run, settings.runner)
    if options.as_json:
        say_json({"run": run_view(log.run).model_dump(mode="json"), "output": log.text})
    else:
        click.echo(log.text, nl=False)
    if log.note is not None:
        complain(log.note)
    return Exit.OK


def _follow(store: Store, run: Run, runner: RunnerSettings) -> int:
    if run.state in UNSETTLED and not live(runner.spool, run.id).exists():
        complain(f"{_why_nothing(run, runner.spool)}; waiting for it")
    for text in output_of(run, store, live(runner.spool, run.id)):
        click.echo(text, nl=False)
    ended = store.runs.get(run.id)
    complain(f"run {run.id} has ended: {ended.state}" + (f", {ended.reason}" if ended.reason else ""))
    return Exit.OK


def _cursor(run: Run) -> str:
    from schedsync.api.selecting import run_cursor  # noqa: PLC0415 - Flask is heavy, and a further page is rare

    return run_cursor(run)


@dataclass(frozen=True, slots=True)
class _Log:
    """The output of a run, and what a reader has to know about it."""

    run: Run
    text: str
    note: str | None = None


def _find(store: Store, name: str) -> Run:
    try:
        return store.runs.get(name)
    except RunNotFoundError:
        latest = store.runs.last_of([name]).get(name)
    if latest is None:
        known = store.jobs.load([name])
        raise SchedsyncError(f'the job "{name}" has not run yet' if known else f'no run or job has the id "{name}"')
    return latest


def _log(store: Store, run: Run, runner: RunnerSettings) -> _Log:
    if run.state is RunState.RUNNING:
        limits = OutputLimits(runner.max_output, keep_head=runner.max_output)  # all that there is
        so_far = spooled(live(runner.spool, run.id), limits)
        if so_far is not None:
            return _Log(run, log_text(so_far), f"run {run.id} is still running; this is its output so far")
        run = store.runs.get(run.id)  # it may just have ended
    kept = store.runs.output(run.id)
    return _Log(run, "", _why_nothing(run, runner.spool)) if kept is None else _Log(run, log_text(kept))


def _why_nothing(run: Run, spool: Path) -> str:
    match run.state:
        case RunState.QUEUED:
            return f"run {run.id} has not started yet"
        case RunState.RUNNING:
            return f"run {run.id} is running on {run.node}, and nothing of its output is in {spool}"
        case RunState.SKIPPED:
            return f"run {run.id} was skipped: {run.reason}"
        case _:
            return f"run {run.id} ({run.state}) has no output"


def _row(run: Run) -> tuple[str | None, ...]:
    exit_code = None if run.exit_code is None else str(run.exit_code)
    state = f"{run.state}, late" if run.is_late(utc_now()) else run.state.value
    reason = "; ".join(each for each in (run.reason, run.ask_reason) if each) or None
    return run.id, run.job_id, shown(run.scheduled_at), _cause(run), state, _duration(run), exit_code, reason


def _cause(run: Run) -> str:
    if run.asked_by is not None:
        return f"{run.cause} by {run.asked_by}"
    if run.upstream_job_id is not None:
        return f"{run.cause} {run.upstream_job_id} {run.upstream_state}"
    return run.cause


def _duration(run: Run) -> str | None:
    if run.started_at is None:
        return None
    return elapsed((run.finished_at or utc_now()) - run.started_at)
