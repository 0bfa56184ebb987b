"""Rows as an aligned table of bounded size. Pure."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

MOST_ROWS = 500
"""Rows that are shown."""
MOST_COUNTED = 100_000
"""Rows beyond those that are counted; counting on would only read them."""
WIDEST = 200
"""Characters of a value that are shown."""


def table(
    columns: Sequence[str], rows: Iterator[tuple[Any, ...]], readable: Callable[[Any], object] = lambda value: value
) -> Iterator[str]:
    """Give the lines of a table: a heading, the first rows, and how many rows there are.

    Args:
        columns: the heading.
        rows: are read to their end, or to MOST_COUNTED.
        readable: makes of a value that is shown something whose ``str`` is worth reading.
    """
    shown = [[cell(readable(value)) for value in row] for row in islice(rows, MOST_ROWS)]
    heading = [cell(name) for name in columns]
    widths = [max(map(len, column)) for column in zip(heading, *shown, strict=True)]
    yield _line(heading, widths)
    yield _line(["-" * width for width in widths], widths)
    for row in shown:
        yield _line(row, widths)
    yield _count(len(shown), sum(1 for _ in islice(rows, MOST_COUNTED)))


def cell(value: object) -> str:
    """Return *value* on one line, cut when it is long; nothing is ``NULL``."""
    if value is None:
        return "NULL"
    text = value.hex() if isinstance(value, bytes | memoryview) else str(value)
    text = text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def rows_of(number: int) -> str:
    """Return *number* with its noun."""
    return "1 row" if number == 1 else f"{number:,} rows"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(cells, widths, strict=True)).rstrip()


def _count(shown: int, more: int) -> str:
    if not more:
        return f"({rows_of(shown)})"
    least = "at least " if more == MOST_COUNTED else ""
    return f"({rows_of(shown)} shown, {least}{more:,} more)"
