"""What commands print: answers on stdout, as lines or as JSON; everything else on stderr."""

import json
from collections.abc import Iterable
from typing import Any

import click

from schedsync.cli.painting import Line, Paint, painted, shown
from schedsync.cli.terminal import columns, is_terminal
from schedsync.status.steering import ColoursOnly


def say(lines: Iterable[Line]) -> None:
    """Print *lines*."""
    for line in lines:
        click.echo(shown(line), color=True)


def say_table(lines: Iterable[Line]) -> None:
    """Print *lines*; on a terminal each is cut to its width."""
    room = columns()
    for line in lines:
        click.echo(shown(line, room=room), color=True)


def say_json(value: Any) -> None:
    """Print *value* as JSON, in ASCII, so that it survives any encoding of stdout."""
    click.echo(json.dumps(value, indent=2))


def say_raw(text: str) -> None:
    """Print *text* as it is."""
    click.echo(text, nl=False, color=True)


def say_printed(parts: Iterable[str]) -> None:
    """Print *parts*, which a job has printed: as they are, and on a terminal only what does not steer it."""
    if not is_terminal():
        for part in parts:
            say_raw(part)
        return
    cleaned = ColoursOnly()
    try:
        for part in parts:
            say_raw(cleaned.part(part))
    finally:
        say_raw(cleaned.end())


def complain(message: str, paint: Paint | None = None) -> None:
    """Say on stderr what a reader of the answer has to know; in BAD: what went wrong."""
    first, *more = message.splitlines() or [""]
    complain_each([painted("schedsync:", paint) + f" {first}", *more])


def complain_each(lines: Iterable[Line]) -> None:
    """Print *lines* on stderr as they are."""
    for line in lines:
        click.echo(shown(line, err=True), err=True, color=True)


def counted(count: int, noun: str) -> str:
    """Return *count* with its noun: ``1 job``, ``2 jobs``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
