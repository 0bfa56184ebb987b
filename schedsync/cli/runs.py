"""``schedsync runs`` and ``schedsync logs``: what happened."""

from typing import TYPE_CHECKING, Any

import click

from schedsync.cli.exits import Exit
from schedsync.cli.lists import say_age, say_page
from schedsync.cli.options import JOB_ID, Options, command
from schedsync.cli.output import complain, say_json, say_printed, say_table
from schedsync.cli.painting import Line, words
from schedsync.cli.source import RunsWanted, Source, source
from schedsync.cli.tables import table
from schedsync.cli.times import PAST, elapsed, shown
from schedsync.clock import utc_now

if TYPE_CHECKING:
    from schedsync.status.views import RunView

_STATES = ("queued", "running", "succeeded", "failed", "timed_out", "cancelled", "lost", "skipped")
_CAUSES = ("schedule", "catchup", "retry", "manual", "after")
_HEADING = ("RUN", "JOB", "SCHEDULED", "CAUSE", "STATE", "DURATION", "EXIT", "REASON")


@command("runs", remote=True)
@click.argument("job_id", type=JOB_ID, metavar="[ID]", required=False)
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=20, show_default=True, help="The most to list.")
@click.option("--state", type=click.Choice(_STATES), metavar="STATE", help="Only those that stand or have ended so.")
@click.option("--cause", type=click.Choice(_CAUSES), help="Only those that exist for this.")
@click.option("--node", metavar="NAME", help="Only those that ran there.")
@click.option("--since", type=PAST, metavar="T", help="Only those scheduled then or later; 2h: two hours ago.")
@click.option("--until", type=PAST, metavar="T", help="Only those scheduled earlier.")
def runs(options: Options, *, job_id: str | None, count: int, **filters: Any) -> int:
    """List runs, newest first: of one job, which may be gone, or of all."""
    with source(options) as asked:
        page = asked.runs(job_id, RunsWanted(count, **{name: value or None for name, value in filters.items()}))
    if options.as_json:
        say_page(page)
    else:
        say_table(table(_HEADING, map(_row, page.runs)))
        say_age(page)
    return Exit.OK


@command("logs", remote=True)
@click.argument("name", type=JOB_ID, metavar="RUN")
@click.option("-f", "--follow", is_flag=True, help="Print what comes until the run has ended.")
def logs(options: Options, *, name: str, follow: bool) -> int:
    """Print the output of a run.

    RUN is the id of a run, or of a job: then its latest run that was not skipped.
    """
    if follow and options.as_json:
        raise click.UsageError("--follow and --json exclude each other.")
    with source(options) as asked:
        run = asked.find(name)
        if follow:
            return _follow(asked, run)
        log = asked.log(run)
    if options.as_json:
        say_json({"run": log.run.model_dump(mode="json"), "output": log.text})
    else:
        say_printed([log.text])
    if log.note is not None:
        complain(log.note)
    return Exit.OK


def _follow(asked: Source, run: "RunView") -> int:
    missing = asked.missing(run)
    if missing is not None:
        complain(f"{missing}; waiting for it")
    say_printed(asked.follow(run))
    ended = asked.run(run.id)
    complain(f"run {run.id} has ended: {ended.state}" + (f", {ended.reason}" if ended.reason else ""))
    return Exit.OK


def _row(run: "RunView") -> tuple[Line | None, ...]:
    exit_code = None if run.exit_code is None else str(run.exit_code)
    state = words(run.state, "late") if run.late else words(run.state)
    reason = "; ".join(each for each in (run.reason, run.ask_reason) if each) or None
    return run.id, run.job_id, shown(run.scheduled_at), _cause(run), state, duration(run), exit_code, reason


def _cause(run: "RunView") -> str:
    if run.asked_by is not None:
        return f"{run.cause} by {run.asked_by}"
    if run.upstream_job_id is not None:
        return f"{run.cause} {run.upstream_job_id} {run.upstream_state}"
    return run.cause


def duration(run: "RunView") -> str | None:
    """Return how long *run* took, or how long it has been running; None: it has not started."""
    if run.started_at is None:
        return None
    return elapsed((run.finished_at or utc_now()) - run.started_at)
