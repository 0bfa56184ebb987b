"""A job's spec as lines that read like its file."""

import json
import re
from collections.abc import Iterator
from typing import Any

_PLAIN = re.compile(r"[\w/][\w ./@+-]*(?<! )")
_NOT_TEXT = re.compile(r"true|false|null|[-+.]?\d[\d._e+-]*")
"""What would be read as another kind of value, or looks like it."""


def lines(value: dict[str, Any], indent: str = "") -> Iterator[str]:
    """Yield *value*, which is made of what JSON has, as YAML."""
    for key, inner in value.items():
        yield from _entry(f"{indent}{_scalar(key)}:", inner, f"{indent}  ")


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        yield head
        yield from lines(value, indent)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        yield head
        for item in value:
            yield from _item(item, indent)
    elif isinstance(value, str) and "\n" in value.rstrip("\n"):
        yield f"{head} |"
        yield from (f"{indent}{line}" for line in value.splitlines())
    else:
        yield f"{head} {_flow(value)}"


def _item(value: Any, indent: str) -> Iterator[str]:
    if not isinstance(value, dict) or not value:
        yield f"{indent}- {_flow(value)}"
        return
    first, *rest = lines(value, f"{indent}  ")
    yield f"{indent}- {first.removeprefix(indent + '  ')}"
    yield from rest


def _flow(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_flow(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_scalar(key)}: {_flow(inner)}' for key, inner in value.items())}}}"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and not _NOT_TEXT.fullmatch(value.lower()):
            return value
        if '"' in value and value.isprintable():
            return "'" + value.replace("'", "''") + "'"
    return json.dumps(value, ensure_ascii=False)
