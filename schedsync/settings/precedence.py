"""What wins over what: an option of the command line over a variable, a variable over the file, all over the default.

Some settings stand for each other, such as ``url`` and ``dsn``: one of them in a variable takes the place of the other
in the file, too.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from schedsync.specs.variables import SETTINGS, may_be_setting

PREFIX = SETTINGS
CONNECTIONS, CHANNELS = "connections", "channels"
_INSTEAD = (
    frozenset({"url", "dsn"}),
    frozenset({"password", "password_file", "password_env"}),
    frozenset({"wallet_password", "wallet_password_file"}),
    frozenset({"url", "url_file", "url_env"}),
    frozenset({"secret", "secret_file", "secret_env"}),
)
_WITH_SECRETS = ("database", CONNECTIONS, CHANNELS)


def variables() -> dict[tuple[str, ...], str]:
    """Return path -> name of the variables that give settings, JSON for a whole group included."""
    found: dict[tuple[str, ...], str] = {}
    for name in os.environ:
        if may_be_setting(name):
            path = tuple(name.upper().removeprefix(PREFIX).lower().split("__"))
            found |= dict.fromkeys([path, *_inner(path, os.environ[name])], name)
    return found


def without_replaced(file: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the file says, without what a variable says in another way."""
    replaced = {(*path[:-1], name) for path in variables() for name in _others(path)}
    return _without(file, replaced)


def sources(path: tuple[str, ...], file: Path | None, given: Mapping[str, Any]) -> list[str]:
    """Return what says something at *path*, in words: a group of settings may be from the file and from variables.

    Args:
        path: of a setting or a group, as the file writes it.
        file: the file, if any.
        given: what it says.
    """
    lowered = tuple(name.lower() for name in path)
    names = {name for place, name in variables().items() if place[: len(path)] == lowered}
    from_file = [] if file is None or (names and not isinstance(_at(path, given), dict)) else [str(file)]
    return from_file + [f"the variable {name}" for name in sorted(names)]


def _at(path: tuple[str, ...], values: Any) -> Any:
    for name in path:
        values = values.get(name) if isinstance(values, dict) else None
    return values


def _others(path: tuple[str, ...]) -> Iterator[str]:
    if path[0] in _WITH_SECRETS:
        for alike in _INSTEAD:
            if path[-1] in alike:
                yield from alike - {path[-1]}


def _without(values: Mapping[str, Any], paths: set[tuple[str, ...]], at: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        name: _without(value, paths, (*at, name)) if isinstance(value, dict) else value
        for name, value in values.items()
        if (*at, name) not in paths
    }


def _inner(path: tuple[str, ...], text: str) -> Iterator[tuple[str, ...]]:
    """Yield the paths that JSON in a variable gives; not those in text that is none."""
    value: Any = None
    if text.lstrip().startswith("{"):
        with suppress(ValueError):
            value = json.loads(text)
    yield from _leaves(path, value) if isinstance(value, dict) else ()


def _leaves(path: tuple[str, ...], value: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, inner in value.items():
        here = (*path, name.lower())
        yield from _leaves(here, inner) if isinstance(inner, dict) else (here,)
