"""Time zones on the command line: IANA names, and ``local`` for that of this machine."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from click.shell_completion import CompletionItem

LOCAL = "local"
_DATABASE = "/zoneinfo/"
_LOCALTIME, _TIMEZONE = Path("/etc/localtime"), Path("/etc/timezone")


class _Zone(click.ParamType[ZoneInfo]):
    """A time zone, or that of this machine."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> ZoneInfo:
        """Return the zone that *value* names."""
        if isinstance(value, ZoneInfo):
            return value
        from schedsync.specs.zones import check_zone  # noqa: PLC0415 - reads the list of zones, which few commands need

        try:
            return ZoneInfo(local_name(os.environ) if value.lower() == LOCAL else check_zone(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the zones that begin with *incomplete*, in upper or lower case."""
        from schedsync.specs.zones import known_zones  # noqa: PLC0415 - only a shell asks it

        del ctx, param
        names = (LOCAL, *sorted(known_zones()))
        return [CompletionItem(name) for name in names if name.lower().startswith(incomplete.lower())]


ZONE = _Zone()


def local_name(environ: Mapping[str, str], *, link: Path = _LOCALTIME, file: Path = _TIMEZONE) -> str:
    """Return the IANA name of the zone that this machine is in; UTC where nothing says one, as the C library has it.

    Args:
        environ: the variables; TZ wins.
        link: what the machine's zone is a link to.
        file: where Debian writes its name.

    Raises:
        ValueError: what says it is not a name.
    """
    from schedsync.specs.zones import check_zone  # noqa: PLC0415 - as above

    if variable := environ.get("TZ"):
        try:
            return check_zone(_in_database(variable.removeprefix(":")))
        except ValueError as error:
            raise ValueError(f"the variable TZ names no zone: {error}") from None
    if not link.exists():
        return "UTC"
    named = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
    for name in (_in_database(os.path.realpath(link)), named):
        try:
            return check_zone(name)
        except ValueError:
            continue
    raise ValueError(f'nothing says what the zone in {link} is called; write its IANA name, such as "Europe/Berlin"')


def _in_database(path: str) -> str:
    """Return the name that *path* has below the folder of zones, whichever copy of them that is."""
    name = path.rpartition(_DATABASE)[2] if _DATABASE in path else path
    return name.removeprefix("posix/").removeprefix("right/")
