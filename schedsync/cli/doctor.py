"""``schedsync doctor``: the settings in force, and what is wrong with folders and databases."""

from collections.abc import Callable, Iterable
from dataclasses import asdict

import click

from schedsync.cli.access import of_access
from schedsync.cli.exits import Exit
from schedsync.cli.findings import (
    Finding,
    Verdict,
    of_channels,
    of_connection,
    of_connections,
    of_jobs,
    of_limits,
    of_spool,
    of_store,
)
from schedsync.cli.options import Options, command
from schedsync.cli.output import say, say_json, say_table
from schedsync.cli.painting import Paint, painted, words
from schedsync.cli.tables import table
from schedsync.cli.windows import of_windows
from schedsync.settings import Settings, file_in_force
from schedsync.settings.origins import Origin, origins

Check = Callable[[Settings], Finding]


@command("doctor")
@click.option("--connection", metavar="NAME", help="Look at this one of [connections] in place of the store.")
@click.option("--connections", "every", is_flag=True, help="Look at all of [connections], too.")
def doctor(options: Options, *, connection: str | None, every: bool) -> int:
    """Look at settings, folders and databases, and say what is wrong.

    Nothing is created or changed, and no password is shown. Exit code: 0 all is well or only warned of, 1 something is
    wrong.
    """
    settings = options.settings()
    given = origins(settings, file_in_force(options.config), options.overrides)
    names = _names(settings, connection, every=every)
    checks: list[Check] = [of_jobs, of_spool, of_limits]
    if connection is None:
        checks += [of_access, of_channels, of_connections, of_windows, of_store]
    findings = [*(check(settings) for check in checks), *(of_connection(settings, name) for name in names)]
    _say_all(given, findings, as_json=options.as_json)
    return Exit.FAILURE if any(found.verdict is Verdict.WRONG for found in findings) else Exit.OK


def _names(settings: Settings, connection: str | None, *, every: bool) -> list[str]:
    if connection is not None and every:
        raise click.UsageError("--connection and --connections exclude each other.")
    if connection is not None and connection not in settings.connections:
        known = ", ".join(settings.connections) or "none"
        raise click.UsageError(f'the settings have no connection "{connection}"; they have {known}.')
    return list(settings.connections) if every else [] if connection is None else [connection]


def _say_all(given: Iterable[Origin], findings: Iterable[Finding], *, as_json: bool) -> None:
    if as_json:
        say_json({"settings": [asdict(one) for one in given], "checks": [asdict(found) for found in findings]})
        return
    rows = [(one.name, _written(one), one.origin) for one in given if one.value is not None]
    say_table(table(("SETTING", "VALUE", "FROM"), rows))
    for found in findings:
        head = words(found.verdict) + ": " + painted(found.subject, Paint.STRONG)
        say(["", head, *(f"  {line}" for line in found.says)])


def _written(one: Origin) -> str:
    if isinstance(one.value, bool):
        return str(one.value).lower()
    return str(one.value).replace("\r", "\\r").replace("\n", "\\n")  # as TOML writes it, in one cell of the table
