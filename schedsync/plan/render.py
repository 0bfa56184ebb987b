"""A plan as text for people and as JSON for programs."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from schedsync.plan.calendar_changes import calendar_changes
from schedsync.plan.changes import changes
from schedsync.plan.ops import Change, Plan, Update
from schedsync.specs.calendars import with_names
from schedsync.specs.job import JobSpec

OldSpecs = Mapping[str, JobSpec]
"""The live specs of the jobs that a plan updates, by the id that is live now."""

_VERBS = {
    "added": "add",
    "updated": "update",
    "renamed": "rename",
    "moved": "move",
    "healed": "heal",
    "removed": "remove",
}


def to_json(plan: Plan, old: OldSpecs) -> dict[str, Any]:
    """Return *plan* in the shape that ``schedsync plan --json`` promises."""
    return {
        "revision": plan.revision,
        "add": [add.job.spec.id for add in plan.add],
        "update": [
            {"id": update.before.id, "fields": _fields(update, old)}
            for update in plan.update
            if update.changes_spec and not update.renames
        ],
        "rename": [
            {"from": update.before.id, "to": update.job.spec.id, "fields": _fields(update, old)}
            for update in plan.update
            if update.renames
        ],
        "move": [
            {"id": update.before.id, "from": update.before.source.file, "to": update.job.source.file}
            for update in plan.update
            if update.moves
        ],
        "heal": [update.before.id for update in plan.update if update.heals],
        "remove": [removal.before.id for removal in plan.remove],
        "hold": [
            *(_held(held.before.id, held.before.source.file, Change.REMOVAL, None, held.why) for held in plan.hold),
            *(_held(wait.job_id, wait.file, wait.change, wait.window, wait.why) for wait in plan.wait),
        ],
        "keep": [keep.before.id for keep in plan.keep],
        "unchanged": plan.unchanged,
    }


def to_text(plan: Plan, old: OldSpecs) -> list[str]:
    """Return *plan* as lines: ``+`` add, ``~`` update or rename, ``-`` remove, ``!`` held, ``=`` kept as it was."""
    lines = [f"+ {add.job.spec.id}  ({add.job.source.file}:{add.job.source.line})" for add in plan.add]
    for update in plan.update:
        lines += _update_lines(update, old)
    lines += [f"- {removal.before.id}  ({removal.before.source.file})" for removal in plan.remove]
    lines += [f"! {held.before.id}  removal held: {held.why}" for held in plan.hold]
    lines += [f"! {wait.job_id}  {wait.change} held: {wait.why}" for wait in plan.wait]
    lines += [f"= {keep.before.id}  keeps its last good spec ({keep.before.source.file})" for keep in plan.keep]
    return [*lines, summary(plan)]


def summary(plan: Plan) -> str:
    """Return the counts of *plan* as a sentence."""
    counts = plan.counts()
    parts = [f"{counts[done]} to {verb}" for done, verb in _VERBS.items() if counts[done]]
    parts += [f"{counts[state]} {state}" for state in ("held", "stale", "unchanged") if counts[state]]
    return f"Plan: {', '.join(parts) or 'nothing to do'}."


def _update_lines(update: Update, old: OldSpecs) -> list[str]:
    head = f"~ {update.before.id}"
    if update.moves:
        return [f"{head}  now at {update.job.source.file}:{update.job.source.line}"]
    if update.heals:
        return [f"{head}  to be as its file says again"]
    head += f" -> {update.job.spec.id}" if update.renames else ""
    return [head, *(f"    {line}" for line in _field_lines(update, old))]


def _field_lines(update: Update, old: OldSpecs) -> Iterator[str]:
    before = old.get(update.before.id)
    if before is None:
        return
    for change in changes(before, update.job.spec):
        was, will_be = change.old, change.new
        if change.field == "schedule":  # with the names of calendars: what changed in them follows
            was, will_be = with_names(was), with_names(will_be)
        if was != will_be:
            yield f"{change.field}: {_shown(was)} -> {_shown(will_be)}"
    yield from calendar_changes(before, update.job.spec)


def _fields(update: Update, old: OldSpecs) -> list[dict[str, Any]]:
    before = old.get(update.before.id)
    if before is None:
        return []
    return [{"field": c.field, "old": c.old, "new": c.new} for c in changes(before, update.job.spec)]


def _held(job_id: str, file: str, change: Change, window: str | None, why: str) -> dict[str, Any]:
    return {"id": job_id, "file": file, "change": change.value, "window": window, "why": why}


def _shown(value: Any) -> str:
    return "(default)" if value is None else json.dumps(value, ensure_ascii=False)
