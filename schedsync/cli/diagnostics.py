"""Problems as their authors see them: the sentence, the place, the line and a caret; and the same as JSON."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from schedsync.cli.output import counted
from schedsync.cli.painting import Line, Paint, Painted, painted
from schedsync.cli.terminal import columns, cut, printable, width
from schedsync.clock import rfc3339
from schedsync.sources.reading import UnreadableError, read_file
from schedsync.specs.problem import Problem

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line in YAML."""
_WORD = re.compile(r"[\w./@+*-]{1,200}")
_ROOM = 120
"""How wide source lines are where there is no terminal."""
_LONGEST_FILE = 16 << 20
"""Bytes; of a longer file no line is shown."""


def full(problems: Iterable[Problem], root: Path) -> Iterator[Line]:
    """Yield the lines that show *problems*, whose files lie below *root*."""
    read = cache(_source_lines)
    for problem in problems:
        yield from _whole(painted("error", Paint.BAD), problem, root, read)


def warnings(found: Iterable[tuple[str, Problem]], root: Path) -> Iterator[Line]:
    """Yield the lines that show what was found, each with the name of the rule that found it."""
    read = cache(_source_lines)
    for rule, problem in found:
        yield from _whole(painted(f"warning[{rule}]", Paint.CARE), problem, root, read)


def _whole(kind: Painted, problem: Problem, root: Path, read: Callable[[Path], list[str]]) -> Iterator[Line]:
    yield kind + f": {problem.message}"
    yield painted("  -->", Paint.PLACE) + f" {root / problem.place}"
    if problem.line is not None and problem.column is not None:
        yield from _source(problem, problem.line, problem.column, read(root / problem.file))
    yield ""


def concise(problems: Iterable[Problem], root: Path) -> Iterator[Line]:
    """Yield a line for each of *problems*: ``path:line:column: sentence``."""
    for problem in problems:
        yield painted(f"{root / problem.place}:", Paint.STRONG) + f" {problem.message}"


def as_json(problem: Problem) -> dict[str, Any]:
    """Return *problem* in the shape that the API gives it; without the store that `views` needs."""
    return asdict(problem) | {"since": None if problem.since is None else rfc3339(problem.since)}


def tally(problems: Iterable[Problem]) -> str:
    """Return how many problems there are, in how many files."""
    files = [problem.file for problem in problems]
    return f"{counted(len(files), 'problem')} in {counted(len(set(files)), 'file')}"


def _source_lines(path: Path) -> list[str]:
    """Return the lines of a file as YAML counts them; none when it is no text."""
    try:
        data, _ = read_file(str(path), _LONGEST_FILE)
    except UnreadableError:
        return []
    return [] if b"\0" in data else _BREAK.split(data.decode("utf-8-sig", "replace"))


def _source(problem: Problem, line: int, column: int, lines: list[str]) -> Iterator[Line]:
    if line > len(lines):
        return
    gutter = " " * len(str(line))
    room = (columns() or _ROOM) - len(gutter) - 4
    text, before, marked = _excerpt(lines[line - 1], column - 1, max(room, 20), problem.found or "")
    yield painted(f" {gutter} |", Paint.PLACE)
    yield painted(f" {line} |", Paint.PLACE) + f" {text}".rstrip()
    yield painted(f" {gutter} |", Paint.PLACE) + f" {' ' * before}" + painted("^" * marked, Paint.BAD)


def _excerpt(line: str, at: int, room: int, found: str) -> tuple[str, int, int]:
    """Return what is shown of *line*, in how many columns the mark begins, and how long it is.

    Args:
        line: any text.
        at: the index of the character that is meant; it may be the end of the line.
        room: columns, at least 20.
        found: what was found there; the word at the place is marked if it is in it.
    """
    at = min(at, len(line))
    begin = _begin(line, at, room)
    lead = "..." if begin else ""
    prefix = lead + printable(line[begin:at])
    text = cut(prefix + printable(line[at : at + room + 1]), room)
    word = _WORD.match(line, at)
    length = width(word.group()) if word and word.group() in found else 1
    return text, width(prefix), min(length, max(room - width(prefix), 1))


def _begin(line: str, at: int, room: int) -> int:
    """Return where the shown part begins: at 0, unless the place would be too far to the right."""
    if at < room and width(printable(line[:at])) <= room * 3 // 4:
        return 0
    begin, used = at, 0
    while begin and used < room // 2:
        begin -= 1
        used += width(printable(line[begin]))
    return begin
