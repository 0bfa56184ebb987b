"""``schedsync syncs`` and ``schedsync audit``: what the steps of the loop changed, and what people decided."""

from typing import Any

import click

from schedsync.cli.exits import Exit
from schedsync.cli.options import JOB_ID, Options, command
from schedsync.cli.output import counted, say_json, say_table
from schedsync.cli.stores import current
from schedsync.cli.tables import table
from schedsync.cli.times import shown
from schedsync.status.knowledge import FromStore
from schedsync.status.logs import ChangesView, DecisionView, SyncView, audit_page, syncs_page

_SYNCS = ("AT", "NODE", "REVISION", "CHANGED", "PROBLEMS", "HELD")
_AUDIT = ("AT", "WHO", "ACTION", "JOB", "REASON")
_SHOWN = 3
"""How many ids of a kind a line has."""
_COUNT = click.IntRange(1, 10_000)


@command("syncs")
@click.option("-n", "count", type=_COUNT, default=20, show_default=True, help="The most to list.")
def syncs(options: Options, *, count: int) -> int:
    """List the steps that changed something or found other mistakes than the step before, newest first."""
    with current(options.settings()) as store:
        views, last = syncs_page(FromStore(store), before=None, limit=count)
    if options.as_json:
        say_json({"syncs": _dumped(views), "next_cursor": _cursor("sync_cursor", last)})
    else:
        say_table(table(_SYNCS, map(_sync_row, views)))
    return Exit.OK


@command("audit")
@click.option("--job", "job_id", type=JOB_ID, metavar="ID", help="Only what concerns this job, which may be gone.")
@click.option("-n", "count", type=_COUNT, default=20, show_default=True, help="The most to list.")
def audit(options: Options, *, job_id: str | None, count: int) -> int:
    """List who paused, resumed, triggered or wrote what, and why, newest first."""
    with current(options.settings()) as store:
        views, last = audit_page(FromStore(store), job_id=job_id, before=None, limit=count)
    if options.as_json:
        say_json({"entries": _dumped(views), "next_cursor": _cursor("decision_cursor", last)})
    else:
        say_table(table(_AUDIT, map(_audit_row, views)))
    return Exit.OK


def _dumped(views: list[SyncView] | list[DecisionView]) -> list[dict[str, Any]]:
    return [view.model_dump(mode="json") for view in views]


def _cursor(kind: str, last: str | None) -> str | None:
    if last is None:
        return None
    from schedsync.api import paging  # noqa: PLC0415 - Flask is heavy, and a further page is rare

    return str(getattr(paging, kind)(last))


def _sync_row(sync: SyncView) -> tuple[str | None, ...]:
    problems, held = (str(len(each)) if each else None for each in (sync.problems, sync.held))
    changed = f"{_changed(sync.changes, sync.counts)}{' (the store had been changed)' if sync.drift else ''}"
    return shown(sync.at), sync.node, sync.revision, changed, problems, held


def _changed(changes: ChangesView, counts: dict[str, int]) -> str:
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


def _audit_row(decision: DecisionView) -> tuple[str | None, ...]:
    return shown(decision.at), decision.actor, decision.action, decision.job_id, decision.reason
