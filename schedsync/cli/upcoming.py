"""``schedsync next``: when jobs fire."""

from datetime import datetime
from zoneinfo import ZoneInfo

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import JOB_ID, Options, command
from schedsync.cli.spans import EDGE, Edge
from schedsync.cli.times import SLOT
from schedsync.cli.zones import ZONE

FEW = 10
MOST_LINES, MOST_SLOTS = 1_000, 10_000


@command("next")
@click.argument("job_id", type=JOB_ID, metavar="[ID]", required=False)
@click.option(
    "-n",
    "count",
    type=click.IntRange(1, 100_000),
    help=f"How many of each job; default: {FEW}. With --all or --between: how many lines; default: {MOST_LINES:,}, and"
    f" {MOST_SLOTS:,} slots in JSON.",
)
@click.option("--from", "since", type=SLOT, metavar="T", help="The first instant to look at; default: now.")
@click.option("--tz", "zone", type=ZONE, metavar="ZONE", help="Show times in this IANA zone, or in local.")
@click.option("--all", "everything", is_flag=True, help="All jobs in one list by time; the next 24 hours.")
@click.option(
    "--between",
    type=EDGE,
    nargs=2,
    metavar="A B",
    help="The same for a span: times of the day by --tz (22:00 06:00), days, times, or durations from now.",
)
@click.option(
    "--often",
    type=click.IntRange(0),
    default=12,
    show_default=True,
    metavar="N",
    help="In such a list a job that fires more often is one line.",
)
def upcoming(  # noqa: PLR0913 - one for each option
    options: Options,
    *,
    job_id: str | None,
    count: int | None,
    since: datetime | None,
    zone: ZoneInfo | None,
    everything: bool,
    between: tuple[Edge, Edge] | None,
    often: int,
) -> int:
    """Show when the jobs of the folder fire.

    The files are asked, not the database, so this is a preview of what is not applied yet. Only the phase of `every` is
    taken from the live jobs, if there are any. A blackout that skips a slot is named. Pauses are not looked at.
    """
    if everything and job_id is not None:
        raise click.UsageError("--all is for all jobs: leave it out, or the id.")
    if since is not None and between is not None:
        raise click.UsageError("--between says where to begin: leave out --from.")
    # Both bring folder and store, which completing a word does not need.
    if everything or between is not None:
        from schedsync.cli import timeline  # noqa: PLC0415

        most = count or (MOST_SLOTS if options.as_json else MOST_LINES)
        timeline.show(options, job_id, timeline.Asked(since, between, zone, most, often))
    else:
        from schedsync.cli import preview  # noqa: PLC0415

        preview.show(options, job_id, count or FEW, since, zone)
    return Exit.OK
