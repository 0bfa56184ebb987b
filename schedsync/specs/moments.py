"""Times and days as people write them, and the span of years in which they make sense."""

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from schedsync.specs.wording import quoted, shown

FIRST_YEAR, LAST_YEAR = 1970, 9998
"""Beyond these, an offset may lead out of what Python can hold."""
_TIME_HINT = 'write it like "2027-01-31T23:59:59", with an offset or "Z" if it is not in the schedule\'s time zone'


def _parse_moment(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError(f"expected a time, found {shown(value)}; {_TIME_HINT}")  # noqa: TRY004 - pydantic reports ValueError only
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        raise ValueError(f"{quoted(value)} is not a time; {_TIME_HINT}") from None


def _parse_day_or_moment(value: object) -> date | datetime:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    return _parse_moment(value)


def _check_not_early(moment: date) -> date:
    if moment.year < FIRST_YEAR:
        raise ValueError(f"the year {moment.year} is too early; write {FIRST_YEAR} or later")
    return moment


def _check_not_late(moment: date) -> date:
    if moment.year > LAST_YEAR:
        raise ValueError(f"the year {moment.year} is too late; write {LAST_YEAR} or earlier")
    return moment


_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO = PlainSerializer(lambda value: value.isoformat(), return_type=str, when_used="json")
Moment = Annotated[
    datetime,
    BeforeValidator(_parse_moment),
    AfterValidator(_check_not_early),
    AfterValidator(_check_not_late),
    _ISO,
    WithJsonSchema({"type": "string", "pattern": f"{_DAY}[T ]", "examples": ["2027-01-31T23:59:59"]}),
]
"""A time; without an offset it is wall-clock time in the trigger's zone."""
End = Annotated[
    datetime | date,
    BeforeValidator(_parse_day_or_moment),
    AfterValidator(_check_not_early),
    _ISO,
    WithJsonSchema({"type": "string", "pattern": _DAY, "examples": ["2027-01-31", "2027-01-31T23:59:59Z"]}),
]
"""A time, or a whole day in the trigger's zone; any late one will do, as in 9999-12-31 for "never"."""
Start = Annotated[End, AfterValidator(_check_not_late)]
"""Like an end, but one that can be waited for."""
