"""What commands print: answers on stdout, as lines or as JSON; everything else on stderr."""

import json
from collections.abc import Iterable
from typing import Any

import click

from schedsync.cli.terminal import columns, cut, printable


def say(lines: Iterable[str]) -> None:
    """Print *lines*."""
    for line in lines:
        click.echo(printable(line))


def say_table(lines: Iterable[str]) -> None:
    """Print *lines*; on a terminal each is cut to its width."""
    room = columns()
    say(cut(line, room) for line in lines)


def say_json(value: Any) -> None:
    """Print *value* as JSON, in ASCII, so that it survives any encoding of stdout."""
    click.echo(json.dumps(value, indent=2))


def complain(message: str) -> None:
    """Say on stderr what went wrong, or what a reader of the answer has to know."""
    click.echo("\n".join(printable(line) for line in f"schedsync: {message}".splitlines()), err=True)


def complain_each(lines: Iterable[str]) -> None:
    """Print *lines* on stderr as they are."""
    for line in lines:
        click.echo(printable(line), err=True)


def counted(count: int, noun: str) -> str:
    """Return *count* with its noun: ``1 job``, ``2 jobs``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
