"""Plain tables: aligned columns under a heading."""

from collections.abc import Iterable, Iterator, Sequence

from schedsync.cli.painting import Line, Paint, Painted, painted, parts_of
from schedsync.cli.terminal import printable, width

NOTHING = "-"
"""Stands in a cell that is empty."""
_BETWEEN = "  "


def table(heading: Sequence[str], rows: Iterable[Sequence[Line | None]]) -> list[Line]:
    """Return the lines of a table; the last column is not padded."""
    cells = [[painted(name, Paint.STRONG) for name in heading], *([_cell(cell) for cell in row] for row in rows)]
    widths = [max(width(row[column].plain) for row in cells) for column in range(len(heading))]
    return [Painted(tuple(_parts(row, widths))) for row in cells]


def fields(pairs: Iterable[tuple[str, Line | None]]) -> list[Line]:
    """Return a line per name and value; what has no value is left out."""
    given = [(name, value) for name, value in pairs if value and parts_of(value)]
    to = max((len(name) for name, _ in given), default=0) + 1
    return [painted(f"{name}:".ljust(to), Paint.FAINT) + _BETWEEN + value for name, value in given]


def _cell(content: Line | None) -> Painted:
    """Return *content* as it can be measured."""
    parts = parts_of(content or NOTHING)
    return Painted(tuple((printable(text), paint) for text, paint in parts))


def _parts(row: Sequence[Painted], widths: Sequence[int]) -> Iterator[tuple[str, Paint | None]]:
    for cell, to in zip(row[:-1], widths, strict=False):
        yield from cell.parts
        yield " " * (to - width(cell.plain)) + _BETWEEN, None
    yield from row[-1].parts
