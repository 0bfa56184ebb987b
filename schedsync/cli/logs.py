"""``schedsync syncs`` and ``schedsync audit``: what the steps of the loop changed, and what people decided."""

from typing import TYPE_CHECKING

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import JOB_ID, Options, command
from schedsync.cli.output import counted, say_json, say_table
from schedsync.cli.painting import Line, Paint, painted
from schedsync.cli.source import source
from schedsync.cli.tables import table
from schedsync.cli.times import shown

if TYPE_CHECKING:
    from schedsync.status.logs import ChangesView, DecisionView, SyncView

_SYNCS = ("AT", "NODE", "REVISION", "CHANGED", "PROBLEMS", "HELD")
_AUDIT = ("AT", "WHO", "ACTION", "JOB", "REASON")
_SHOWN = 3
"""How many ids of a kind a line has."""
_COUNT = click.IntRange(1, 10_000)


@command("syncs", remote=True)
@click.option("-n", "count", type=_COUNT, default=20, show_default=True, help="The most to list.")
def syncs(options: Options, *, count: int) -> int:
    """List the steps that changed something or found other mistakes than the step before, newest first."""
    with source(options) as asked:
        page = asked.syncs(limit=count)
    if options.as_json:
        say_json(page.model_dump(mode="json"))
    else:
        say_table(table(_SYNCS, map(_sync_row, page.syncs)))
    return Exit.OK


@command("audit", remote=True)
@click.option("--job", "job_id", type=JOB_ID, metavar="ID", help="Only what concerns this job, which may be gone.")
@click.option("-n", "count", type=_COUNT, default=20, show_default=True, help="The most to list.")
def audit(options: Options, *, job_id: str | None, count: int) -> int:
    """List who paused, resumed, triggered or wrote what, and why, newest first."""
    with source(options) as asked:
        page = asked.audit(job_id, limit=count)
    if options.as_json:
        say_json(page.model_dump(mode="json"))
    else:
        say_table(table(_AUDIT, map(_audit_row, page.entries)))
    return Exit.OK


def _sync_row(sync: "SyncView") -> tuple[Line | None, ...]:
    problems = painted(str(len(sync.problems)), Paint.BAD) if sync.problems else None
    held = painted(str(len(sync.held)), Paint.CARE) if sync.held else None
    changed = f"{_changed(sync.changes, sync.counts)}{' (the store had been changed)' if sync.drift else ''}"
    return shown(sync.at), sync.node, sync.revision, changed, problems, held


def _changed(changes: "ChangesView", counts: dict[str, int]) -> str:
    renamed = [f"{changes.renamed_from[new]} -> {new}" for new in changes.renamed]
    kinds = (
        ("+", "added", changes.added),
        ("~", "updated", changes.updated),
        ("~", "renamed", renamed),
        ("-", "removed", changes.removed),
    )
    parts = [f"{sign} {_some(named, counts[kind])}" for sign, kind, named in kinds if counts.get(kind)]
    parts += [f"{counts[kind]} {kind}" for kind in ("moved", "healed") if counts.get(kind)]
    return "; ".join(parts) or "nothing"


def _some(named: list[str], count: int) -> str:
    """Return the first of what is *named*, and how many there are besides; older steps name nothing."""
    if not named:
        return counted(count, "job")
    more = count - len(named[:_SHOWN])
    return ", ".join(named[:_SHOWN]) + (f" and {more} more" if more else "")


def _audit_row(decision: "DecisionView") -> tuple[str | None, ...]:
    return shown(decision.at), decision.actor, decision.action, decision.job_id, decision.reason
