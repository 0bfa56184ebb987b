"""Connections to Oracle: making and ending them may hang, and must not hang us."""

import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from schedsync.errors import SettingsError
from schedsync.store.address import Address
from schedsync.store.dialects import oracle_errors

if TYPE_CHECKING:
    import oracledb

ADDRESSES = 3
"""How many addresses of a descriptor, or of a host's name, may drop what they are sent before the time for the logon is
over: each has such a part of it, unless the descriptor says TRANSPORT_CONNECT_TIMEOUT."""
MODULE = "schedsync"
"""What V$SESSION.MODULE says; ACTION is the thread, CLIENT_IDENTIFIER the node."""
KEEPALIVE = 1
"""Minutes between two probes of an idle connection."""
CLOSE_SECONDS = 2.0
"""How long somebody who closes a connection waits for the database's goodbye."""
SILENCE_SECONDS = 10.0
"""For so long after that was in vain nobody waits again: a whole pool is closed in the time of one connection."""


def arguments(address: Address) -> dict[str, Any]:
    """Return what the driver is told besides what the URL says."""
    client = address.oracle
    given: dict[str, Any] = {
        "dsn": address.dsn,
        "config_dir": client.config_dir,
        "wallet_location": client.wallet_dir,
        "wallet_password": client.wallet_password,
        "externalauth": True if client.external_auth else None,
    }
    return {
        "tcp_connect_timeout": address.connect_timeout.total_seconds() / ADDRESSES,
        "expire_time": KEEPALIVE,
        "program": MODULE,
        **{name: value for name, value in given.items() if value is not None},
    }


def choose_mode(address: Address) -> None:
    """Decide for the whole process between the driver's own code and Oracle's client libraries.

    Until the first connection of a process has succeeded the driver does not know which it will be, and lets everybody
    wait for that one; so it is said at once.

    Raises:
        SettingsError: the driver or the libraries are missing, or the process has decided otherwise.
    """
    try:
        import oracledb  # noqa: PLC0415 - an optional dependency
    except ImportError as error:
        raise SettingsError(
            f"the driver for oracle is missing ({error}); install it with `pip install oracledb`"
        ) from None
    client = address.oracle
    try:
        if client.thick:
            oracledb.init_oracle_client(lib_dir=client.library_dir, config_dir=client.config_dir)
        else:
            oracledb.enable_thin_mode()  # type: ignore[no-untyped-call] # the driver leaves it without types
    except oracledb.Error as error:
        raise SettingsError(f"Oracle's driver cannot be used as the settings say: {_in_words(error)}") from None


def _in_words(error: BaseException) -> str:
    explanation = oracle_errors.explain(error)
    return str(error).partition("\n")[0] if explanation is None else explanation.sentence


def connect(given: dict[str, Any], address: Address) -> "oracledb.Connection":
    """Connect within ``address.connect_timeout``, whatever the listener does.

    A listener that accepts and stays silent blocks the driver without end, so a thread does it that may be left alone.

    Raises:
        oracledb.OperationalError: it took too long.
        oracledb.Error: as the driver says.
    """
    import oracledb  # noqa: PLC0415 - an optional dependency

    limit = address.connect_timeout.total_seconds()
    made: list[oracledb.Connection] = []
    failed: list[BaseException] = []
    turn, abandoned = threading.Lock(), threading.Event()

    def attempt() -> None:
        try:
            connection = oracledb.connect(**given)
        except BaseException as error:
            failed.append(error)
            return
        with turn:
            if not abandoned.is_set():
                made.append(connection)
                return
        connection.close()  # nobody waits for it any more

    thread = threading.Thread(target=attempt, name="schedsync-connect", daemon=True)
    thread.start()
    thread.join(limit)
    with turn:
        if not made and not failed:
            abandoned.set()
            raise oracledb.OperationalError(f"DPY-6005: no connection within {limit:g} s") from TimeoutError()
    if failed:
        raise _as_drivers(failed[0])
    return _introduced(made[0], address)


def _as_drivers(error: BaseException) -> BaseException:
    """Return *error* as one of the driver's: it lets those of the name service through as they are."""
    import oracledb  # noqa: PLC0415 - an optional dependency

    if not isinstance(error, OSError):
        return error
    wrapped = oracledb.OperationalError(f"DPY-6005: {error}")
    wrapped.__cause__ = error
    return wrapped


def _introduced(connection: "oracledb.Connection", address: Address) -> "oracledb.Connection":
    """Say who we are, which is sent along with the first statement, and how we compare."""
    connection.call_timeout = address.call_timeout // timedelta(milliseconds=1)
    connection.module, connection.client_identifier = MODULE, address.client_name.encode()[:64].decode(errors="ignore")
    if address.schema is not None:
        connection.current_schema = address.schema.upper()
    with connection.cursor() as cursor:
        # Pages go on behind an id: that order must not depend on the language of the server or of the client.
        cursor.execute("ALTER SESSION SET NLS_SORT = BINARY NLS_COMP = BINARY")
    return connection


def patient_connection() -> "type[oracledb.Connection]":
    """Return a kind of connection for one engine."""
    import oracledb  # noqa: PLC0415 - an optional dependency

    class PatientConnection(oracledb.Connection):
        """A connection that commits once and whose goodbye keeps nobody waiting."""

        def commit(self) -> None:
            """Commit, unless the last statement of the transaction has done so on its way (``schedsync_last``)."""
            if not self.autocommit:
                super().commit()

        silent_since: ClassVar[float] = -SILENCE_SECONDS
        """When a connection of this engine last waited for the server's goodbye in vain."""

        def close(self) -> None:
            """Close, and wait for it no longer than CLOSE_SECONDS; not at all, when another has just waited in vain."""
            if sys.is_finalizing():  # no thread starts any more, and the system closes what is open
                return
            kind = type(self)
            patience = 0.0 if time.monotonic() - kind.silent_since < SILENCE_SECONDS else CLOSE_SECONDS
            call: Callable[[], None] = super().close
            failed: list[BaseException] = []

            def attempt() -> None:
                try:
                    call()
                except BaseException as error:
                    failed.append(error)

            thread = threading.Thread(target=attempt, name="schedsync-close", daemon=True)
            thread.start()
            thread.join(patience)
            if patience and thread.is_alive():
                kind.silent_since = time.monotonic()
            if failed:
                raise failed[0]

    return PatientConnection
