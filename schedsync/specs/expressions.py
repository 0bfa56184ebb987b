"""Regular expressions whose search takes time in proportion to the text, whatever the expression: Rust's, by pydantic.

One thread reads the output of all runs, so an expression of Python's ``re`` that backtracks would stop every run.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from schedsync.specs.wording import quoted

_LONGEST = 1_000
"""Characters; the time to search one grows with its length."""
_NOTHING = r"[^\s\S]"
_CARET = re.compile(r"^ {4}( *)\^+$", re.MULTILINE)
_HINTS = {
    "look-around": "; write what is to be there, each way of it with | between",
    "size limit": "; use smaller repetitions",
}


class ExpressionError(ValueError):
    """What is no regular expression: a sentence for the job's author, and the 0-based offset of the offending part."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class Expression:
    """A regular expression that is searched for."""

    def __init__(self, pattern: str) -> None:
        """Read *pattern*, in the syntax of Rust's crate ``regex``.

        Raises:
            ExpressionError: it is none.
        """
        # Here, because the engine's process and each keeper load this module, and few of their runs need one.
        from pydantic_core import SchemaError, SchemaValidator, core_schema  # noqa: PLC0415

        try:
            self._validator = SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
        except SchemaError as error:
            raise _refusal(pattern, str(error)) from None

    def found_in(self, text: str) -> bool:
        """Whether some part of *text* matches; a text with halves of characters does not."""
        return self._validator.isinstance_python(text)


@lru_cache(maxsize=256)
def expression(pattern: str) -> Expression:
    """Return the expression that is written *pattern*; the same one for the runs to come.

    Raises:
        ExpressionError: it is none.
    """
    return Expression(pattern)


def any_of(words: Iterable[bytes]) -> Expression:
    """Return what finds any of *words* in ASCII, in one go however many there are; it finds none of none."""
    ascii_words = [word.decode() for word in words if word.isascii()]
    return Expression("|".join(map(re.escape, ascii_words)) or _NOTHING)


def check_expression(pattern: str) -> str:
    """Return *pattern* if it can be searched for in a line.

    Raises:
        ExpressionError: it cannot.
    """
    if len(pattern) > _LONGEST:
        raise ExpressionError(f"the expression is longer than {_LONGEST} characters")
    if "\n" in pattern:
        raise ExpressionError(f"{quoted(pattern)} has a line end, and each line is searched by itself; write | between")
    expression(pattern)
    return pattern


def _refusal(pattern: str, told: str) -> ExpressionError:
    caret = _CARET.search(told)
    offset = 0 if caret is None else len(caret[1])
    why = told.rpartition("error: ")[2] if "error: " in told else "it needs too much memory"
    hint = next((hint for word, hint in _HINTS.items() if word in told), "")
    place = "" if caret is None else f" at character {offset + 1}"
    return ExpressionError(f"{quoted(pattern)} is not a regular expression{place}: {why}{hint}", offset)
