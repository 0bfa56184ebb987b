"""``schedsync next``: when jobs fire, as their files say now; a preview before they are applied."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from schedsync.cli import diagnostics
from schedsync.cli.exits import Exit
from schedsync.cli.folder import Checked, check_folder
from schedsync.cli.options import JOB_ID, Options, command
from schedsync.cli.output import complain, complain_each, say, say_json
from schedsync.cli.stores import current
from schedsync.cli.times import MOMENT, shown
from schedsync.clock import EPOCH, MICROSECOND, rfc3339, utc_now
from schedsync.errors import DatabaseUnavailableError, JobNotFoundError, SchemaError
from schedsync.settings import Settings
from schedsync.specs.in_short import in_short
from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import first_fires, next_fire


@command("next")
@click.argument("job_id", type=JOB_ID, metavar="[ID]", required=False)
@click.option(
    "-n", "count", type=click.IntRange(1, 10_000), default=10, show_default=True, help="How many of each job."
)
@click.option("--from", "since", type=MOMENT, metavar="T", help="The first instant to look at; default: now.")
def upcoming(options: Options, *, job_id: str | None, count: int, since: datetime | None) -> int:
    """Show when the jobs of the folder fire.

    The files are asked, not the database, so this is a preview of what is not applied yet. Only the phase of `every` is
    taken from the live jobs, if there are any. Pauses are not looked at.
    """
    settings = options.settings()
    checked = check_folder(settings.jobs)
    specs = _chosen(checked, job_id)
    now = utc_now()
    anchors = dict.fromkeys((spec.id for spec in specs), now.replace(microsecond=0)) | _anchors(settings, specs)
    after = max(since or now, EPOCH) - MICROSECOND
    fires = {
        spec.id: first_fires(spec.schedule, after, count, job_id=spec.id, anchor=anchors[spec.id]) for spec in specs
    }
    if options.as_json:
        say_json({"jobs": [_as_json(spec, fires[spec.id]) for spec in specs]})
    else:
        for spec in specs:
            say(_lines(spec, fires[spec.id], anchors[spec.id]))
    if checked.problems and job_id is None:
        complain(f"{diagnostics.tally(checked.problems)}; `schedsync validate` shows what is left out here")
    return Exit.OK


def _chosen(checked: Checked, job_id: str | None) -> list[JobSpec]:
    if job_id is None:
        return [checked.jobs[known].spec for known in sorted(checked.jobs)]
    if job_id not in checked.jobs:
        complain_each(diagnostics.concise(checked.problems, checked.root))
        raise JobNotFoundError(job_id)
    return [checked.jobs[job_id].spec]


def _anchors(settings: Settings, specs: list[JobSpec]) -> dict[str, datetime]:
    """Return where the ``every`` of live jobs counts from, also of those that the folder renames."""
    try:
        with current(settings) as store:
            live = store.jobs.observe().jobs
    except (SchemaError, DatabaseUnavailableError):
        return {}  # nothing is live, or it cannot be known: a preview goes without
    names = {spec.id: spec.id if spec.id in live else spec.renamed_from for spec in specs}
    return {new: live[old].anchor_at for new, old in names.items() if old is not None and old in live}


def _as_json(spec: JobSpec, slots: list[datetime]) -> dict[str, Any]:
    after = {} if spec.after is None else {"after": spec.after}
    return {"id": spec.id, "fires": [rfc3339(slot) for slot in slots], **after}


def _lines(spec: JobSpec, slots: list[datetime], anchor: datetime) -> Iterator[str]:
    yield f"{spec.id}  ({in_short(spec)}{', suspended' if spec.suspend else ''})"
    for slot in slots:
        zone = _zone_of(spec, slot, anchor)
        local = f"{slot.astimezone(zone):%a %Y-%m-%d %H:%M:%S %z} {zone.key}  "
        yield f"  {local if zone.key != 'UTC' else f'{slot.astimezone(UTC):%a} '}{shown(slot)}"
    if not slots:
        yield "  no slot is left" if spec.after is None else "  when one of these runs ends so"


def _zone_of(spec: JobSpec, slot: datetime, anchor: datetime) -> ZoneInfo:
    """Return the time zone of the trigger that *slot* comes from."""
    for trigger in spec.schedule:
        if next_fire((trigger,), slot - MICROSECOND, job_id=spec.id, anchor=anchor) == slot:
            return trigger.zone
    raise AssertionError(slot)  # pragma: no cover - each slot has its trigger
