"""How a message shows what it found: short enough to read, and as its author would write it. Pure."""

import json
import re

AT_BOOT = "when the service starts"
"""When a job with ``@reboot`` fires."""
_LONGEST = 60
_PLAIN = re.compile(r"[A-Za-z_/][\w./ +=-]*(?<! )|[0-9]+[a-z]*")


def quoted(text: str) -> str:
    """Return *text* in quotes, cut when it is long."""
    mark = "'" if '"' in text and "'" not in text else '"'
    return f"{mark}{_cut(text)}{mark}"


def shown(value: object) -> str:
    """Return what *value* is, e.g. ``"skp"``, ``3``, ``true``, ``a list`` or ``nothing``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return quoted(value) if isinstance(value, str) else _cut(str(value))


def _cut(text: str) -> str:
    return _printable(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}...")


def _printable(text: str) -> str:
    """Return *text* with its control characters written out: what a file holds must not steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def flow(text: str) -> str:
    """Return *text* as it may stand between YAML's braces and brackets: plain where that is safe, else in quotes."""
    return text if _PLAIN.fullmatch(text) and text not in {"true", "false", "null"} else json.dumps(text)


def shortened(message: str) -> str:
    """Return *message* on one line, without its middle if it is very long: what to write stands at its end."""
    return _printable(message if len(message) <= 600 else f"{message[:300]} ... {message[-200:]}")
