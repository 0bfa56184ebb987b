"""Who is told of what: a job's notices, and the pings that a monitor outside waits for."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from schedsync.specs.base import Model, OneOrMore, OrText, Text, no_nul
from schedsync.specs.references import FileReference, Reference, VariableReference
from schedsync.specs.wording import quoted

_CHANNEL = re.compile(r"[a-z][a-z0-9_-]{0,99}")
_WEB = re.compile(r"https?://[^\s/]+.*")
_USER = re.compile(r"https?://[^/?#]*@", re.IGNORECASE)


class Event(StrEnum):
    """What somebody may want to hear of. It is about a slot: an attempt that is tried again tells nothing."""

    FAILED = "failed"
    """A slot failed or timed out, for the first time since the job succeeded."""
    RECOVERED = "recovered"
    """The first success after a failure that was told."""
    LATE = "late"
    """A slot has not ended in time, or the job has not succeeded for too long."""
    LOST = "lost"
    """It is not known how a slot ended, for the first time since the job succeeded."""
    GAVE_UP = "gave_up"
    """The last of several attempts failed, for the first time since the job succeeded."""


def check_channel_name(name: str) -> str:
    """Return *name* if a channel may be called so.

    Raises:
        ValueError: it may not; the message says what may.
    """
    if not _CHANNEL.fullmatch(name) or "__" in name:
        raise ValueError(f"{quoted(name)} cannot be the name of a channel: use a-z, 0-9, _ and -, a letter first")
    return name


def _once_each(channels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(channels))


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _as_set(events: tuple[Event, ...]) -> tuple[Event, ...]:
    """Return *events* once each, in one order, so that how they were listed changes no digest."""
    return tuple(event for event in Event if event in events)


class Notify(Model):
    """Which events are told, and where."""

    on: Annotated[tuple[Event, ...], AfterValidator(_as_set), Field(min_length=1)] = Field(
        (Event.FAILED, Event.RECOVERED, Event.LATE), description="What is told."
    )
    to: Annotated[
        tuple[Annotated[Text, AfterValidator(check_channel_name)], ...],
        BeforeValidator(_as_list),
        AfterValidator(_once_each),
        OneOrMore(),
    ] = Field(description="The channels: names under [channels] in the settings of the service; [] tells nobody.")


def _as_mapping(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


def has_user(url: str) -> bool:
    """Say whether an address of the web holds a user or a password: nobody sends these."""
    return _USER.match(url) is not None


def _check_url(url: str) -> str:
    if not _WEB.fullmatch(url):
        raise ValueError("expected a URL that begins with http:// or https://")
    if has_user(url):
        raise ValueError("a monitor gets no user or password; write a URL without")
    return url


def _check_variable(name: str) -> str:
    try:
        return VariableReference(env=name).env
    except ValidationError as error:
        raise ValueError(error.errors()[0]["ctx"]["error"]) from None


class Healthcheck(Model):
    """A monitor that is pinged, in the manner of healthchecks.io; one of url, file and env says where it is."""

    url: Annotated[str, AfterValidator(_check_url)] | None = Field(
        None, description="The URL, without /start or /fail."
    )
    file: Annotated[Text, Field(min_length=1), AfterValidator(no_nul)] | None = Field(
        None, description="A file that holds the URL; relative to the job file."
    )
    env: Annotated[str, AfterValidator(_check_variable)] | None = Field(
        None, description="A variable of the service that holds the URL."
    )
    start: bool = Field(default=True, strict=True, description="Whether the start of a run is told, too.")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = [name for name in ("url", "file", "env") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of url, file, env; there are {len(given)}")
        return self

    @property
    def where(self) -> str | Reference:
        """The URL, or where it is."""
        if self.file is not None:
            return FileReference(file=self.file)
        return VariableReference(env=self.env) if self.env is not None else str(self.url)


AnyHealthcheck = Annotated[Healthcheck, BeforeValidator(_as_mapping), OrText("The URL.")]
"""A healthcheck; the URL alone will do."""
