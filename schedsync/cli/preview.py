"""When jobs fire, as their files say now: a preview before they are applied."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from schedsync.cli.ahead import Ahead, look_ahead
from schedsync.cli.options import Options
from schedsync.cli.output import say, say_json
from schedsync.cli.painting import Line, Paint, painted
from schedsync.cli.times import shown
from schedsync.clock import EPOCH, MICROSECOND, rfc3339, utc_now
from schedsync.runs.blackouts import Blackouts
from schedsync.specs.following import Follows
from schedsync.specs.in_short import in_short
from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import first_fires, next_fire
from schedsync.specs.wording import AT_BOOT


def show(options: Options, job_id: str | None, count: int, since: datetime | None, zone: ZoneInfo | None) -> None:
    """Print the next *count* slots of each job, or of one, that are not before *since*; None: not before now.

    Args:
        options: where the folder is.
        job_id: the job; None: all.
        count: how many slots of each.
        since: the first instant to look at (UTC).
        zone: in which the slots are shown; None: each in that of its trigger.

    Raises:
        FolderUnavailableError: there is no job to look at.
        JobNotFoundError: not the one that is meant.
    """
    now = utc_now()
    ahead = look_ahead(options.settings(), job_id, now)
    after = max(since or now, EPOCH) - MICROSECOND
    fires = {
        spec.id: first_fires(spec.schedule, after, count, job_id=spec.id, anchor=ahead.anchors[spec.id])
        for spec in ahead.specs
    }
    if options.as_json:
        asked = {} if zone is None else {"timezone": zone.key}
        say_json({**asked, "jobs": [_as_json(spec, fires[spec.id], ahead.blackouts) for spec in ahead.specs]})
    else:
        for spec in ahead.specs:
            say(_lines(spec, fires[spec.id], ahead, zone))
    if job_id is None:
        ahead.say_what_is_missing()


def _as_json(spec: JobSpec, slots: list[datetime], blackouts: Blackouts) -> dict[str, Any]:
    after = {} if spec.after is None else {"after": spec.after}
    at_boot = {"at_boot": True} if spec.follows is Follows.BOOTS else {}
    dark = [(slot, blackout) for slot in slots if (blackout := blackouts.over(spec.id, spec.tags, slot)) is not None]
    skipped = {"skipped": [{"at": rfc3339(slot), "blackout": blackout.name} for slot, blackout in dark]} if dark else {}
    return {"id": spec.id, "fires": [rfc3339(slot) for slot in slots], **skipped, **after, **at_boot}


def _lines(spec: JobSpec, slots: list[datetime], ahead: Ahead, asked: ZoneInfo | None) -> Iterator[Line]:
    yield painted(spec.id, Paint.STRONG) + f"  ({in_short(spec)}{', suspended' if spec.suspend else ''})"
    for slot in slots:
        zone = asked or _zone_of(spec, slot, ahead.anchors[spec.id])
        local = f"{slot.astimezone(zone):%a %Y-%m-%d %H:%M:%S %z} {zone.key}  "
        line = f"  {local if zone.key != 'UTC' else f'{slot.astimezone(UTC):%a} '}{shown(slot)}"
        yield line + _skipped(spec, slot, ahead.blackouts)
    if spec.follows is Follows.RUNS:
        yield "  when one of these runs ends so"
    elif spec.follows is Follows.BOOTS:
        yield f"  {AT_BOOT}"
    elif not slots:
        yield "  no slot is left"


def _skipped(spec: JobSpec, slot: datetime, blackouts: Blackouts) -> Line:
    blackout = blackouts.over(spec.id, spec.tags, slot)
    return "" if blackout is None else painted(f"  skipped: {blackout.said}", Paint.CARE)


def _zone_of(spec: JobSpec, slot: datetime, anchor: datetime) -> ZoneInfo:
    """Return the time zone of the trigger that *slot* comes from."""
    for trigger in spec.schedule:
        if next_fire((trigger,), slot - MICROSECOND, job_id=spec.id, anchor=anchor) == slot:
            return trigger.zone
    raise AssertionError(slot)  # pragma: no cover - each slot has its trigger
