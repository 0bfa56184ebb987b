"""What becomes of a queued run that no instance owns: somebody asked for it, or it follows a run of another job."""

from datetime import datetime

from schedsync.runs.blackouts import NO_BLACKOUTS, Blackouts
from schedsync.runs.recovery import KnownJob, too_late
from schedsync.runs.run import Run, SkipReason
from schedsync.runs.slots import Ahead, Decision, judge_overlap


def judge_unowned(
    run: Run, job: KnownJob | None, ahead: Ahead, now: datetime, blackouts: Blackouts = NO_BLACKOUTS
) -> tuple[Decision, str | None]:
    """Return what to do with *run*, and why where it is skipped.

    Pauses are not asked for here, but for each run that waited, when it may start. They never stop what a person asked
    for, nor do ``suspend`` and blackouts: an operator pauses, mends, and tries by hand.

    Args:
        run: queued, without an owner.
        job: its job; None when that is gone.
        ahead: what has not ended and stands before it.
        now: the time (UTC).
        blackouts: those of the installation; the slot of a run that follows another is the end of that.
    """
    if job is None:
        return Decision.SKIP, f"{SkipReason.REMOVED}: the job is gone"
    if run.asked_by is None and job.spec.suspend:
        return Decision.SKIP, SkipReason.SUSPENDED.value
    if run.asked_by is None and (blackout := blackouts.over(run.job_id, job.spec.tags, run.scheduled_at)) is not None:
        return Decision.SKIP, blackout.said
    if late := too_late(run, job.spec, now):
        return Decision.SKIP, late
    return judge_overlap(job.spec, run.scheduled_at, ahead)
