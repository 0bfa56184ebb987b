"""What a page was asked for: the query of a form, in which fields that were left empty say nothing."""

from typing import TypeVar

from flask import request, url_for

from schedsync.api.parsing import Said, validated

M = TypeVar("M", bound=Said)


def query(model: type[M], **own: str) -> M:
    """Return the query of the current request, without empty fields and over what the page says itself.

    Raises:
        MalformedRequestError: it is not what *model* says.
    """
    return validated(model, {**own, **said()})


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
    fields = {**said(), "cursor": None, **changes}
    path: dict[str, str] = dict(request.view_args or {})
    return url_for(request.endpoint or "", **path, **fields)  # type: ignore[arg-type] # None is left out
