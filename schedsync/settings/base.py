"""What all groups of settings are, and kinds of value that several have."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from schedsync.specs.limits import parse_size


def _bytes(value: object) -> int:
    if isinstance(value, str) and value.strip().isdecimal():  # a variable, which knows no numbers
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else parse_size(value)


Size = Annotated[int, BeforeValidator(_bytes)]
"""A number of bytes, or a size with a unit, such as ``20MiB``."""


def listed(words: object) -> object:
    """Take a list, or, since a variable is text, words with commas between them."""
    return [word.strip() for word in words.split(",") if word.strip()] if isinstance(words, str) else words


class Group(BaseModel):
    """Settings that belong together: unknown names are refused, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)
