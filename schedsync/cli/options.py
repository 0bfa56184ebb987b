"""What every command is told: where settings, job files and the database are, or which service to ask, and how.

These options stand before or after the name of the command; after wins.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from schedsync.cli.elsewhere import Elsewhere, elsewhere
from schedsync.cli.painting import CHOICES, choose

if TYPE_CHECKING:  # reading settings takes longer than showing help
    from schedsync.settings import Settings

T = TypeVar("T", bound=click.Command)


@dataclass(frozen=True, slots=True)
class Options:
    """The options that every command has."""

    config: Path | None = None
    jobs: Path | None = None
    database: str | None = None
    as_json: bool = False
    server: str | None = None
    token: str | None = None
    token_file: Path | None = None

    def settings(self, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> "Settings":
        """Read the settings.

        Args:
            overrides: group -> field -> value, from the options of one command.

        Raises:
            SettingsError: they cannot be used.
        """
        from schedsync.settings import load  # noqa: PLC0415 - it takes longer than showing help

        return load(self.config, self.overrides | dict(overrides or {}))

    @property
    def remote(self) -> Elsewhere | None:
        """The service to ask in the place of this machine's database, if any.

        Raises:
            UsageError: the options contradict each other.
        """
        local = [f"--{name}" for name in ("config", "jobs", "database") if getattr(self, name) is not None]
        if self.server is not None and local:
            raise click.UsageError(f"--server asks a service, and {local[0]} is for this machine: leave one out.")
        return None if local else elsewhere(self.server, self.token, self.token_file)

    def stay_here(self, name: str) -> None:
        """Refuse what names another machine, for a command that works on this one.

        Raises:
            UsageError: something does.
        """
        if self.server or self.token or self.token_file:
            raise click.UsageError(
                f"{name} works with the files and the database of this machine, so it does not take --server,"
                " --token and --token-file; what does is: " + ", ".join(REMOTE) + "."
            )

    @property
    def overrides(self) -> dict[str, Mapping[str, Any]]:
        """What the options say about settings: group -> field -> value."""
        return {
            **({} if self.jobs is None else {"jobs": {"path": self.jobs}}),
            **({} if self.database is None else {"database": {"url": self.database, "dsn": None}}),
        }


class _JobId(click.ParamType[str]):
    """The id of a job, or of a run: what could not be one is refused before a database is asked."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return *value* if it may be an id."""
        from schedsync.specs.ids import check_id  # noqa: PLC0415 - it takes longer than showing help

        try:
            return check_id(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the ids of jobs that begin with *incomplete*."""
        from schedsync.cli.completing import job_ids  # noqa: PLC0415 - only a shell asks it

        del param
        return [CompletionItem(job_id) for job_id in job_ids(ctx.find_root().obj or {}, incomplete)]


JOB_ID = _JobId()


REMOTE = ("status", "jobs", "runs", "logs", "queue", "pause", "resume", "trigger", "syncs", "audit")
"""The commands that can ask a service elsewhere."""


def common(command: T, *, remote: bool = True) -> T:
    """Give *command* the options that every command has.

    Args:
        command: any.
        remote: whether its help shows the options that name a service; all commands take them, to say why they do not.
    """
    path = click.Path(path_type=Path)
    command.params += [
        _option("--config", type=path, metavar="FILE", help="Settings to read in place of schedsync.toml."),
        _option("--jobs", type=path, metavar="DIR", help="The folder of job files."),
        _option("--database", metavar="URL", help="Where state is kept, e.g. sqlite:///schedsync.db."),
        _option("--json", "as_json", is_flag=True, help="Answer in JSON."),
        _option(
            "--server", metavar="URL", hidden=not remote, help="Ask this service; or the variable SCHEDSYNC_SERVER."
        ),
        _option(
            "--token",
            metavar="TEXT",
            hidden=not remote,
            help="Its token; others on this machine see it, unlike SCHEDSYNC_TOKEN.",
        ),
        _option("--token-file", type=path, metavar="FILE", hidden=not remote, help="The file that holds the token."),
        click.Option(
            ["--color"],
            type=click.Choice(CHOICES),
            expose_value=False,
            callback=_colour,
            help="Whether to answer in colour; auto: on a terminal, unless NO_COLOR is set.",
        ),
    ]
    return command


def _option(*names: str, **attributes: Any) -> click.Option:
    return click.Option(names, expose_value=False, callback=_note, **attributes)


def command(name: str, *, remote: bool = False) -> Callable[[Callable[..., int]], click.Command]:
    """Make a command of a function that takes Options, then its own, and returns the exit code.

    Args:
        name: of the command.
        remote: whether it can ask a service elsewhere, too.
    """

    def decorate(function: Callable[..., int]) -> click.Command:
        @wraps(function)
        def call(**given: Any) -> int:
            context = click.get_current_context()
            options = Options(**context.obj)
            if not remote:
                options.stay_here(str(context.info_name))
            return function(options, **given)

        return common(click.command(name)(call), remote=remote)

    return decorate


def _colour(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        choose(ctx, value)


def _note(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    given = ctx.ensure_object(dict)
    if value:
        given[param.name] = value
