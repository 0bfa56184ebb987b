"""Values that JSON can hold and give back unchanged: what a Python function may be handed by a job file. Pure."""

import math

_DEEPEST = 50
_LARGEST_BITS = 1024


def check_json(value: object, where: str = "", depth: int = 0) -> None:
    """Refuse what would not come back from JSON as it was.

    Args:
        value: what to look into.
        where: how its place is written, e.g. ``[0].limits``; for the message.
        depth: how many lists and mappings it is in.

    Raises:
        ValueError: it contains something else than null, true, false, finite numbers, text, lists, and mappings with
            text as keys, or it is nested too deep.
    """
    if depth > _DEEPEST:
        raise ValueError(f"is nested more than {_DEEPEST} levels deep; hand over a file instead")
    if isinstance(value, list):
        for index, item in enumerate(value):
            check_json(item, f"{where}[{index}]", depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_key(key, where)
            check_json(item, f"{where}.{key}", depth + 1)
    else:
        _check_scalar(value, where)


def _check_key(key: object, where: str) -> None:
    if not isinstance(key, str):
        raise ValueError(f"{_at(where)}the key {key!r} is not text; put it in quotes")  # noqa: TRY004 - pydantic reports ValueError only
    _check_scalar(key, where)


def _check_scalar(value: object, where: str) -> None:
    if isinstance(value, str):
        _check_text(value, where)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{_at(where)}{value} is no number that JSON has; hand it over as text")
    elif isinstance(value, int):
        if value.bit_length() > _LARGEST_BITS:
            raise ValueError(f"{_at(where)}the number is too large; hand it over as text")
    elif value is not None:
        hint = "use text, numbers, true, false, null, lists and mappings"
        raise ValueError(f"{_at(where)}a value of the type {type(value).__name__} cannot be handed over; {hint}")


def _check_text(value: str, where: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{_at(where)}the text contains half a character (a lone surrogate)") from None


def _at(where: str) -> str:
    return f"at {where.lstrip('.')}, " if where else ""
