"""What a page was asked for: the query of a form, in which fields that were left empty say nothing."""

from collections.abc import Mapping
from typing import TypeVar

from flask import request, url_for

from schedsync.api.parsing import MalformedRequestError, Mistake, Said, validated
from schedsync.specs.wording import shown

M = TypeVar("M", bound=Said)
DONE = "done"
"""Says on a page what a form has just done; it chooses nothing."""


def query(model: type[M], **own: str) -> M:
    """Return the query of the current request, without empty fields and over what the page says itself.

    Raises:
        MalformedRequestError: it is not what *model* says.
    """
    return validated(model, {**own, **{name: text for name, text in said().items() if name != DONE}})


def done(words: Mapping[str, str]) -> str:
    """Return in words what has just been done; empty for nothing.

    Raises:
        MalformedRequestError: the query says something that is not among *words*.
    """
    what = said().get(DONE, "")
    if what and what not in words:
        raise MalformedRequestError([Mistake(DONE, shown(what), f"expected {' or '.join(words)}, found {shown(what)}")])
    return words.get(what, "")


def form(model: type[M]) -> M:
    """Return the form of the current request, without empty fields.

    Raises:
        MalformedRequestError: it is not what *model* says.
    """
    return validated(model, {name: text.strip() for name, text in request.form.items() if text.strip()})


def said() -> dict[str, str]:
    """Return what the current request says in its query; fields that are empty are left out."""
    return {name: text.strip() for name, text in request.args.items() if text.strip()}


def here(**changes: str | None) -> str:
    """Return the address of this page with other fields; None removes one, and paging begins anew."""
    fields = {**said(), "cursor": None, DONE: None, **changes}
    path: dict[str, str] = dict(request.view_args or {})
    return url_for(request.endpoint or "", **path, **fields)  # type: ignore[arg-type] # None is left out
