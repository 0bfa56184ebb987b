"""Statements as text: what kind of statement one is, which binds it mentions, where a position is. Pure."""

import re

# Nothing of it is given back, or many comments could be read in very many ways.
_BLANK = r"(?:\s|--[^\n]*|/\*.*?\*/|\()*+"
_FIRST_WORD = re.compile(_BLANK + r"([A-Za-z]+)", re.DOTALL)
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "WITH"})
_STORED_CODE = re.compile(
    _BLANK + r"(?:BEGIN|DECLARE|CREATE\s+(?:OR\s+REPLACE\s+)?(?:(?:NON)?EDITIONABLE\s+)?"
    r"(?:PROCEDURE|FUNCTION|PACKAGE|TRIGGER|TYPE))\b",
    re.DOTALL | re.IGNORECASE,
)
_BIND = r"(?<![:\w]):(?P<name>\w+)"
_ANY_BIND = re.compile(_BIND)
# Texts with escapes, texts, names, comments, and texts between dollars.
_BIND_OR_QUOTED = re.compile(
    rf"""\b[eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/
    | (?<![\w$])\$(?P<tag>\w*)\$.*?\$(?P=tag)\$ | {_BIND}""",
    re.DOTALL | re.VERBOSE,
)


def changes_rows(text: str) -> bool:
    """Whether a statement that is no query changes rows, so that their number means something."""
    found = _FIRST_WORD.match(text)
    return found is not None and found[1].upper() in _CHANGES


def without_semicolon(text: str) -> str:
    """Return *text* as Oracle takes it: without the ";" that ends a statement, which blocks and stored code need."""
    return text if _STORED_CODE.match(text) else text.rstrip().removesuffix(";")


def mentioned_binds(text: str) -> frozenset[str]:
    """Return the names that stand in *text* as ``:name``, in lower case; quotes or not: their rules differ."""
    return frozenset(found["name"].lower() for found in _ANY_BIND.finditer(text))


def for_psycopg(text: str, names: frozenset[str]) -> str:
    """Return *text* with ``%(name)s`` for each ``:name`` of *names*, and nothing else that psycopg would replace."""

    def replaced(found: re.Match[str]) -> str:
        name = found["name"]
        return f"%({name})s" if name in names else found[0]

    return _BIND_OR_QUOTED.sub(replaced, text.replace("%", "%%"))


def place(text: str, offset: int) -> str:
    """Return where the character at *offset* (from 0) is, for people: ``line 2, column 5``."""
    before = text[:offset]
    return f"line {before.count(chr(10)) + 1}, column {offset - (before.rfind(chr(10)) + 1) + 1}"
