"""A plan as text for people and as JSON for programs."""

import json
from collections.abc import Mapping
from typing import Any

from schedsync.plan.changes import changes
from schedsync.plan.ops import Plan, Update
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
        "hold": [{"id": held.before.id, "file": held.before.source.file, "why": held.why} for held in plan.hold],
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
    return [head, *(f"    {c['field']}: {_shown(c['old'])} -> {_shown(c['new'])}" for c in _fields(update, old))]


def _fields(update: Update, old: OldSpecs) -> list[dict[str, Any]]:
    before = old.get(update.before.id)
    if before is None:
        return []
    return [{"field": c.field, "old": c.old, "new": c.new} for c in changes(before, update.job.spec)]


def _shown(value: Any) -> str:
    return "(default)" if value is None else json.dumps(value, ensure_ascii=False)
