"""The two logs of the store as the status side shows them: what steps of the loop did, and what people decided."""

from typing import Any

from schedsync.runs.pause import EVERYTHING
from schedsync.status.knowledge import Knowledge
from schedsync.status.views import HeldView, ProblemView, Time, View, held_view, problem_view
from schedsync.store.syncs import Decision, Recorded


class ChangesView(View):
    """The ids of the jobs that a step changed; of each kind the first 200."""

    added: list[str]
    updated: list[str]
    renamed: list[str]
    """By their new ids."""
    renamed_from: dict[str, str]
    """New id -> old id."""
    removed: list[str]
    truncated: bool
    """Whether there were more."""


class SyncView(View):
    """A step of the reconcile loop that changed something or found something else than the one before."""

    id: str
    at: Time
    node: str
    revision: str | None
    complete: bool
    """Whether everything that the folder said became live."""
    drift: bool
    """Whether the store had changed although the folder had not."""
    counts: dict[str, int]
    changes: ChangesView
    problems: list[ProblemView]
    held: list[HeldView]


class SyncsPage(View):
    """Some of the steps, the newest first."""

    syncs: list[SyncView]
    next_cursor: str | None


class DecisionView(View):
    """What somebody decided."""

    id: str
    at: Time
    actor: str
    action: str
    job_id: str | None
    """None where it concerns all jobs, or none."""
    reason: str | None


class AuditPage(View):
    """Some of the decisions, the newest first."""

    entries: list[DecisionView]
    next_cursor: str | None


def sync_view(recorded: Recorded) -> SyncView:
    """Show a step."""
    report, changed = recorded.report, recorded.report.changed
    return SyncView(
        id=recorded.id,
        at=report.at,
        node=report.node,
        revision=report.revision or None,
        complete=report.complete,
        drift=report.drift,
        counts=report.counts,
        changes=ChangesView(
            added=list(changed.added),
            updated=list(changed.updated),
            renamed=[new for _, new in changed.renamed],
            renamed_from={new: old for old, new in changed.renamed},
            removed=list(changed.removed),
            truncated=changed.truncated,
        ),
        problems=[problem_view(problem) for problem in report.problems],
        held=[held_view(held) for held in report.held],
    )


def decision_view(decision: Decision) -> DecisionView:
    """Show a decision."""
    shown: dict[str, Any] = {name: getattr(decision, name) for name in DecisionView.model_fields}
    return DecisionView.model_validate(shown | {"job_id": None if decision.job_id == EVERYTHING else decision.job_id})


def syncs_page(known: Knowledge, *, before: str | None, limit: int) -> tuple[list[SyncView], str | None]:
    """Return up to *limit* steps from before the one with the id *before*, and the id to go on from."""
    found = known.syncs(before=before, limit=limit + 1)
    return [sync_view(each) for each in found[:limit]], found[limit - 1].id if len(found) > limit else None


def audit_page(
    known: Knowledge, *, job_id: str | None, before: str | None, limit: int
) -> tuple[list[DecisionView], str | None]:
    """Return up to *limit* decisions, over one job or all, and the id to go on from."""
    found = known.audit(job_id=job_id, before=before, limit=limit + 1)
    return [decision_view(each) for each in found[:limit]], found[limit - 1].id if len(found) > limit else None
