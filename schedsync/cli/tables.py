"""Plain tables: aligned columns under a heading."""

from collections.abc import Iterable, Sequence

from schedsync.cli.terminal import fill, printable, width

NOTHING = "-"
"""Stands in a cell that is empty."""


def table(heading: Sequence[str], rows: Iterable[Sequence[str | None]]) -> list[str]:
    """Return the lines of a table; the last column is not padded."""
    cells = [list(heading), *([printable(cell or NOTHING) for cell in row] for row in rows)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(heading))]
    return ["  ".join(fill(cell, to) for cell, to in zip(row, widths, strict=True)).rstrip() for row in cells]


def fields(pairs: Iterable[tuple[str, str | None]]) -> list[str]:
    """Return a line per name and value; what has no value is left out."""
    given = [(name, value) for name, value in pairs if value]
    to = max((len(name) for name, _ in given), default=0) + 1
    return [f"{fill(name + ':', to)}  {value}" for name, value in given]
