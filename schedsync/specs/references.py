"""Values that are not written in the file: it says where they are, and each run looks there when it starts."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from schedsync.specs.base import Model, Text, no_nul
from schedsync.specs.variables import may_be_setting
from schedsync.specs.wording import quoted

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What a variable may be called."""


def _check_source(name: str) -> str:
    if not VARIABLE.fullmatch(name):
        raise ValueError(f'{quoted(name)} is not a variable name; use letters, digits and "_", no digit first')
    if may_be_setting(name):
        raise ValueError(f'"{name}" is a setting of schedsync, which jobs do not get; give the value a name of its own')
    return name


class FileReference(Model):
    """A value in a file."""

    file: Annotated[Text, Field(min_length=1), AfterValidator(no_nul)] = Field(
        description="Path, relative to the job file; the text in it, without the line end at its end."
    )


class VariableReference(Model):
    """A value in the environment of the service."""

    env: Annotated[str, AfterValidator(_check_source)] = Field(description="Name of a variable of the service.")


Reference = FileReference | VariableReference


def check_source(value: object) -> object:
    """Return *value* if it is text or names one source.

    Raises:
        ValueError: it is a mapping that does not; what it is is not said, since it may be a secret.
    """
    if isinstance(value, dict) and value.keys() not in ({"file"}, {"env"}):
        raise ValueError("a mapping here names one source of the value; write text, {file: path} or {env: NAME}")
    return value


def value_kind(value: object) -> str:
    """Return the tag of what a value is: as it is written, or where it is."""
    if isinstance(value, dict):
        return "ValueFile" if "file" in value else "ValueVariable"
    if isinstance(value, FileReference):
        return "ValueFile"
    return "ValueVariable" if isinstance(value, VariableReference) else "ValueText"
