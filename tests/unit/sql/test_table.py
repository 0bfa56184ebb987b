"""Rows as a table: aligned, cut, counted."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schedsync.sql import table as tables
from schedsync.sql.table import cell, table


def test_columns_are_as_wide_as_what_is_in_them() -> None:
    assert list(table(["id", "name"], iter([(1, "ann"), (1000, None)]))) == [
        "id    name",
        "----  ----",
        "1     ann",
        "1000  NULL",
        "(2 rows)",
    ]


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        (0, "(0 rows)"),
        (1, "(1 row)"),
        (tables.MOST_ROWS, "(500 rows)"),
        (tables.MOST_ROWS + 1_200, "(500 rows shown, 1,200 more)"),
        (tables.MOST_ROWS + tables.MOST_COUNTED + 5, "(500 rows shown, at least 100,000 more)"),
    ],
)
def test_the_first_rows_are_shown_and_the_others_counted(rows: int, count: str) -> None:
    lines = list(table(["a"], iter([(1,)] * rows)))
    assert (lines[-1], len(lines)) == (count, min(rows, tables.MOST_ROWS) + 3)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        ("", ""),
        (b"\x00\xff", "00ff"),
        ("two\nlines\x1b[31m", "two\\nlines\\x1b[31m"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "2026-01-02 03:04:00+00:00"),
        ("x" * 300, "x" * 197 + "..."),
    ],
)
def test_a_value_is_one_line(value: Any, text: str) -> None:
    assert cell(value) == text
