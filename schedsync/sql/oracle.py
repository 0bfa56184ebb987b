"""Statements and blocks on Oracle, through python-oracledb."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import oracledb

from schedsync.sql.request import Request, Scalar, Statement
from schedsync.sql.session import Answer, Failure, Session, cut, lines_of
from schedsync.sql.table import WIDEST
from schedsync.sql.text import place, without_semicolon

BITE = 500
"""Rows that one round trip brings."""
LINES = 25
"""Lines of DBMS_OUTPUT that one round trip brings."""
LONGEST_TEXT = 32_767
"""Characters of an OUT bind, and of a line of DBMS_OUTPUT."""
_IN_BLOCK = re.compile(r"ORA-06550: (line \d+, column \d+):")


class OracleSession(Session):
    """A session that V$SESSION shows with the job as MODULE, the run as ACTION and the node as CLIENT_IDENTIFIER."""

    error = oracledb.Error

    def __init__(self, request: Request) -> None:
        """Connect, and say who asks: sent along with the first statement, at no cost."""
        target = request.target
        if target.client_libraries is None:
            oracledb.enable_thin_mode()  # type: ignore[no-untyped-call] # the driver leaves it without types
        else:
            oracledb.init_oracle_client(**target.client_libraries)
        oracledb.defaults.fetch_decimals = True
        self._connection = oracledb.connect(**target.arguments)
        self._connection.call_timeout = round(target.call_seconds * 1000)
        self._connection.module = cut(f"schedsync:{request.job_id}", 48)
        self._connection.action = cut(request.run_id, 32)
        self._connection.client_identifier = cut(request.node, 64)
        self._prints = False

    def execute(self, statement: Statement, text: str) -> Answer:
        """Execute a statement, or a block with its output turned on."""
        cursor = self._connection.cursor()
        if statement.kind == "plsql":
            return self._execute_block(cursor, statement, text)
        # One more than will come, so that the end is seen in the same round trip.
        cursor.arraysize, cursor.prefetchrows = BITE, BITE + 1
        cursor.execute(without_semicolon(text), {name: _for_sql(value) for name, value in statement.binds.items()})
        warning = None if cursor.warning is None else str(cursor.warning)
        if cursor.description is None:
            return Answer(changed=cursor.rowcount, warning=warning)
        return Answer(tuple(column[0] for column in cursor.description), iter(cursor), warning=warning)

    def _execute_block(self, cursor: "oracledb.Cursor", statement: Statement, text: str) -> Answer:
        # NULL: as many lines as come, in place of 20,000 bytes.
        cursor.execute("BEGIN DBMS_OUTPUT.ENABLE(NULL); END;")
        self._prints = True
        binds: dict[str, Any] = dict(statement.binds)
        for name, kind in statement.out.items():
            variable = cursor.var(Decimal) if kind == "number" else cursor.var(str, LONGEST_TEXT)
            if name in binds:
                variable.setvalue(0, binds[name])
            binds[name] = variable
        cursor.execute(text, binds)
        return Answer(values=tuple((name, binds[name].getvalue()) for name in statement.out))

    def printed(self) -> Iterator[str]:
        """Give the lines of DBMS_OUTPUT, if a block has been executed."""
        if not self._prints:
            return
        cursor = self._connection.cursor()
        # GET_LINES wants a collection; many calls of GET_LINE in one block are one round trip all the same.
        lines = [cursor.var(str, LONGEST_TEXT) for _ in range(LINES)]
        ends = [cursor.var(int) for _ in range(LINES)]
        calls = " ".join(f"DBMS_OUTPUT.GET_LINE(:line{number}, :end{number});" for number in range(LINES))
        binds = {f"line{number}": line for number, line in enumerate(lines)}
        binds |= {f"end{number}": end for number, end in enumerate(ends)}
        while True:
            cursor.execute(f"BEGIN {calls} END;", binds)
            for line, end in zip(lines, ends, strict=True):
                if end.getvalue():
                    return
                yield line.getvalue() or ""

    def cancel(self) -> None:
        """Interrupt the call; the server answers it with ORA-01013."""
        self._connection.cancel()

    def commit(self) -> None:
        """Commit."""
        self._connection.commit()

    def lost(self, error: Exception) -> bool:
        """Whether it is the driver's own, which has no answer then, or a number that ends the session."""
        details = error.args[0] if error.args else None
        return not getattr(details, "code", 0) or bool(getattr(details, "is_session_dead", False))

    def rollback(self) -> None:
        """Roll back."""
        self._connection.rollback()

    def close(self) -> None:
        """Log off."""
        self._connection.close()

    @classmethod
    def failure(cls, error: Exception, statement: Statement, text: str) -> Failure:
        """Return the stack of ORA numbers; the place is that of ORA-06550, or where the statement could not be read."""
        lines = tuple(line for line in lines_of(error) if not line.startswith("Help: "))
        in_block = _IN_BLOCK.match(lines[0])
        if in_block and len(lines) > 1:
            return Failure(lines, f"{lines[1]} ({in_block[1]})")
        offset = getattr(error.args[0], "offset", 0) if error.args else 0
        where = f" ({place(text, offset)})" if offset and statement.kind == "sql" else ""
        return Failure(lines, f"{lines[0]}{where}")

    def shown(self, value: Any) -> object:
        """Return the beginning of a LOB, and a number without an exponent."""
        if isinstance(value, oracledb.LOB):
            return value.read(1, WIDEST + 1)
        return f"{value:f}" if isinstance(value, Decimal) else value


def _for_sql(value: Scalar) -> Scalar:
    """Return *value* as SQL takes it: it has no truth values before 23ai, and takes 1 and 0 for them since."""
    return int(value) if isinstance(value, bool) else value
