"""What an operator sends: the bodies of the POST requests. `control` decides whether the wish can be granted."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from schedsync.api.parsing import Said
from schedsync.control import parse_end
from schedsync.specs.wording import shown


def _moment(value: object) -> datetime | timedelta | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004 - pydantic reports ValueError only
            f'expected a time, found {shown(value)}; write it like "2027-01-31T23:59:59Z", or a duration: "2h"'
        )
    return parse_end(value)


_MOMENT = {
    "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "pattern": "[0-9]"}, {"type": "null"}],
    "examples": ["2027-01-31T23:59:59Z", "2h", "1d12h", "PT15M"],
}
Reason = Annotated[str | None, Field(max_length=1000)]


class Nothing(Said):
    """A wish that needs no words."""


class ResumeWish(Said):
    """To end a pause."""

    reason: Reason = None
    """Why, for others."""


class RunWish(Said):
    """To run a job now."""

    reason: Reason = None
    """Why, for others."""


class PauseWish(Said):
    """To pause."""

    until: Annotated[datetime | timedelta | None, PlainValidator(_moment), WithJsonSchema(_MOMENT)] = None
    """A time, or a duration from now."""
    reason: Reason = None
    """Why, for others."""

    def until_at(self, now: datetime) -> datetime | None:
        """Return when the pause is to end (UTC), or None when somebody has to end it."""
        return now + self.until if isinstance(self.until, timedelta) else self.until
