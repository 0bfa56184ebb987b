"""``schedsync schema``: what editors check and complete job files with."""

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import Options, command

KINDS = ("job", "defaults", "calendar")


@command("schema")
@click.argument("kind", type=click.Choice(KINDS), default="job", metavar="[KIND]")
def schema(options: Options, *, kind: str) -> int:
    """Print the JSON Schema of job files, for editors.

    KIND is job, defaults or calendar: the schema of that kind of file. Default: job.

    It knows less than `schedsync validate`, which also reads expressions, defaults and calendars.
    """
    from schedsync.cli.output import say_json  # noqa: PLC0415 - with what follows: completing does not need it
    from schedsync.cli.schemas import schema_of  # noqa: PLC0415

    del options
    say_json(schema_of(kind))
    return Exit.OK
