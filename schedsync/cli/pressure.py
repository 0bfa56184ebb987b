"""``schedsync pressure``: how many starts there are in each hour of a day, and the minutes that have the most."""

from datetime import date
from zoneinfo import ZoneInfo

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import Options, command
from schedsync.cli.spans import DAY
from schedsync.cli.zones import ZONE


@command("pressure")
@click.option("--day", type=DAY, metavar="DAY", help="This day by --tz, like 2027-01-31; default: the next 24 hours.")
@click.option(
    "--tz", "zone", type=ZONE, metavar="ZONE", help="Show times in this IANA zone, or in local; default: UTC."
)
@click.option(
    "--by",
    type=click.Choice(["hour", "minute"]),
    default="hour",
    show_default=True,
    help="How long a bar is; minutes without starts are left out.",
)
@click.option(
    "-n", "most", type=click.IntRange(0, 1_440), default=5, show_default=True, help="How many of the worst minutes."
)
def pressure(options: Options, *, day: date | None, zone: ZoneInfo | None, by: str, most: int) -> int:
    """Show how many starts there are when, and in which minutes there are the most.

    The files are asked, not the database, as `schedsync next` does. Suspended jobs start nothing, and what a blackout
    skips is no start.
    """
    from schedsync.cli import histogram  # noqa: PLC0415 - it brings folder and store, which completing does not need

    histogram.show(options, histogram.Asked(day, zone or ZoneInfo("UTC"), by, most))
    return Exit.OK
