"""``calendars/*.yaml`` -> named calendars and problems. No I/O: `folder` reads the bytes.

A mistake in one calendar hurts those that name it, and nothing else. Calendars name each other, and iCalendar files
that lie beside them.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, model_validator
from yaml.nodes import MappingNode, Node

from schedsync.sources.decoding import decode
from schedsync.sources.defaults import problem_of
from schedsync.sources.ical_memory import IcalMemory
from schedsync.sources.icalendar import Days
from schedsync.sources.listing import ICAL
from schedsync.sources.yaml_text import RefusedError, build, compose, pairs
from schedsync.specs.base import Text
from schedsync.specs.calendars import CONTEXT, FOLDER, Calendar, Calendars, is_calendar_name
from schedsync.specs.fingerprint import as_json
from schedsync.specs.messages import explain
from schedsync.specs.problem import Problem
from schedsync.specs.wording import quoted, shown

_ICAL = "ical"
_MEMORY = IcalMemory()
"""For all who read calendars in this process."""
_DEEPEST = 20
"""So many files are read within each other; people name a few."""


def _read_ical(value: object, info: ValidationInfo) -> object:
    """Return the days of the file of this name.

    Raises:
        ValueError: there is no such file, or it cannot be read.
    """
    if not isinstance(value, str):
        raise ValueError(f"expected the name of an iCalendar file, found {shown(value)}")  # noqa: TRY004 - pydantic reports ValueError only
    return (info.context or {})[_ICAL](value)


class CalendarFile(Calendar):
    """What a calendar's file says."""

    description: Text = Field("", description="What it is, for people.")
    ical: Annotated[tuple[Annotated[Any, BeforeValidator(_read_ical)], ...], Field(strict=False)] = Field(
        (), description="iCalendar files (.ics) in the same folder, whose events' days belong to it, too."
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.lists or self.ical or self.intersect or self.exclude):
            raise ValueError("it has no days; write e.g. dates: [2026-12-24], yearly: [12-25] or weekdays: [sat, sun]")
        return self

    def meaning(self, name: str) -> Calendar:
        """Return the calendar itself."""
        days: list[Days] = list(self.ical)
        return Calendar(
            name=name,
            dates=(*self.dates, *(day for each in days for day in each.dates)),
            yearly=(*self.yearly, *(day for each in days for day in each.yearly)),
            weekdays=self.weekdays,
            ranges=self.ranges,
            include=self.include,
            intersect=self.intersect,
            exclude=self.exclude,
        )


@dataclass(frozen=True, slots=True)
class ReadCalendars:
    """The calendars of a folder."""

    calendars: Calendars = field(default_factory=Calendars)
    problems: tuple[Problem, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    """Of what each of them means; of a broken one, nothing."""

    def digest(self, name: str) -> str | None:
        """Return what tells whether a name means something else by now; None while it means nothing."""
        return self.digests.get(name)


NO_CALENDARS = ReadCalendars()


class Asked:
    """Calendars that remember which of them somebody looked up."""

    def __init__(self, read: ReadCalendars) -> None:
        self._read = read
        self.names: dict[str, str | None] = {}
        """Each with the digest of what it means; None: nothing."""

    def find(self, name: str) -> Calendar:
        """Return the calendar of this name.

        Raises:
            ValueError: there is none that can be used.
        """
        self.names[name] = self._read.digest(name)
        return self._read.calendars.find(name)


def read_calendars(files: Mapping[str, bytes | str]) -> ReadCalendars:
    """Return what the files in the folder of calendars say.

    Args:
        files: by path relative to the jobs folder: the bytes, or why they cannot be read.
    """
    shelf = _Shelf(files)
    names = [path for path in files if not path.endswith(ICAL)]
    for path in names:
        shelf.settle(path)
    known = shelf.known
    digests = {name: hashlib.sha256(_canonical(each).encode()).hexdigest() for name, each in known.items()}
    return ReadCalendars(Calendars(known, shelf.broken), tuple(shelf.problems), digests)


def _canonical(calendar: Calendar) -> str:
    return as_json(calendar.model_dump(mode="json", exclude_defaults=True))


class _Shelf:
    """Makes calendars of files, those first that others name."""

    def __init__(self, files: Mapping[str, bytes | str]) -> None:
        self._files = files
        self._paths: dict[str, str] = {}
        self._ical: dict[str, Days | ValueError] = {}
        self._under_way: list[str] = []
        self.known: dict[str, Calendar] = {}
        self.broken: dict[str, str] = {}
        """Their files, by name."""
        self.problems: list[Problem] = []
        for path in files:
            if not path.endswith(ICAL):
                self._paths.setdefault(_name(path), path)

    def settle(self, path: str) -> None:
        """Read the file at *path*, unless that is done or under way."""
        name = _name(path)
        if self._paths[name] != path:
            self._give_up(name, Problem(path, None, None, f"{self._paths[name]} is there too; keep one of them"))
        elif name not in self.known and name not in self.broken and name not in self._under_way:
            self._under_way.append(name)
            found = self._read(name, path)
            self._under_way.pop()
            if isinstance(found, Calendar):
                self.known[name] = found
            else:
                self._give_up(name, *found)

    def find(self, name: str) -> Calendar:
        """Return the calendar of this name, for one that is being read.

        Raises:
            ValueError: there is none, it is broken, or it needs the one that is being read.
        """
        if name in self._under_way:
            circle = [*self._under_way[self._under_way.index(name) :], name]
            raise ValueError(f"the calendar {quoted(name)} would contain itself: {' -> '.join(circle)}")
        if len(self._under_way) >= _DEEPEST and name not in self.known:
            raise ValueError(f"more than {_DEEPEST} calendars name each other in a row, down to {quoted(name)}")
        if name in self._paths:
            self.settle(self._paths[name])
        others = {known: each for known, each in self.known.items() if known not in self._under_way}
        return Calendars(others, self.broken).find(name)

    def _give_up(self, name: str, *problems: Problem) -> None:
        self.known.pop(name, None)
        self.broken.setdefault(name, self._paths[name])
        self.problems += problems

    def _read(self, name: str, path: str) -> Calendar | list[Problem]:
        data = self._files[path]
        if isinstance(data, str):
            return [Problem(path, None, None, data)]
        if not is_calendar_name(name):
            return [Problem(path, None, None, f"{quoted(name)} is no name of a calendar; use letters, digits, -, _, .")]
        text = decode(data, path)
        nodes = text if isinstance(text, Problem) else compose(text, path)
        if isinstance(nodes, Problem):
            return [nodes]
        try:
            node = _only_mapping(nodes)
            return self._meaning(name, path, node, build(node))
        except RefusedError as error:
            return [error.problem(path)]
        except _EmptyError:
            return [Problem(path, 1, 1, "the file is empty; write days into it, or remove it")]

    def _meaning(self, name: str, path: str, node: Node, value: dict[str, Any]) -> Calendar | list[Problem]:
        context = {CONTEXT: self, _ICAL: self._days_of}
        try:
            return CalendarFile.model_validate(value, context=context).meaning(name)
        except ValidationError as error:
            return [problem_of(mistake, path, node) for mistake in explain(error, of=CalendarFile)]

    def _days_of(self, name: str) -> Days:
        path = f"{FOLDER}/{name}"
        if path not in self._ical:
            self._ical[path] = self._read_ical(name, path)
        found = self._ical[path]
        if isinstance(found, ValueError):
            raise found
        return found

    def _read_ical(self, name: str, path: str) -> Days | ValueError:
        data = self._files.get(path)
        if not name.endswith(ICAL) or data is None:
            there = sorted(PurePosixPath(each).name for each in self._files if each.endswith(ICAL))
            hint = f"there are {', '.join(there[:10])}" if there else "put it there"
            return ValueError(f"there is no iCalendar file {quoted(name)} in {FOLDER}/; {hint}")
        if isinstance(data, str):
            return ValueError(f"{path}: {data}")
        try:
            days = _MEMORY.days_in(data)
        except ValueError as error:
            return ValueError(f"{path}: {error}")
        return days if days.dates or days.yearly else ValueError(f"{path} has no days")


class _EmptyError(Exception):
    """A file says nothing."""


def _name(path: str) -> str:
    return PurePosixPath(path).stem


def _only_mapping(nodes: list[Node]) -> MappingNode:
    if not nodes:
        raise _EmptyError
    if len(nodes) > 1:
        raise RefusedError(nodes[1], 'a calendar has one document; remove this one and its "---"')
    node = nodes[0]
    if not isinstance(node, MappingNode):
        raise RefusedError(node, 'a calendar is a mapping; write e.g. "dates: [2026-12-24]"')
    keys = pairs(node)
    if "name" in keys:
        raise RefusedError(keys["name"][0], "a calendar is called as its file; remove this, or rename the file")
    if not keys:
        raise _EmptyError
    return node
