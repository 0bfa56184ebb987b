"""Where Oracle puts what is created: tables, indexes and LOBs in tablespaces, and a month of runs in a partition."""

from typing import Any

from sqlalchemy import Constraint, Table, Text
from sqlalchemy.dialects.oracle.base import OracleDDLCompiler
from sqlalchemy.schema import PrimaryKeyConstraint, UniqueConstraint

from schedsync.store.address import Storage

PARTITIONED = "schedsync_runs"
_BY = "scheduled_at"
_LOCAL = frozenset({"uq_schedsync_runs_slot", "ix_schedsync_runs_time"})
"""Indexes that have a part of their own in each partition. The others are asked without a time, and would be asked part
by part; and a key that does not hold the time cannot be local."""
_MONTH = 30 * 86_400 * 1_000_000
"""Microseconds; a calendar month has no fixed length in them."""
_FIRST = 1_767_225_600_000_000
"""2026-01-01: what is older is in the first partition, the only one that can never be dropped."""


def ddl_compiler(storage: Storage, *, partitioned: bool = False) -> type[OracleDDLCompiler]:
    """Return a compiler whose statements say where things are put.

    Args:
        storage: the tablespaces.
        partitioned: whether runs are kept in partitions, each for 30 days of slots.
    """

    class Compiler(OracleDDLCompiler):
        """Adds clauses to SQLAlchemy's statements."""

        def post_create_table(self, table: Table) -> str:
            lobs = [column.name for column in table.c if isinstance(column.type, Text)]
            return "".join(
                (
                    super().post_create_table(table),  # type: ignore[no-untyped-call]
                    tablespace(storage.table_tablespace, "\n"),
                    _lobs(lobs, storage),
                    _partitions() if partitioned and table.name == PARTITIONED else "",
                )
            )

        def visit_primary_key_constraint(self, constraint: PrimaryKeyConstraint, **options: Any) -> str:
            return super().visit_primary_key_constraint(constraint, **options) + self._using_index(constraint)

        def visit_unique_constraint(self, constraint: UniqueConstraint, **options: Any) -> str:
            return super().visit_unique_constraint(constraint, **options) + self._using_index(constraint)

        def visit_create_index(self, create: Any, *args: Any, **options: Any) -> str:
            made = super().visit_create_index(create, *args, **options)  # type: ignore[no-untyped-call]
            return f"{made}{self._place(create.element.name)}"

        def _using_index(self, constraint: Constraint) -> str:
            place = self._place(constraint.name)
            return f" USING INDEX{place}" if place else ""

        def _place(self, name: object) -> str:
            local = " LOCAL" if partitioned and name in _LOCAL else ""
            return local + tablespace(storage.index_tablespace)

    return Compiler


def tablespace(name: str | None, before: str = " ") -> str:
    """Return the clause that puts something into this tablespace; nothing where there is none."""
    return "" if name is None else f"{before}TABLESPACE {name}"


def _lobs(columns: list[str], storage: Storage) -> str:
    if storage.lob_tablespace is None:
        return ""
    return "".join(f"\nLOB ({column}) STORE AS (TABLESPACE {storage.lob_tablespace})" for column in columns)


def _partitions() -> str:
    first = f"PARTITION schedsync_runs_first VALUES LESS THAN ({_FIRST})"
    return f"\nPARTITION BY RANGE ({_BY}) INTERVAL ({_MONTH})\n({first})"
