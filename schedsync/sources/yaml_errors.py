"""What YAML's parser refuses, as sentences that a job's author understands. No I/O.

The parser says what it could not go on with ("did not find expected key"); the author needs to hear what to write
instead. So each of the rules below looks at the text where the parser stopped. `yaml_text` is the only caller.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import yaml
from yaml.error import Mark

from schedsync.specs.problem import Problem

TOO_DEEP = "this is nested more than 50 levels deep, or contains itself; write it flatter"
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: |$)", re.MULTILINE)
_LONGEST_SHOWN = 80
_NEEDS_QUOTES = frozenset("*&@%`")
_TEMPLATE = re.compile(r"""(?<!["'])\{[{%]""")
_KEY_BEFORE = re.compile(r"([\w.-]+):\s+$")
_LAST_OF_FLOW = re.compile(r"\s*(?:[}\]]|,\s*[\w.-]+:\s).*$")
_COMMENT = re.compile(r"\s+#.*$")
_ANCHOR_NAME = re.compile(r"\*[\w-]+")


class _Stop(NamedTuple):
    """Where and why the parser stopped; lines and columns from 0."""

    lines: list[str]
    line: int
    column: int
    begun_line: int
    """Where that began which it was reading; the same place if it does not say."""
    begun_column: int
    reading: str
    """What it was reading, e.g. "while scanning a quoted scalar"."""
    reason: str

    @property
    def text(self) -> str:
        """The line on which it stopped."""
        return self._line(self.line)

    @property
    def at(self) -> str:
        """The rest of the line, from where it stopped."""
        return self.text[self.column :]

    @property
    def indentation(self) -> str:
        """The blanks that the line begins with."""
        return self.text[: len(self.text) - len(self.text.lstrip(" \t"))]

    @property
    def begun(self) -> str:
        """The rest of the line, from where that began which it was reading."""
        return self._line(self.begun_line)[self.begun_column :]

    @property
    def before_begun(self) -> str:
        """The line up to where that began which it was reading."""
        return self._line(self.begun_line)[: self.begun_column]

    def _line(self, number: int) -> str:
        return self.lines[number] if number < len(self.lines) else ""


_Answer = tuple[int, int, str]
"""Line and column from 0, and the sentence."""


def word_error(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """Return *error*, raised while *text* was parsed, as a problem of *file*."""
    line, column, message = _answer(error, text)
    return Problem(file, line + 1, column + 1, message)


def _answer(error: yaml.YAMLError, text: str) -> _Answer:
    if conflict := _CONFLICT.search(text):
        return (*_place(text, conflict.start()), "a merge conflict is left here; choose one side and remove the marks")
    if isinstance(error, yaml.MarkedYAMLError):
        stop = _stop(error, text)
        answers = (rule(stop) for rule in _RULES)
        return next(answer for answer in answers if answer is not None)
    return _unprintable(text)


def _stop(error: yaml.MarkedYAMLError, text: str) -> _Stop:
    line, column = _line_and_column(error.problem_mark or error.context_mark)
    begun = _line_and_column(error.context_mark or error.problem_mark)
    return _Stop(_LINE_BREAK.split(text), line, column, *begun, error.context or "", error.problem or "")


def _line_and_column(mark: Mark | None) -> tuple[int, int]:
    return (mark.line, mark.column) if mark else (0, 0)


def _place(text: str, offset: int) -> tuple[int, int]:
    lines = _LINE_BREAK.split(text[:offset])
    return len(lines) - 1, len(lines[-1])


def _unprintable(text: str) -> _Answer:
    match = _UNPRINTABLE.search(text)
    if match is None:  # cannot be: nothing else is refused before parsing
        return 0, 0, "the file is not valid YAML"
    character = ord(match.group())
    escape = f"\\x{character:02x}" if character < 256 else f"\\u{character:04x}"
    hint = f'remove it, or write "{escape}" in double quotes'
    return (*_place(text, match.start()), f"the control character U+{character:04X} cannot stand here; {hint}")


# --- rules, in the order in which they are tried -------------------------------------------------


def _deep(stop: _Stop) -> _Answer | None:
    return (stop.line, stop.column, TOO_DEEP) if stop.reason == TOO_DEEP else None


def _tab(stop: _Stop) -> _Answer | None:
    if "\t" in stop.indentation:
        return stop.line, stop.indentation.index("\t"), "a tab is used for indentation; use spaces"
    if stop.at.startswith("\t"):
        return stop.line, stop.column, "a tab cannot stand here; use spaces"
    return None


def _template(stop: _Stop) -> _Answer | None:
    found = _TEMPLATE.search(stop.text)
    if found is None:
        return None
    return stop.line, found.start(), f'"{found.group()}" is not filled in by schedsync; put the whole value in quotes'


def _unquoted(stop: _Stop) -> _Answer | None:
    if "parsing" in stop.reading or stop.begun[:1] not in _NEEDS_QUOTES:
        return None
    value, before = _COMMENT.sub("", stop.begun).rstrip(), stop.before_begun
    if before.count("{") > before.count("}") or before.count("[") > before.count("]"):
        value = _LAST_OF_FLOW.sub("", value)
    key = _KEY_BEFORE.search(before)
    value = value if len(value) <= _LONGEST_SHOWN else "..."
    quoted = f"{key.group(1)}: {_quoted(value)}" if key else _quoted(value)
    if _ANCHOR_NAME.fullmatch(value):
        missing = f'"{value}" repeats what is marked with "&{value[1:]}", and nothing above is'
        return stop.begun_line, stop.begun_column, f"{missing}; mark it, or quote it: {quoted}"
    why = f'a value that begins with "{stop.begun[0]}" must be quoted'
    return stop.begun_line, stop.begun_column, f"{why}; quote it: {quoted}"


def _quoted(value: str) -> str:
    if '"' in value or "\\" in value:
        return "'" + value.replace("'", "''") + "'"
    return f'"{value}"'


def _block_text(stop: _Stop) -> _Answer | None:
    if "block scalar" not in stop.reading or "indent" in stop.reason:
        return None
    message = f'text after "{stop.begun[:1]}" begins on the next line, further in; or put it in quotes'
    return stop.begun_line, stop.begun_column, message


def _escape(stop: _Stop) -> _Answer | None:
    if "escape" not in stop.reason:
        return None
    # The two parsers stop before and after the backslash.
    column = stop.text.rfind("\\", 0, stop.column + 1)
    message = 'YAML does not know this escape in double quotes; write "\\\\" for a backslash, or use single quotes'
    return stop.line, max(column, 0), message


def _unclosed(stop: _Stop) -> _Answer | None:
    if "quoted scalar" in stop.reading:
        return stop.begun_line, stop.begun_column, "the quotation mark that stands here is not closed"
    if "flow" in stop.reading and stop.begun[:1] in {"[", "{"}:
        opened = stop.begun[0]
        closing = {"[": "]", "{": "}"}[opened]
        message = f'this "{opened}" is not closed; write "," between the parts and "{closing}" at the end'
        return stop.begun_line, stop.begun_column, message
    if "flow" in stop.reading and stop.line == len(stop.lines) - 1 and not stop.at:
        return stop.line, stop.column, 'the text ends before each "[" and "{" is closed; write "]" or "}"'
    return None


def _colon(stop: _Stop) -> _Answer | None:
    if "mapping values are not allowed" in stop.reason:
        return stop.line, stop.column, 'a second ": " cannot stand here; quote the value, or check the indentation'
    if "could not find expected ':'" in stop.reason:
        return stop.begun_line, stop.begun_column, 'this is no "key: value"; ":" and a blank are missing, or quotes are'
    return None


def _misfit(stop: _Stop) -> _Answer | None:
    if "block mapping" in stop.reading or "block collection" in stop.reading or "document start" in stop.reason:
        return stop.line, stop.column, "this does not fit the lines above it; check the indentation and the quotes"
    return None


def _anything(stop: _Stop) -> _Answer:
    return stop.line, stop.column, f"this is not valid YAML: {stop.reason}; check the indentation and the quotes"


_RULES: tuple[Callable[[_Stop], _Answer | None], ...] = (
    _deep,
    _tab,
    _template,
    _unquoted,
    _block_text,
    _escape,
    _unclosed,
    _colon,
    _misfit,
    _anything,
)
