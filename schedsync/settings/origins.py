"""Each setting that is in force, and where it comes from: for people who wonder why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from schedsync.settings import Settings, read_file
from schedsync.settings.database import DatabaseSettings
from schedsync.settings.precedence import variables
from schedsync.specs.durations import format_duration
from schedsync.store.redaction import HIDDEN, shown_url, without_secrets

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Origin:
    """A setting, without its secret, and where it comes from."""

    name: str
    value: Value
    origin: str
    """``default``, the file, ``variable NAME`` or ``command line``."""


def origins(settings: Settings, file: Path | None, overrides: Mapping[str, Mapping[str, Any]]) -> tuple[Origin, ...]:
    """Return all settings with their origins.

    Args:
        settings: what is in force.
        file: the file that was read, if any.
        overrides: group -> field -> value, from the command line.
    """
    given: dict[tuple[str, ...], str] = {}
    if file is not None:
        given |= dict.fromkeys(_paths(read_file(file)), str(file))
    given |= {path: f"variable {name}" for path, name in variables().items()}
    given |= dict.fromkeys(_paths(overrides), "command line")
    return tuple(Origin(".".join(path), _shown(value), given.get(path, "default")) for path, value in _values(settings))


def _paths(values: Mapping[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _paths(value, (*at, name))
        elif value is not None:
            yield (*at, name)


def _values(group: BaseModel, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, field in type(group).model_fields.items():
        value, path = getattr(group, name), (*at, field.alias or name)
        if isinstance(value, BaseModel):
            yield from _values(value, path)
        elif isinstance(value, dict):
            for key, inner in value.items():
                yield from _values(inner, (*path, key))
        else:
            yield path, group.url_in_force if isinstance(group, DatabaseSettings) and name == "url" else value


def _shown(value: Any) -> Value:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or None
    return shown_url(str(value)) if "://" in str(value) else without_secrets(str(value))
