"""``python -m schedsync.sql.worker``: executes the one statement that it reads on its standard input, and ends.

One transaction: committed at the end, rolled back when anything fails or SIGTERM comes; only where a commit
gets no answer it is not known which of them. What is printed is the run's
output; a failure is exit code 1, and the last line says why. Each run pays for what is imported here, so there is
no SQLAlchemy, and of the drivers only the one that is needed.
"""

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from schedsync.sql.request import FAILED, Request, Statement, Target, decoded
from schedsync.sql.session import Answer, Failure, RefusedError, Session, lines_of
from schedsync.sql.stopping import StoppedError, Stopping
from schedsync.sql.table import cell, rows_of, table
from schedsync.sql.text import changes_rows, mentioned_binds

GOODBYE = 2.0
"""Seconds that the database has for a goodbye; by then nothing depends on it any more."""
NOTHING = Statement("sql")
_PACKAGES = {"oracle": "oracledb", "postgresql": "'psycopg[binary]'"}
"""What pip installs for a driver, as a shell takes it."""
_MARGIN = 1.0
"""Seconds that drivers have for words of their own about a connection that cannot be made."""


def main() -> int:
    """Read the request, do what it says, and return the exit code."""
    request = decoded(sys.stdin.buffer.read())
    _empty_stdin()
    # A text stream; live output wants lines, and whatever a database holds must not end the run.
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    stopping = Stopping(request.kill_grace)
    try:
        text = _text(request.statement)
        session = _connected(request, stopping)
    except RefusedError as refusal:
        return _fail(str(refusal))
    except StoppedError:
        return _fail("stopped by SIGTERM before it began")
    code = _run(session, request.statement, text, stopping)
    _close(session)
    return code


def _empty_stdin() -> None:
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)


def _print(line: str) -> None:
    print(line)  # noqa: T201 - standard output is the run's output


def _fail(why: str) -> int:
    _print(f"{FAILED}{why}")
    return 1


def _text(statement: Statement) -> str:
    text = statement.text if statement.text is not None else _read(Path(statement.file or ""))
    if not text.strip():
        raise RefusedError(f"{statement.file or statement.kind} has no statement in it")
    unused = [name for name in {**statement.binds, **statement.out} if name.lower() not in mentioned_binds(text)]
    if unused:
        names = ", ".join(f":{name}" for name in unused)
        raise RefusedError(f"{names} is not in the statement; correct the name, or remove it from the job")
    return text


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RefusedError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise RefusedError(f"cannot read {path}: byte {error.start + 1} is not UTF-8; save it as UTF-8") from None


def _connected(request: Request, stopping: Stopping) -> Session:
    kind = _session_type(request.target.database)
    try:
        with stopping.connecting(request.target.connect_seconds + _MARGIN):
            return kind(request)
    except StoppedError:
        raise
    except Exception as error:  # the boundary to the driver, which may not know an argument that the settings have
        told = " ".join(kind.failure(error, request.statement, "").lines)
        raise RefusedError(f"cannot connect: {_without_secrets(told, request.target)}") from None


def _without_secrets(told: str, target: Target) -> str:
    for password in target.passwords:
        told = told.replace(password, "***")
    return told


def _session_type(database: str) -> type[Session]:
    """Return the session for *database*; its driver is imported here.

    Raises:
        RefusedError: the driver is missing.
    """
    try:
        if database == "oracle":
            from schedsync.sql.oracle import OracleSession  # noqa: PLC0415 - see the module's docstring

            return OracleSession
        if database == "postgresql":
            from schedsync.sql.postgresql import PostgreSQLSession  # noqa: PLC0415 - likewise

            return PostgreSQLSession
    except ImportError as error:
        hint = f"install it with `pip install {_PACKAGES[database]}`"
        raise RefusedError(f"the driver for {database} is missing ({error}); {hint}") from None
    from schedsync.sql.sqlite import SQLiteSession  # noqa: PLC0415 - likewise

    return SQLiteSession


def _run(session: Session, statement: Statement, text: str, stopping: Stopping) -> int:
    try:
        with stopping.cancelling(session.cancel):
            answer = session.execute(statement, text)
            _print_answer(session, answer, statement, text)
        _print_printed(session)
        for name, value in answer.values:
            _print(f"{name} = {cell(session.shown(value))}")
        stopping.check()
        _commit(session)
        if stopping.asked:
            _print("committed: SIGTERM came too late")
    except _UnknownCommitError as unknown:
        failure = Failure((), str(unknown))
    except StoppedError:
        failure = Failure((), "stopped by SIGTERM; the statement was cancelled and rolled back")
    except session.error as error:
        failure = session.failure(error, statement, text)
    except Exception as error:  # the boundary to the drivers, which raise what Python raises about values
        failure = Failure((), f"{type(error).__name__}: {lines_of(error)[0]}")
    else:
        return 0
    return _undo(session, failure)


class _UnknownCommitError(Exception):
    """Nobody knows whether the database has committed; the text says why, to the job's author."""


def _commit(session: Session) -> None:
    try:
        session.commit()
    except session.error as error:
        if not session.lost(error):
            raise
        said = session.failure(error, NOTHING, "").summary
        raise _UnknownCommitError(
            f"the connection ended during the commit, so it is not known whether it was done; look there ({said})"
        ) from None


def _undo(session: Session, failure: Failure) -> int:
    _print_printed(session)
    with suppress(Exception):  # the connection is gone, so it is rolled back
        session.rollback()
    if len(failure.lines) > 1:
        for line in failure.lines:
            _print(line)
    return _fail(failure.summary)


def _print_answer(session: Session, answer: Answer, statement: Statement, text: str) -> None:
    if answer.warning is not None:
        _print(answer.warning)
    if answer.columns is not None:
        for line in table(answer.columns, answer.rows, session.shown):
            _print(line)
    elif changes_rows(text) and answer.changed >= 0:
        _print(f"{rows_of(answer.changed)} changed")
    elif statement.kind == "sql":
        _print("done")


def _print_printed(session: Session) -> None:
    try:
        for line in session.printed():
            _print(line)
    except session.error as error:
        _print(f"(what was printed in the database cannot be read: {session.failure(error, NOTHING, '').summary})")


def _close(session: Session) -> None:
    def close() -> None:
        with suppress(Exception):  # nothing depends on it any more
            session.close()

    thread = threading.Thread(target=close, name="schedsync-close", daemon=True)
    thread.start()
    thread.join(GOODBYE)


if __name__ == "__main__":
    sys.exit(main())
