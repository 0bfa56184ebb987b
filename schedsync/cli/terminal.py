"""Text on a terminal: what may be printed, how wide it is, and how it is cut. Files may hold anything."""

import shutil
import sys
import unicodedata

UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"
TAB = "    "
_ELLIPSIS = "..."


def is_terminal() -> bool:
    """Return whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def columns() -> int | None:
    """Return how wide the terminal is that stdout is; None when it is none."""
    if not is_terminal():
        return None
    return shutil.get_terminal_size().columns


def speaks(text: str) -> bool:
    """Return whether stdout can show *text*, by its encoding."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str) -> str:
    """Return *text* as one line that cannot steer a terminal: tabs are spaces, what else cannot be shown is marked."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\t":
        return TAB
    return character if character.isprintable() else UNPRINTABLE


def width(text: str) -> int:
    """Return how many columns *text*, which is printable, takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def cut(text: str, to: int | None) -> str:
    """Return *text*, or as much of it as fits into *to* columns with dots behind it."""
    if to is None or width(text) <= to:
        return text
    room = max(to - len(_ELLIPSIS), 0)
    used = 0
    for index, character in enumerate(text):
        used += _width(character)
        if used > room:
            return text[:index] + _ELLIPSIS[:to]
    return text  # pragma: no cover - the text is wider than the room
