"""``schedsync why``: whether a job fires at a moment, and which rule says so."""

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import JOB_ID, Options, command


@command("why")
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option(
    "--at",
    metavar="T",
    help='The minute, or the second, that is asked about; "2026-12-24T06:00" is by the clock of the schedule.'
    " Default: now.",
)
def why(options: Options, *, job_id: str, at: str | None) -> int:
    """Say whether a job fires at a moment, and which rule says so.

    The schedule is that of the job's file; of the live jobs come pauses, the phase of `every`, and the runs of that
    moment, if there are any.
    """
    from schedsync.cli import answering_why  # noqa: PLC0415 - it brings folder and store, which completing does not need

    answering_why.show(options, job_id, at)
    return Exit.OK
