"""When jobs fire, as their files say now: a preview before they are applied."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from schedsync.cli import diagnostics
from schedsync.cli.folder import Checked, check_folder
from schedsync.cli.options import Options
from schedsync.cli.output import complain, complain_each, say, say_json
from schedsync.cli.painting import Line, Paint, painted
from schedsync.cli.stores import current
from schedsync.cli.times import shown
from schedsync.clock import EPOCH, MICROSECOND, rfc3339, utc_now
from schedsync.errors import DatabaseUnavailableError, JobNotFoundError, SchemaError
from schedsync.settings import Settings
from schedsync.specs.in_short import in_short
from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import first_fires, next_fire


def show(options: Options, job_id: str | None, count: int, since: datetime | None) -> None:
    """Print the next *count* slots of each job, or of one, that are not before *since*; None: not before now.

    Raises:
        FolderUnavailableError: there is no job to look at.
        JobNotFoundError: not the one that is meant.
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


def _lines(spec: JobSpec, slots: list[datetime], anchor: datetime) -> Iterator[Line]:
    yield painted(spec.id, Paint.STRONG) + f"  ({in_short(spec)}{', suspended' if spec.suspend else ''})"
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
