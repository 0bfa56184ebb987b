"""``schedsync db``: the schema, for whoever looks after the database."""

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import Options, command, common
from schedsync.cli.output import complain, say, say_json
from schedsync.cli.stores import opened
from schedsync.store import ddl as scripts
from schedsync.store.address import Address
from schedsync.store.checking import Checked, check
from schedsync.store.dialects import DIALECTS, dialect_named, dialect_of
from schedsync.store.dialects.base import DatabaseDialect
from schedsync.store.versions import NEWEST, VERSIONS


@click.group("db")
def db() -> None:
    """Create, upgrade, print or check the tables.

    `run` and `apply` create and upgrade them by themselves where they may.
    """


common(db, remote=False)


@db.add_command
@command("upgrade")
def upgrade(options: Options) -> int:
    """Create the tables, or bring them to this version.

    Where an upgrade was broken off it goes on: what is there is kept, what is missing is made.
    """
    with opened(options.settings()) as store:
        changed = store.upgrade()
        if options.as_json:
            say_json({"version": NEWEST, "changed": changed})
        else:
            say([f"{store.database.shown}: version {NEWEST}{'' if changed else ', there was nothing to do'}"])
    return Exit.OK


@db.add_command
@command("ddl")
@click.option("--dialect", type=click.Choice(list(DIALECTS)), help="Which database; default: the one of the settings.")
@click.option("--from", "since", type=click.Choice(VERSIONS[:-1]), help="Only what follows this version.")
@click.option("--partitioned", is_flag=True, help="Oracle: keep runs in partitions of 30 days each.")
@click.option("--grants", "user", metavar="USER", help="Print what lets USER work with the tables, in place of them.")
@click.option("--read-only", is_flag=True, help="With --grants: only what lets USER read.")
def ddl(
    options: Options, *, dialect: str | None, since: str | None, partitioned: bool, user: str | None, read_only: bool
) -> int:
    """Print the statements that create the tables; no database is needed.

    Schema and tablespaces are those of the settings. For Oracle it is a script for SQL*Plus.
    """
    if read_only and user is None:
        raise click.UsageError("--read-only goes with --grants.")
    if user is not None and (since or partitioned):
        raise click.UsageError("--grants goes without --from and --partitioned.")
    address = options.settings().database.place
    which = dialect_of(address) if dialect is None else dialect_named(dialect)
    if user is None:
        statements = scripts.statements(which, address, since=since, partitioned=partitioned)
        lines = list(scripts.script(which, address, statements))
    else:
        statements = scripts.grants_statements(which, address, user, read_only=read_only)
        lines = [f"{statement};" for statement in statements]
    _print(options, which, address, statements, lines)
    return Exit.OK


def _print(
    options: Options, dialect: DatabaseDialect, address: Address, statements: list[str], lines: list[str]
) -> None:
    if options.as_json:
        say_json({"dialect": dialect.name, "schema": address.schema, "version": NEWEST, "statements": statements})
    else:
        say(line for text in lines for line in text.splitlines())


@db.add_command
@command("check")
@click.option("--read-only", is_flag=True, help="The user of the settings is only to read.")
def check_schema(options: Options, *, read_only: bool) -> int:
    """Say what is missing or different in the tables, and which rights the user lacks.

    Nothing is changed. The exit code is 1 when something is.
    """
    with opened(options.settings()) as store:
        checked = check(store.database, read_only=read_only)
        if options.as_json:
            say_json(_as_json(checked, store.database.shown))
        else:
            _say(checked, store.database.shown)
    return Exit.FAILURE if checked.differences else Exit.OK


def _as_json(checked: Checked, shown: str) -> dict[str, object]:
    return {
        "database": shown,
        "version": {"found": checked.version, "needed": NEWEST},
        "rights_known": checked.rights_known,
        "differences": [{"object": each.object, "message": each.message} for each in checked.differences],
    }


def _say(checked: Checked, shown: str) -> None:
    say(f"{each.object}: {each.message}" for each in checked.differences)
    if not checked.differences:
        say([f"{shown}: version {NEWEST}, nothing is missing"])
    if not checked.rights_known:
        complain("the database does not tell which rights the user has; they were not checked")
