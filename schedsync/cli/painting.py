"""Colour: what is shown in which, and whether any is shown. Nothing else decides either.

Text from files, jobs and people stays text: a colour is put around what has been made printable, so nothing that is
printed can carry one of its own.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TextIO

import click

from schedsync.cli.terminal import cut, printable

CHOICES = ("auto", "always", "never")


class Paint(Enum):
    """What a colour means."""

    GOOD = "green"
    BAD = "red"
    CARE = "yellow"
    BUSY = "cyan"
    PLACE = "blue"
    FAINT = "dim"
    STRONG = "bold"

    def on(self, text: str) -> str:
        """Return *text* in this colour."""
        if self in {Paint.FAINT, Paint.STRONG}:
            return click.style(text, **{self.value: True})
        return click.style(text, fg=self.value)


_STATES = {
    "succeeded": Paint.GOOD,
    "failed": Paint.BAD,
    "timed_out": Paint.BAD,
    "lost": Paint.BAD,
    "cancelled": Paint.CARE,
    "running": Paint.BUSY,
    "queued": Paint.CARE,
    "skipped": Paint.FAINT,
    "paused": Paint.CARE,
    "suspended": Paint.FAINT,
    "finished": Paint.FAINT,
    "stale": Paint.BAD,
    "overdue": Paint.BAD,
    "late": Paint.BAD,
    "sent": Paint.GOOD,
    "pending": Paint.CARE,
    "ok": Paint.GOOD,
    "warning": Paint.CARE,
    "wrong": Paint.BAD,
}
"""The words of jobs, runs, notices and findings; the others have no colour."""


@dataclass(frozen=True, slots=True)
class Painted:
    """Text in parts, each with its colour or without one."""

    parts: tuple[tuple[str, Paint | None], ...]

    @property
    def plain(self) -> str:
        """The text alone."""
        return "".join(text for text, _ in self.parts)

    def __add__(self, other: "str | Painted") -> "Painted":
        return Painted(self.parts + parts_of(other))

    def __radd__(self, other: str) -> "Painted":
        return Painted(parts_of(other) + self.parts)


Line = str | Painted


def painted(text: str, paint: Paint | None) -> Painted:
    """Return *text* in one colour."""
    return Painted(((text, paint),))


def parts_of(line: Line) -> tuple[tuple[str, Paint | None], ...]:
    """Return the parts of *line*."""
    return line.parts if isinstance(line, Painted) else ((line, None),)


def words(*states: str) -> Painted:
    """Return words that say how something is, each in its colour, with commas between."""
    return joined(", ", (painted(state, _STATES.get(state)) for state in states))


def joined(between: str, lines: Iterable[Line]) -> Painted:
    """Return *lines* as one."""
    whole = Painted(())
    for line in lines:
        whole = whole + between + line if whole.parts else whole + line
    return whole


def choose(context: click.Context, choice: str) -> None:
    """Note what the command line says: one of CHOICES."""
    context.find_root().color = {"always": True, "never": False}.get(choice)


def wanted(stream: TextIO | None) -> bool:
    """Return whether colours are shown on *stream*.

    As the command line says; else on a terminal that can show them, unless the variable NO_COLOR is set.
    """
    context = click.get_current_context(silent=True)
    if context is not None and context.find_root().color is not None:
        return bool(context.find_root().color)
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream is not None and stream.isatty()


def shown(line: Line, *, room: int | None = None, err: bool = False) -> str:
    """Return *line* as it is printed.

    Args:
        line: any text.
        room: columns, if what is wider is cut.
        err: whether it is printed on stderr.
    """
    pieces: Iterable[tuple[str, Paint | None]] = [(printable(text), paint) for text, paint in parts_of(line)]
    if room is not None:
        pieces = _cut(pieces, room)
    in_colour = wanted(sys.stderr if err else sys.stdout)
    return "".join(paint.on(text) if paint and text and in_colour else text for text, paint in pieces)


def _cut(pieces: Iterable[tuple[str, Paint | None]], room: int) -> Iterator[tuple[str, Paint | None]]:
    """Yield as much of *pieces* as fits; the dots have the colour of what they stand for."""
    pieces = list(pieces)
    left = cut("".join(text for text, _ in pieces), room)
    for text, paint in pieces:
        yield left[: len(text)], paint
        left = left[len(text) :]
    yield left, None
