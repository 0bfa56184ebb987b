"""What is wrong with settings, in sentences that never show what may be a password."""

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from pydantic_core import ErrorDetails

from schedsync.settings.database import is_secret
from schedsync.specs.wording import shown


def sentence(details: ErrorDetails, where: Sequence[str], beside: Iterable[str]) -> str:
    """Return what is wrong, and what to write instead where that can be told.

    Args:
        details: the mistake.
        where: the file and the variables that the value may be from.
        beside: the names of the settings of the same group.
    """
    place = f"{' and '.join(where)}: " if where else ""
    path, value = path_of(details), details["input"]
    name = ".".join(path)
    if details["type"] == "extra_forbidden":
        return f"{place}{name} is not a setting{did_you_mean(name, beside)}"
    if details["type"].startswith(("model_", "dict_")):
        return f"{place}{name} is a group of settings; write {_group(path, details)}"
    message = details["msg"].removeprefix("Value error, ")
    if isinstance(value, Mapping) or is_secret(path[-1]) or _says(message, value):
        return f"{place}{name}: {message}"  # a whole group may hold a password
    return f"{place}{name}: {message}, found {value!r}"


def path_of(details: ErrorDetails) -> tuple[str, ...]:
    """Return the names that lead to a mistake, as a file has them."""
    return tuple(str(part) for part in details["loc"] if part != "[key]")


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return a guess at which of *candidates* was meant by *name*, to be put after a sentence; empty: none is near."""
    close = get_close_matches(name, candidates, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _group(path: tuple[str, ...], details: ErrorDetails) -> str:
    name, value = ".".join(path), details["input"]
    if details["type"].startswith("dict_"):
        return f"[{name}.NAME] and its settings below"
    if path[0] == "groups" and type(value) is int:
        return f"[{name}] with max_runs = {value}"
    return f"[{name}] and its settings below"


def _says(message: str, value: object) -> bool:
    return re.search(rf"(?<!\w){re.escape(shown(value))}(?!\w)", message) is not None
