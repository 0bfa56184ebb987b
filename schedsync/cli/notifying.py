"""``schedsync notify``: try a channel, and see what was told."""

from typing import Any

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import Options, command, common
from schedsync.cli.output import complain, say, say_json, say_table
from schedsync.cli.painting import Line, Paint, words
from schedsync.cli.stores import current
from schedsync.cli.tables import table
from schedsync.cli.times import shown
from schedsync.clock import rfc3339, utc_now
from schedsync.notify.channel import Surroundings, values_of
from schedsync.notify.courier import Courier
from schedsync.runs.notices import Notice
from schedsync.specs.notify import Event
from schedsync.store.notices import FAILED, SENT, Posted
from schedsync.store.telling import PENDING

_HEADING = ("HAPPENED", "EVENT", "JOB", "CHANNEL", "STATE", "TRIES", "ERROR")
_REASON = "this is a test of the channel; no job has failed"


@click.group("notify")
def notify() -> None:
    """Try a channel, or list what was told."""


common(notify, remote=False)


@notify.add_command
@command("test")
@click.argument("name", metavar="CHANNEL")
def test(options: Options, *, name: str) -> int:
    """Send a test to a channel, and say what came of it."""
    settings = options.settings()
    if name not in settings.channels:
        known = ", ".join(settings.channels) or "none"
        raise click.UsageError(f'the settings have no channel "{name}"; they have {known}.')
    channel = settings.channels[name].channel(name)
    notice = Notice("test", name, Event.FAILED, "schedsync.test", utc_now(), reason=_REASON)
    courier = Courier()
    try:
        error = courier.deliver(channel.request(values_of(notice, Surroundings())))
    finally:
        courier.rest()
    if options.as_json:
        say_json({"channel": name, "sent": error is None, "error": error})
    elif error is None:
        say([f"{name}: sent, by {channel.shown}; see whether it has arrived"])
    else:
        complain(f"{name}: not sent: {error}", Paint.BAD)
    return Exit.OK if error is None else Exit.FAILURE


@notify.add_command
@command("list")
@click.option("--state", type=click.Choice([PENDING, SENT, FAILED]), help="Only those of this state.")
@click.option("-n", "count", type=click.IntRange(1, 10_000), default=20, show_default=True, help="The most to list.")
def listed(options: Options, *, state: str | None, count: int) -> int:
    """List notices, newest first, with what became of them."""
    with current(options.settings()) as store:
        found = store.notices.newest(state=state, limit=count)
    if options.as_json:
        say_json({"notices": [_shown(posted) for posted in found]})
    else:
        say_table(table(_HEADING, map(_row, found)))
    return Exit.OK


def _row(posted: Posted) -> tuple[Line | None, ...]:
    notice = posted.notice
    where = (shown(notice.happened_at), notice.event.value, notice.job_id, notice.channel)
    return *where, words(posted.state), str(notice.tries), posted.error


def _shown(posted: Posted) -> dict[str, Any]:
    notice = posted.notice
    return {
        "id": notice.id,
        "happened_at": rfc3339(notice.happened_at),
        "event": notice.event.value,
        "job_id": notice.job_id,
        "run_id": notice.run_id,
        "channel": notice.channel,
        "state": posted.state,
        "tries": notice.tries,
        "error": posted.error,
    }
