"""``schedsync explain``: which file says each value of a job."""

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import JOB_ID, Options, command


@command("explain")
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option("--all", "everything", is_flag=True, help="Show also what is built in.")
def explain(options: Options, *, job_id: str, everything: bool) -> int:
    """Show the values of a job, and which file says each of them.

    The job is the one of the folder, as it is now: its own file, the `_defaults.yaml` of the folders above it, the
    settings, and what is built in.
    """
    from schedsync.cli import explaining  # noqa: PLC0415 - it brings the folder, which completing does not need

    explaining.show(options, job_id, everything=everything)
    return Exit.OK
