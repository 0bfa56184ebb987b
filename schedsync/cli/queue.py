"""``schedsync queue``: what waits, and what for."""

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import Options, command
from schedsync.cli.output import complain, say_json, say_table
from schedsync.cli.stores import current
from schedsync.cli.tables import table
from schedsync.cli.times import shown
from schedsync.clock import utc_now
from schedsync.status.knowledge import FromStore
from schedsync.status.queue import ROWS, QueuedRunView, WaitView, queue_in_rows, queue_view

_HEADING = ("RUN", "JOB", "SCHEDULED", "ATTEMPT", "SINCE", "WAITS FOR")


@command("queue")
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=100, show_default=True, help="The most to list.")
def queue(options: Options, *, count: int) -> int:
    """List the runs that wait, and what for, in the order in which they will start.

    This is what the database says: the leader's own order may differ, and how many places it has is not known here.
    """
    settings = options.settings()
    with current(settings) as store:
        told = queue_in_rows(FromStore(store), settings.group_places, utc_now())
    view = queue_view(told, told_by=ROWS, limit=count)
    if options.as_json:
        say_json(view.model_dump(mode="json"))
        return Exit.OK
    say_table(table(_HEADING, map(_row, view.queue)))
    if view.total > count:
        complain(f"{view.total} runs wait; -n shows more")
    return Exit.OK


def _row(run: QueuedRunView) -> tuple[str | None, ...]:
    return run.id, run.job_id, shown(run.scheduled_at), str(run.attempt), shown(run.since), _reason(run.waiting_for)


def _reason(wait: WaitView | None) -> str:
    if wait is None:
        return "not known: its job is gone, or its spec cannot be read"
    match wait.kind:
        case "capacity":
            return f"a place in {wait.pool}{_others(wait.before)}"
        case "delay":
            return f"its time, {shown(wait.until)}"
        case _:
            ends = ", ".join(f"{each.run_id} ({each.job_id})" for each in wait.behind)
            return f"{f'the end of {ends}' if ends else 'its turn'}{_others(wait.before)}"


def _others(before: int) -> str:
    return f", {before} before it" if before else ""
