"""A look at a database as a person asks for it: can it be reached, who are we there, what is there, what may we do."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from statistics import median

from sqlalchemy import Connection, literal_column, select

from schedsync.clock import from_micros, utc_now
from schedsync.errors import SchedsyncError, SchemaError
from schedsync.store import migrate
from schedsync.store.address import Address
from schedsync.store.database import Database
from schedsync.store.dialects.session import CREATE_TABLES, USE_TABLES, Session

ROUND_TRIPS = 5
PATIENCE = timedelta(seconds=20)
"""For one answer, where the settings give no bound."""
FAR = timedelta(seconds=5)
"""A difference of clocks that a person should hear of: slots go by this machine's clock, leases by the database's."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Whether the tables are there, and of this version."""

    current: bool
    says: str
    fatal: bool = False
    """Whether a person has to do something before the service can start."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found; what could not be asked is None."""

    tried: str
    """The user and the address, without passwords."""
    error: str | None = None
    """Why it cannot be used, with what it means and what to do."""
    session: Session | None = None
    round_trip: timedelta | None = None
    """The median of a few."""
    clock_ahead: timedelta | None = None
    """The database's clock less this machine's."""
    tables: Tables | None = None
    warnings: tuple[str, ...] = field(default=())


def examine(address: Address, *, for_tables: bool) -> Examination:
    """Look at a database; nothing is created or changed.

    Args:
        address: which.
        for_tables: whether the store's tables are to be there.

    Raises:
        SettingsError: the address cannot be used.
    """
    # What has no bound for a job, which has a time limit of its own, has one here.
    bounded = replace(address, call_timeout=address.call_timeout or PATIENCE, untouched=True)
    with _opened(bounded) as database:
        try:
            return _examine(database, for_tables=for_tables)
        except SchedsyncError as error:
            return Examination(database.shown, error=str(error))


@contextmanager
def _opened(address: Address) -> Iterator[Database]:
    database = Database.open(address)
    try:
        yield database
    finally:
        database.close()


def _examine(database: Database, *, for_tables: bool) -> Examination:
    if not database.exists:
        return _not_there(database, for_tables=for_tables)
    exposed = database.dialect.exposed(database.address) if for_tables else ()
    with database.read() as connection:
        session = database.dialect.session(connection)
        trip = timedelta(seconds=median(_seconds(lambda: _ask(connection, "1")) for _ in range(ROUND_TRIPS)))
        ahead = _clock_ahead(connection, database.dialect.now_micros)
    if not for_tables:
        session = replace(session, rights={what: may for what, may in session.rights.items() if what != USE_TABLES})
    tables = _tables(database, session) if for_tables else None
    warnings = (*session.warnings, *clock_warnings(ahead), *exposed)
    return Examination(database.shown, None, session, trip, ahead, tables, warnings)


def _not_there(database: Database, *, for_tables: bool) -> Examination:
    wrong = database.dialect.cannot_be_made(database.address) if for_tables else "there is no such file"
    if wrong is not None:
        return Examination(database.shown, error=f"{database.shown}: {wrong}")
    tables = Tables(current=False, says="there is no file yet; `schedsync run` creates it")
    return Examination(database.shown, tables=tables)


def _seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def _ask(connection: Connection, expression: str) -> int:
    return int(connection.execute(select(literal_column(expression))).scalar_one())


def _clock_ahead(connection: Connection, now_micros: str) -> timedelta:
    before = utc_now()
    there = from_micros(_ask(connection, now_micros))
    return there - (before + (utc_now() - before) / 2)


def clock_warnings(ahead: timedelta) -> tuple[str, ...]:
    """Return what to say when the database's clock is so much ahead of this machine's; negative: behind."""
    if abs(ahead) < FAR:
        return ()
    word = "ahead of" if ahead > timedelta() else "behind"
    return (f"the database's clock is {abs(ahead).total_seconds():.0f} s {word} this machine's; set both by NTP",)


def _tables(database: Database, session: Session) -> Tables:
    try:
        if migrate.is_new(database):
            return _no_tables(session)
        migrate.require_current(database)
    except SchemaError as error:
        return Tables(current=False, says=str(error), fatal=True)
    if session.rights.get(USE_TABLES) is False:
        says = f"are current, but {_who(session)} may not select, insert, update and delete there; let it be granted"
        return Tables(current=True, says=says, fatal=True)
    return Tables(current=True, says="are there and current")


def _no_tables(session: Session) -> Tables:
    if session.rights.get(CREATE_TABLES) is False:
        says = f"are missing, and {_who(session)} may not create them; let their owner run `schedsync apply` once"
        return Tables(current=False, says=says, fatal=True)
    return Tables(current=False, says="are not there yet; `schedsync run` or `schedsync apply` creates them")


def _who(session: Session) -> str:
    return session.user or "this user"
