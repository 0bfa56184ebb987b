"""What the errors mean that keep one from working with an Oracle Database: code, meaning, next step.

ORA numbers are the database's and its listener's, DPY python-oracledb's own, DPI those of Oracle's client libraries.
The driver in thin mode says "Similar to ORA-12514" in a line below its own DPY-6005.
"""

import errno
import re
import socket
import ssl
from collections.abc import Sequence

from schedsync.store.dialects.explanation import Advice, Explanation, causes, lines

_CODE = re.compile(r"\b(ORA|DPY|DPI)-0*(\d{1,5})\b")

_SERVICE: Advice = (
    "the listener answers, but it knows no such service",
    "compare the service name with `lsnrctl services` on the server; a pluggable database has one of its own",
)
_SID: Advice = (
    "the listener answers, but it knows no such SID",
    "name the service in place of the SID: host:1521/service",
)
_NOBODY_LISTENS: Advice = (
    "no listener at that host and port",
    "check both, and with `lsnrctl status` on the server that the listener runs",
)
_SILENT: Advice = (
    "nobody answered in time",
    "check host, port and firewalls, and whether the listener hangs; connect_timeout says how long is waited",
)
_CLOSED: Advice = (
    "the other side ended the connection",
    "check that an Oracle listener is at that port, that tcps is said where it wants TLS, and the server's alert log",
)
_LOST: Advice = (
    "the database or the network ended a connection that was in use",
    "schedsync connects again by itself; when it happens often, look at the server's alert log, limits and firewalls",
)
_STARTING: Advice = (
    "the instance is being started or stopped, or is not open",
    "wait, or let the DBA open it; schedsync tries again by itself",
)
_FULL: Advice = (
    "the server takes no more sessions or processes",
    "end idle ones, raise the parameters processes and sessions, or lower pool_size",
)
_NO_ALIAS_FILE: Advice = (
    "an alias was given, and there is no tnsnames.ora to look it up in",
    "set config_dir to its folder, or write host:port/service",
)
_NOT_PARSED: Advice = (
    "the connect string cannot be read",
    "write host:port/service, an alias of tnsnames.ora, or a full (DESCRIPTION=...)",
)
_NO_WALLET: Advice = (
    "the wallet is missing or cannot be read",
    "set wallet_dir to the folder of ewallet.pem (cwallet.sso with thick), readable for this user",
)
_NO_SPACE: Advice = (
    "the user has no room in the tablespace",
    "let the DBA run: ALTER USER name QUOTA 500M ON tablespace",
)
_ENCRYPTION: Advice = (
    "the server wants native network encryption or checksums, which the thin driver does not have",
    "set thick = true and install Oracle's client libraries, or use TLS: tcps://",
)
_CERTIFICATE: Advice = (
    "the server's certificate is not the one that was expected",
    "check the host name, and ssl_server_cert_dn in the connect string",
)

ADVICE: dict[str, Advice] = {
    "ORA-00018": _FULL,
    "ORA-00020": _FULL,
    "ORA-00028": ("the session was killed there", _LOST[1]),
    "ORA-00257": ("the archive destination is full, so nothing can be written", "let the DBA free space for archives"),
    "ORA-01017": (
        "user or password is wrong",
        "check user, password and their file or variable; a few more attempts may lock the account",
    ),
    "ORA-00959": ("there is no such tablespace", "check the tablespaces that the settings name under [database]"),
    "ORA-01031": (
        "the user has no right to do this",
        "let the DBA grant CREATE TABLE and CREATE VIEW to the owner of the tables, or create them as the owner once",
    ),
    "ORA-01033": _STARTING,
    "ORA-01034": _STARTING,
    "ORA-01035": (
        "the database is in restricted mode, for administrators only",
        "wait, or let the DBA run: ALTER SYSTEM DISABLE RESTRICTED SESSION",
    ),
    "ORA-01045": ("the user may not log on", "let the DBA run: GRANT CREATE SESSION TO name"),
    "ORA-01089": _STARTING,
    "ORA-01109": _STARTING,
    "ORA-01435": ("there is no such schema", "check database.schema; it is the owner of the tables"),
    "ORA-01536": _NO_SPACE,
    "ORA-01653": ("the tablespace is full", "let the DBA extend it"),
    "ORA-01950": _NO_SPACE,
    "ORA-02391": (
        "the user's profile allows no more sessions",
        "let the DBA raise SESSIONS_PER_USER, or lower pool_size",
    ),
    "ORA-02396": ("the user's profile ended a session that was idle", _LOST[1]),
    "ORA-03113": _LOST,
    "ORA-03114": _LOST,
    "ORA-03135": _LOST,
    "ORA-12154": ("the alias cannot be resolved", _NO_ALIAS_FILE[1]),
    "ORA-12170": _SILENT,
    "ORA-12505": _SID,
    "ORA-12514": _SERVICE,
    "ORA-12516": _FULL,
    "ORA-12518": _FULL,
    "ORA-12519": _FULL,
    "ORA-12520": _FULL,
    "ORA-12526": ("all instances of the service are in restricted mode", "wait, or let the DBA end it"),
    "ORA-12528": _STARTING,
    "ORA-12537": _CLOSED,
    "ORA-12541": _NOBODY_LISTENS,
    "ORA-12545": ("the host is not known", "check its name in the connect string, and the name service"),
    "ORA-12547": _CLOSED,
    "ORA-12660": _ENCRYPTION,
    "ORA-28000": ("the account is locked", "let the DBA run: ALTER USER name ACCOUNT UNLOCK, after the cause is found"),
    "ORA-28001": ("the password has expired", "set a new one: ALTER USER name IDENTIFIED BY ..., and tell schedsync"),
    "ORA-28002": ("the password will expire soon", "set a new one before that, and tell schedsync"),
    "ORA-28040": (
        "the server and this driver have no logon method in common",
        "let the DBA look at SQLNET.ALLOWED_LOGON_VERSION_SERVER, and use Oracle Database 12.1 or later",
    ),
    "ORA-28759": _NO_WALLET,
    "DPI-1047": (
        "thick is set, and Oracle's client libraries are not found",
        "install Instant Client and set library_dir or LD_LIBRARY_PATH, or leave thick out",
    ),
    "DPY-2018": _NO_WALLET,
    "DPY-2019": (
        "a process connects either with Oracle's client libraries or without them",
        "set thick for all connections, or for none",
    ),
    "DPY-3001": (
        "the driver without Oracle's client libraries cannot do this",
        "give user and password, or set thick = true",
    ),
    "DPY-3010": (
        "the server is older than 12.1, which the thin driver cannot talk to",
        "schedsync needs Oracle Database 19c or later",
    ),
    "DPY-3015": (
        "the account has an old kind of password only, which the thin driver cannot use",
        "let the user set the password again, with SQLNET.ALLOWED_LOGON_VERSION_SERVER at 12 or above",
    ),
    "DPY-4000": ("tnsnames.ora has no such alias", "check dsn, and that config_dir is the right folder"),
    "DPY-4001": ("no user or no password was given", "set user and password_file"),
    "DPY-4011": _LOST,
    "DPY-4017": _NOT_PARSED,
    "DPY-4018": _NOT_PARSED,
    "DPY-4021": _NOT_PARSED,
    "DPY-4024": (
        "the database did not answer within call_timeout",
        "look for locks and load there, or raise call_timeout",
    ),
    "DPY-4026": _NO_ALIAS_FILE,
    "DPY-4027": _NO_ALIAS_FILE,
    "DPY-6000": ("the listener refused the connection", "look at the listener's log on the server"),
    "DPY-6001": _SERVICE,
    "DPY-6002": _CERTIFICATE,
    "DPY-6003": _SID,
    "DPY-6006": _CERTIFICATE,
}
_NO_ROUTE: Advice = ("the network does not lead there", "check host, port, routes and firewalls")
_CONNECTING = "DPY-6005"
"""How the driver begins when it says why it could not connect."""
_WHILE_CONNECTING: dict[str, Advice] = {"DPY-4011": _CLOSED}
_SYSTEM: tuple[tuple[type[OSError], Advice], ...] = (
    (socket.gaierror, ADVICE["ORA-12545"]),
    (ssl.SSLError, ("TLS could not be agreed on", "check the wallet, the certificates, and that the port speaks TLS")),
    (ConnectionRefusedError, _NOBODY_LISTENS),
    (TimeoutError, _SILENT),
    (ConnectionError, _CLOSED),
)


def explain(error: BaseException) -> Explanation | None:
    """Return what *error* means: the innermost code that is known here, else what the operating system said."""
    return by_code(lines(error)) or _of_the_system(error)


def by_code(said: Sequence[str]) -> Explanation | None:
    """Return the explanation of the last code in these lines that is known here."""
    for line in reversed(said):
        for kind, number in reversed(_CODE.findall(line)):
            code = f"{kind}-{int(number):0{5 if kind == 'ORA' else 4}d}"
            if code in ADVICE:
                other = _WHILE_CONNECTING if said[0].startswith(_CONNECTING) else {}
                return Explanation(code, line, *other.get(code, ADVICE[code]))
    return None


def _of_the_system(error: BaseException) -> Explanation | None:
    for cause in causes(error):
        advice = _advice_of_the_system(cause)
        if advice is not None:
            outer = re.match(r"DPY-\d+", str(error))
            code, said = outer.group() if outer else type(cause).__name__, lines(error)[-1]
            return Explanation(code, said if said.startswith(code) else f"{code}: {said}", *advice)
    return None


def _advice_of_the_system(error: BaseException) -> Advice | None:
    if isinstance(error, OSError) and error.errno in {errno.EHOSTUNREACH, errno.ENETUNREACH}:
        return _NO_ROUTE
    return next((advice for kind, advice in _SYSTEM if isinstance(error, kind)), None)
