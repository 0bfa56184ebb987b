"""``schedsync queue``: what waits, and what for."""

from typing import TYPE_CHECKING

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import Options, command
from schedsync.cli.output import complain, say_json, say_table
from schedsync.cli.source import source
from schedsync.cli.tables import table
from schedsync.cli.times import shown

if TYPE_CHECKING:
    from schedsync.status.queue import QueuedRunView, WaitView

_HEADING = ("RUN", "JOB", "SCHEDULED", "ATTEMPT", "SINCE", "WAITS FOR")
_MORE, _NO_MORE = "-n shows more", "a service lists no more of them"


@command("queue", remote=True)
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=100, show_default=True, help="The most to list.")
def queue(options: Options, *, count: int) -> int:
    """List the runs that wait, and what for, in the order in which they will start.

    This is what the database says: the leader's own order may differ, and how many places it has is not known here.
    With --server it is what that instance knows, of which at most 500 runs.
    """
    with source(options) as asked:
        view = asked.queue(limit=count)
    if options.as_json:
        say_json(view.model_dump(mode="json"))
        return Exit.OK
    say_table(table(_HEADING, map(_row, view.queue)))
    if view.total > len(view.queue):
        complain(f"{view.total} runs wait; {_MORE if count == len(view.queue) else _NO_MORE}")
    return Exit.OK


def _row(run: "QueuedRunView") -> tuple[str | None, ...]:
    return run.id, run.job_id, shown(run.scheduled_at), str(run.attempt), shown(run.since), _reason(run.waiting_for)


def _reason(wait: "WaitView | None") -> str:
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
