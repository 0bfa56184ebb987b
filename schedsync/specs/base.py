"""What all parts of a job file share: strict, frozen models and forgiving scalars."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class FieldValueError(ValueError):
    """A mistake in one field that shows only beside others: found when all of them have been read."""

    def __init__(self, field: str, message: str, *, within: tuple[int, ...] = ()) -> None:
        """Make one.

        Args:
            field: that has it.
            message: what is wrong, and what to write.
            within: where what has that field is in what was validated.
        """
        super().__init__(message)
        self.field, self.within = field, within


@dataclass(frozen=True, slots=True)
class OneOrMore:
    """Says in the JSON schema of what is read that one item may stand there without a list."""

    also: tuple[str, ...] = ()
    """Words that may stand there, too."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema of one, or of a list; what is written has a list always."""
        many = handler(core)
        if handler.mode != "validation":
            return many
        return {"anyOf": [*({"const": word} for word in self.also), many["items"], many]}


@dataclass(frozen=True, slots=True)
class OrText:
    """Says in the JSON schema of what is read that a text may stand there."""

    description: str
    """What it is."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema of either; what is written is no text."""
        written = handler(core)
        if handler.mode != "validation":
            return written
        return {"anyOf": [{"type": "string", "description": self.description}, written]}


def in_any_case(words: Sequence[str]) -> JsonSchemaValue:
    """Return the JSON schema of one of *words*, which may be written in upper case."""
    either = "|".join("".join(f"[{letter}{letter.upper()}]" for letter in word) for word in words)
    return {"anyOf": [{"enum": [*words]}, {"type": "string", "pattern": f"^({either})$"}]}


class Model(BaseModel):
    """A part of a job file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        # The value stays unsaid: 1.50 has become 1.5 by now, and in a variable it may be a secret.
        raise ValueError("a number with a point can be written in more than one way; put it in quotes")  # noqa: TRY004 - pydantic reports ValueError only
    return value


Text = Annotated[str, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "integer", "boolean"]})]
"""A string; whole numbers and true/false are taken as they are written, so ``PORT: 8080`` needs no quotes."""


def no_nul(value: str) -> str:
    """Refuse a text that could not be an argument or a variable of a process.

    Raises:
        ValueError: it contains a NUL character.
    """
    if "\0" in value:
        raise ValueError("a NUL character cannot be passed to a process")
    return value
