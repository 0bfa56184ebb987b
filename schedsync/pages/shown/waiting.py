"""What a run waits for, in words."""

from datetime import datetime

from schedsync.pages.shown.times import relative
from schedsync.runs.waiting import Waiting, WaitsFor

_POOLS = {"all": "any place: as many runs as may run at once do", "processes": "a place among the processes"}


def in_words(each: Waiting, now: datetime) -> str:
    """Return what *each* waits for."""
    match each.kind:
        case WaitsFor.CAPACITY:
            pool = _POOLS.get(each.pool or "", f"a place among the {each.pool} runs")
            return pool + _others(each.before)
        case WaitsFor.DELAY:
            return f"its next attempt, {relative(each.until, now)}" if each.until else "its next attempt"
        case WaitsFor.OVERLAP:
            jobs = ", ".join(sorted({run.job_id for run in each.behind}))
            return f"the end of {jobs or 'those before it'}{_others(each.before)}"
        case _:
            return "not known: its job is gone, or its spec cannot be read"


def _others(before: int) -> str:
    return f", {before} before it" if before else ""
