"""``schedsync next``: when jobs fire."""

from datetime import datetime

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import JOB_ID, Options, command
from schedsync.cli.times import MOMENT


@command("next")
@click.argument("job_id", type=JOB_ID, metavar="[ID]", required=False)
@click.option(
    "-n", "count", type=click.IntRange(1, 10_000), default=10, show_default=True, help="How many of each job."
)
@click.option("--from", "since", type=MOMENT, metavar="T", help="The first instant to look at; default: now.")
def upcoming(options: Options, *, job_id: str | None, count: int, since: datetime | None) -> int:
    """Show when the jobs of the folder fire.

    The files are asked, not the database, so this is a preview of what is not applied yet. Only the phase of `every` is
    taken from the live jobs, if there are any. Pauses are not looked at.
    """
    from schedsync.cli import preview  # noqa: PLC0415 - it brings folder and store, which completing a word does not need

    preview.show(options, job_id, count, since)
    return Exit.OK
