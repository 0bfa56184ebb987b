"""The entry of the command line: the list of commands, and how failures and usage errors become exit codes.

A command's module is imported when the command is used, so that ``--help`` costs nothing and ``validate`` needs no
database.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from schedsync import __version__, logs
from schedsync.cli.exits import Exit
from schedsync.cli.options import Options, common
from schedsync.cli.output import complain
from schedsync.cli.painting import Paint
from schedsync.errors import SchedsyncError

COMMANDS = {
    "run": ("serve:run", "Run the service until it is told to stop."),
    "validate": ("validate:validate", "Check job files, without a database."),
    "lint": ("lint:lint", "Find what is valid in job files, and hardly meant."),
    "plan": ("plan:plan", "Show what applying the folder would change."),
    "apply": ("plan:apply", "Make the database equal the folder, once."),
    "status": ("status:status", "Show how the service is, or wait until a revision is live."),
    "jobs": ("jobs:jobs", "List the live jobs, or show one."),
    "runs": ("runs:runs", "List runs, newest first."),
    "logs": ("runs:logs", "Print the output of a run."),
    "queue": ("queue:queue", "List the runs that wait, and what for."),
    "next": ("upcoming:upcoming", "Show when the jobs of the folder fire."),
    "why": ("why:why", "Say whether a job fires at a moment, and which rule says so."),
    "explain": ("explain:explain", "Show the values of a job, and which file says each."),
    "pressure": ("pressure:pressure", "Show how many starts there are when."),
    "schema": ("schema:schema", "Print the JSON Schema of job files, for editors."),
    "pause": ("pausing:pause", "Pause a job, or all jobs."),
    "resume": ("pausing:resume", "Resume a job, or all jobs."),
    "trigger": ("triggering:trigger", "Run a job now."),
    "syncs": ("logs:syncs", "List the steps that changed something."),
    "audit": ("logs:audit", "List who paused, resumed, triggered or wrote what, and why."),
    "notify": ("notifying:notify", "Try a channel, or list what was told."),
    "token": ("tokens:token", "Make, list or revoke the tokens of the HTTP API."),
    "doctor": ("doctor:doctor", "Look at settings, folders and databases, and say what is wrong."),
    "completion": (
        "completion:completion",
        "Print the script that lets a shell complete commands, options and jobs.",
    ),
    "db": ("db:db", "Create, upgrade, print or check the tables."),
}
"""Name -> where the command is defined, and its first sentence."""


class _Commands(click.Group):
    """Shows commands by their sentences, in the order of the list, and imports the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which they are needed."""
        del ctx
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command itself in place of the one that stands for it in the help."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, stand_in and load(str(stand_in.name)), rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what people have to be told of is said while it is known whether that is in colour."""
        try:
            return super().invoke(ctx)
        except SchedsyncError as error:
            complain(str(error), Paint.BAD)
            return Exit.FAILURE


def load(name: str) -> click.Command:
    """Return the command of this name."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    command = getattr(import_module(f"schedsync.cli.{module}"), attribute)
    if not isinstance(command, click.Command):  # pragma: no cover - a slip in the table
        raise TypeError(f"{module}.{attribute} is no command")
    return command


@click.group(
    "schedsync",
    cls=_Commands,
    commands=[click.Command(name, help=sentence) for name, (_, sentence) in COMMANDS.items()],
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="schedsync", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> int:
    """Keep a schedule equal to a folder of job files, and tell what ran.

    Without a command: how things are, and what to do next. Exit codes: 0 ok, 1 failure, 2 changes pending (plan), 64
    wrong usage.
    """
    if ctx.invoked_subcommand is not None:
        return Exit.OK
    from schedsync.cli.summary import summarise  # noqa: PLC0415 - as each command's module, when it is used

    return summarise(Options(**ctx.ensure_object(dict)))


common(cli)


def main(args: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        args: what follows the program's name; None: as this process was called.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logs.configure("WARNING")
    try:
        code = cli.main(args, prog_name="schedsync", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return Exit.USAGE
    except click.Abort:
        return Exit.INTERRUPTED
    except OSError as error:
        said = ": ".join(str(part) for part in (error.filename, error.strerror or error) if part is not None)
        complain(said, Paint.BAD)
        return Exit.FAILURE
    return int(code)
