"""A job's effective spec, value by value, each with where it comes from."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schedsync.sources.origins import Kind, Origin, Origins
from schedsync.specs.calendars import with_names
from schedsync.specs.job import JobSpec
from schedsync.specs.messages import FieldPath

_WORDS = {
    Kind.SETTINGS: "settings",
    Kind.NAME: "the name of the file",
    Kind.BUILT_IN: "built in",
}
_UNKNOWN = "not known now"


@dataclass(frozen=True, slots=True)
class SpecRow:
    """One value."""

    name: str
    """Dotted, as in messages: ``schedule.0.cron``."""
    value: Any
    """As JSON has it."""
    origin: Origin | None
    """None where that is not known now."""

    @property
    def text(self) -> str:
        """The value, for people."""
        return _text(self.value)

    @property
    def place(self) -> str:
        """Where it comes from: a place in a file, or words."""
        if self.origin is None:
            return _UNKNOWN
        return _WORDS.get(self.origin.kind) or f"{self.origin.file}:{self.origin.line}"

    @property
    def inherited(self) -> bool:
        """Whether it comes from defaults of a folder."""
        return self.origin is not None and self.origin.kind is Kind.DEFAULTS


@dataclass(frozen=True, slots=True)
class SpecTable:
    """All values."""

    given: tuple[SpecRow, ...]
    """What somebody has written."""
    built_in: tuple[SpecRow, ...]
    certain: bool
    """Whether it is known where values come from; else those that differ from what is built in count as given."""


def spec_table(spec: JobSpec, origins: Origins | None) -> SpecTable:
    """Return the values of *spec*; without *origins* what is known is whether one differs from what is built in."""
    known = _guessed(spec) if origins is None else origins
    rows = [(_origin(path, known), path, value) for path, value in _leaves(spec.model_dump(mode="json"), ())]
    return SpecTable(
        given=tuple(_row(*row) for row in rows if row[0] is None or row[0].kind is not Kind.BUILT_IN),
        built_in=tuple(_row(*row) for row in rows if row[0] is not None and row[0].kind is Kind.BUILT_IN),
        certain=origins is not None,
    )


def _guessed(spec: JobSpec) -> Origins:
    """Return what is built in, as far as values tell."""
    differing = {path for path, _ in _leaves(spec.model_dump(mode="json", exclude_defaults=True), ())}
    every = (path for path, _ in _leaves(spec.model_dump(mode="json"), ()))
    return {path: Origin(Kind.BUILT_IN) for path in every if path not in differing}


def _origin(path: FieldPath, origins: Origins) -> Origin | None:
    """Return the origin of *path*, or of what it is a part of."""
    parts = (path[:length] for length in range(len(path), 0, -1))
    return next((origins[part] for part in parts if part in origins), None)


def _row(origin: Origin | None, path: FieldPath, value: Any) -> SpecRow:
    return SpecRow(".".join(str(part) for part in path), value, origin)


def _leaves(value: Any, path: FieldPath) -> Iterator[tuple[FieldPath, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif path[2:] in {("exclude",), ("only",)}:
        yield path, with_names(value)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


def _text(value: object) -> str:
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
