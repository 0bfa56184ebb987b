"""What all parts of a job file share: strict, frozen models and forgiving scalars."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema


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
