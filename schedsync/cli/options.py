"""What every command is told: where settings, job files and the database are, and whether to answer in JSON.

These options stand before or after the name of the command; after wins.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

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


JOB_ID = _JobId()


def common(command: T) -> T:
    """Give *command* the options that every command has."""
    path = click.Path(path_type=Path)
    command.params += [
        _option("--config", type=path, metavar="FILE", help="Settings to read in place of schedsync.toml."),
        _option("--jobs", type=path, metavar="DIR", help="The folder of job files."),
        _option("--database", metavar="URL", help="Where state is kept, e.g. sqlite:///schedsync.db."),
        _option("--json", "as_json", is_flag=True, help="Answer in JSON."),
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


def command(name: str) -> Callable[[Callable[..., int]], click.Command]:
    """Make a command of a function that takes Options, then its own, and returns the exit code."""

    def decorate(function: Callable[..., int]) -> click.Command:
        @wraps(function)
        def call(**given: Any) -> int:
            return function(Options(**click.get_current_context().obj), **given)

        return common(click.command(name)(call))

    return decorate


def _colour(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        choose(ctx, value)


def _note(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    given = ctx.ensure_object(dict)
    if value:
        given[param.name] = value
