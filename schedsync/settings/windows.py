"""Blackouts and sync windows: when slots are not run, and when changes of the folder may become live."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from schedsync.plan.windows import Kind, SyncWindow, SyncWindows
from schedsync.runs.blackouts import Blackout, Blackouts
from schedsync.settings.base import Group, listed
from schedsync.specs.cron.expression import CronExpression
from schedsync.specs.durations import PositiveDuration
from schedsync.specs.moments import Start
from schedsync.specs.windows import Chosen, Fixed, Recurring, Window
from schedsync.specs.wording import quoted
from schedsync.specs.zones import check_zone, resolve_local

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,99}")
_PATTERN = re.compile(r"[A-Za-z0-9._*?\[\]!-]+")
_LONGEST_REASON = 200
"""Characters; it becomes a part of the reasons of runs."""
_WAYS = 'give from and to, as in from = 2026-12-24 and to = 2026-12-26, or cron and duration, as in cron = "0 22 * * *"'
_DAY = timedelta(days=1)


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name) or "__" in name:
        raise ValueError(f"{quoted(name)} cannot be the name of a window: use a-z, 0-9, _ and -, a letter first")
    return name


def _check_cron(text: str) -> str:
    _ = CronExpression.parse(text)
    return text


def _check_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        if not _PATTERN.fullmatch(pattern):
            raise ValueError(f'{quoted(pattern)} matches no id: write one, or a pattern with * and ?, such as "erp.*"')
    return patterns


def _check_some(given: tuple[str, ...]) -> tuple[str, ...]:
    if not given:
        raise ValueError("there is nothing in the list, so this would concern no job; leave it out for all jobs")
    return given


def _check_reason(text: str) -> str:
    if len(text) > _LONGEST_REASON or not text.isprintable() or not text.strip():
        raise ValueError(f"expected a line of up to {_LONGEST_REASON} characters, found {quoted(text)}")
    return text.strip()


WindowName = Annotated[str, AfterValidator(_check_name)]
_Words = Annotated[tuple[str, ...], BeforeValidator(listed), AfterValidator(_check_some)]


class WindowSettings(Group):
    """When, and which jobs it is about."""

    from_: Start | None = Field(
        None, alias="from", description="When it begins: a time, or a day, which it begins with; needs to."
    )
    to: Start | None = Field(None, description="When it ends: a time, which is not in it, or a day, which wholly is.")
    cron: Annotated[str, AfterValidator(_check_cron)] | None = Field(
        None, description="When it begins again and again: a cron expression as in job files; needs duration."
    )
    duration: PositiveDuration | None = Field(None, description="How long it lasts each time, in elapsed time.")
    timezone: Annotated[str, AfterValidator(check_zone)] | None = Field(
        None, description="IANA zone of its times; default: jobs.timezone."
    )
    jobs: Annotated[_Words, AfterValidator(_check_patterns)] | None = Field(
        None, description='Which jobs, by patterns of their ids, such as "erp.*"; default: all.'
    )
    tags: _Words | None = Field(None, description="Only jobs with one of these tags.")
    reason: Annotated[str, AfterValidator(_check_reason)] | None = Field(None, description="Why, for people.")

    @model_validator(mode="after")
    def _in_one_way(self) -> Self:
        given = {"from": self.from_, "to": self.to, "cron": self.cron, "duration": self.duration}
        names = [name for name, value in given.items() if value is not None]
        if names not in (["from", "to"], ["cron", "duration"]):
            raise ValueError(f'{_WAYS} and duration = "6h"; found {" and ".join(names) or "none of them"}')
        return self

    def window(self, name: str, zone: str) -> Window:
        """Return when it is.

        Args:
            name: its own, from which an ``H`` in its expression follows.
            zone: the IANA zone of its times where it names none.

        Raises:
            ValueError: it ends before it begins.
        """
        where = ZoneInfo(self.timezone or zone)
        if self.cron is not None and self.duration is not None:
            return Recurring(CronExpression.parse(self.cron, job_id=name), self.duration, where)
        if self.from_ is None or self.to is None:
            raise AssertionError(self)  # pragma: no cover - it is given in one way or the other
        start = _instant(self.from_, where)
        end = _instant(self.to if isinstance(self.to, datetime) else self.to + _DAY, where)
        if end <= start:
            raise ValueError(f"to ({self.to}) is not after from ({self.from_}), so it would never be; exchange them")
        return Fixed(start, end)

    @property
    def chosen(self) -> Chosen:
        """The jobs that it is about."""
        return Chosen(self.jobs or (), self.tags or ())


def _instant(bound: date, zone: ZoneInfo) -> datetime:
    moment = bound if isinstance(bound, datetime) else datetime.combine(bound, time())
    return resolve_local(moment, zone) if moment.tzinfo is None else moment.astimezone(UTC)


class BlackoutSettings(WindowSettings):
    """A time in which slots are not run."""


class SyncWindowSettings(WindowSettings):
    """A time in which changes of the folder may become live, or may not."""

    kind: Kind = Field(description="allow: changes may become live in it only; deny: they may not in it.")


W = TypeVar("W", bound=WindowSettings)


def _each(group: str, given: Mapping[str, W], zone: str) -> Iterable[tuple[str, W, Window]]:
    for name, one in given.items():
        try:
            yield name, one, one.window(name, zone)
        except ValueError as error:
            raise ValueError(f"{group}.{name}: {error}") from None


def blackouts(given: Mapping[str, BlackoutSettings], zone: str) -> Blackouts:
    """Return the blackouts that settings name; *zone* is that of jobs which name none.

    Raises:
        ValueError: one of them would never be; the message begins with its place in the settings.
    """
    each = _each("blackouts", given, zone)
    return Blackouts(tuple(Blackout(name, window, one.chosen, one.reason) for name, one, window in each))


def sync_windows(given: Mapping[str, SyncWindowSettings], zone: str) -> SyncWindows:
    """Return the sync windows that settings name; as for ``blackouts``."""
    each = _each("sync_windows", given, zone)
    return SyncWindows(tuple(SyncWindow(name, one.kind, window, one.chosen, one.reason) for name, one, window in each))
