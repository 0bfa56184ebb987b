"""What a request says, parsed once, before or at the beginning of its view; nothing that was said is ignored."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import UnsupportedMediaType

from schedsync.errors import JobNotFoundError, RunNotFoundError, SchedsyncError
from schedsync.specs.ids import check_id
from schedsync.specs.wording import quoted, shown

MOST_FIELDS = 50
"""How many parameters are looked at; a request may have tens of thousands, and each costs time."""
RUN_ID = re.compile(r"[0-9A-Za-z._-]{1,32}")


class Said(BaseModel):
    """What a request may say: fields that are not listed are mistakes, and nothing is converted by guessing."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


M = TypeVar("M", bound=Said)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong with a request."""

    field: str
    """The query parameter or the field of the body; ``body`` for all of it."""
    found: str
    message: str
    """What is wrong and what to write instead."""


class MalformedRequestError(SchedsyncError):
    """A request that cannot be taken as it is; nothing was done."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(f"{mistake.field}: {mistake.message}" for mistake in mistakes))
        self.mistakes = mistakes


def check_ids() -> None:
    """Refuse a path whose job or run cannot exist, so that no database is asked for what it may not even compare.

    Raises:
        JobNotFoundError: no job can have this id.
        RunNotFoundError: no run can.
    """
    named = request.view_args or {}
    if "run_id" in named and not RUN_ID.fullmatch(named["run_id"]):
        raise RunNotFoundError(named["run_id"])
    if "job_id" in named:
        try:
            check_id(named["job_id"])
        except ValueError:
            raise JobNotFoundError(named["job_id"]) from None


def body_of(model: type[M]) -> M:
    """Return the JSON body of the current request; no body is an empty one.

    Raises:
        MalformedRequestError: it is not what *model* says.
        UnsupportedMediaType: it is not declared to be JSON.
        RequestEntityTooLarge: it is.
    """
    data = request.get_data()
    if data and not request.is_json:
        raise UnsupportedMediaType("Send the body as JSON, with the header Content-Type: application/json.")
    return _validated(model, lambda: model.model_validate_json(data or b"{}"))


def query_of(model: type[M]) -> M:
    """Return the query parameters of the current request.

    Raises:
        MalformedRequestError: they are not what *model* says.
    """
    given = request.args.to_dict(flat=False)
    if len(given) > MOST_FIELDS:
        raise MalformedRequestError([Mistake("query", f"{len(given)} parameters", "nothing here takes so many")])
    repeated = [Mistake(name, f"{len(values)} values", "give it once") for name, values in given.items() if values[1:]]
    if repeated:
        raise MalformedRequestError(repeated)
    return _validated(model, lambda: model.model_validate({name: values[0] for name, values in given.items()}))


def validated(model: type[M], said: dict[str, str]) -> M:
    """Return *said*, the fields of a form, as *model* has them.

    Raises:
        MalformedRequestError: they are not what *model* says.
    """
    return _validated(model, lambda: model.model_validate(said))


def _validated(model: type[M], validate: Callable[[], M]) -> M:
    try:
        return validate()
    except ValidationError as error:
        mistakes = [_mistake(model, details) for details in error.errors(include_url=False)]
        raise MalformedRequestError(mistakes) from None


def _mistake(model: type[Said], details: ErrorDetails) -> Mistake:
    field = ".".join(str(part) for part in details["loc"]) or "body"
    kind, found = details["type"], shown(details["input"])
    if kind == "json_invalid":
        return Mistake(field, "no JSON", f'{details["msg"]}; write it like {{"reason": "storage is being moved"}}')
    return Mistake(field, found, _message(model, field, details, found))


def _message(model: type[Said], field: str, details: ErrorDetails, found: str) -> str:
    match details["type"]:
        case "value_error":
            return str(details["ctx"]["error"])
        case "extra_forbidden":
            names = [each.alias or name for name, each in model.model_fields.items()]
            return f"is not known here; {_instead(field, names)}"
        case "string_type":
            return f"expected text in quotes, found {found}"
        case "string_too_long":
            return f"expected at most {details['ctx']['max_length']} characters, found {len(details['input'])}"
        case "model_type":
            return f"expected a JSON object, found {found}"
        case _:
            return f"{details['msg']}, found {found}"


def _instead(field: str, allowed: list[str]) -> str:
    close = get_close_matches(field.lower(), allowed, n=1)
    if close:
        return f"did you mean {quoted(close[0])}?"
    return f"this takes {', '.join(allowed)}" if allowed else "this takes none"
