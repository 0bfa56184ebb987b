"""``schedsync trigger``: a run out of turn."""

import time
from typing import TYPE_CHECKING

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import JOB_ID, Options, command
from schedsync.cli.output import complain, say, say_json
from schedsync.cli.source import Source, source

if TYPE_CHECKING:
    from schedsync.status.views import RunView

BETWEEN = 0.5
"""Seconds between two looks at a run that is waited for."""
SOON = 1.0
"""Seconds after which who waits is told that the run does, too."""
PATIENCE = 15.0
"""Seconds after which a run that still waits is wondered at: an instance that leads looks more often than that."""


@command("trigger", remote=True)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option("--reason", metavar="TEXT", help="Why, for others.")
@click.option("--wait", is_flag=True, help="Wait until it has ended, its further attempts included.")
def trigger(options: Options, *, job_id: str, reason: str | None, wait: bool) -> int:
    """Run a job now, also one that is paused, suspended or finished.

    The instance that leads starts it within seconds; until there is one, the run waits. With --wait the exit code is 1
    when it does not succeed.
    """
    with source(options) as told:
        asked = told.trigger(job_id, reason=reason)
        run = _ended(told, asked) if wait else asked
    if options.as_json:
        say_json(run.model_dump(mode="json"))
    else:
        say([_sentence(run)])
    return Exit.OK if run.state in {"queued", "succeeded"} else Exit.FAILURE


def _ended(told: Source, asked: "RunView") -> "RunView":
    """Return the last attempt when it has ended. A further one is written together with the end of the one before."""
    began = time.monotonic()
    news = [
        (SOON, _sentence(asked)),
        (PATIENCE, f"run {asked.id} still waits: for runs before it or for a place, or no instance leads"),
    ]
    while (last := told.last_attempt(asked)).state in {"queued", "running"}:
        waits = last.id == asked.id and last.state == "queued"
        if waits and news and time.monotonic() - began > news[0][0]:
            complain(news.pop(0)[1])
        time.sleep(BETWEEN)
    return last


def _sentence(run: "RunView") -> str:
    reason = "" if run.reason is None else f": {run.reason}"
    return f"run {run.id} of {run.job_id} is {run.state}{reason}"
