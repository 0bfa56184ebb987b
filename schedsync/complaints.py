"""What the log says of a folder that has mistakes: each of them once, and when there are none any more."""

import logging
from collections.abc import Mapping

from schedsync.specs.problem import Problem
from schedsync.store.syncs import Held, SyncReport

MOST = 20
"""How many complaints of one step are told line by line: an unmounted folder holds back the removal of every job."""

Key = Problem | tuple[str, str]


class Complaints:
    """What is wrong, or held back, as the steps of one loop see it. Used by one thread at a time."""

    def __init__(self, log: logging.Logger) -> None:
        """Make one that knows of nothing yet, and tells *log*."""
        self._log = log
        self._known: frozenset[Key] = frozenset()

    def see(self, report: SyncReport) -> None:
        """Tell what *report* complains of and the one before did not, or that there is nothing left."""
        found = {**_problems(report.problems), **_removals(report.held)}
        news = [told for key, told in found.items() if key not in self._known]
        for sentence, fields in news[:MOST]:
            self._log.warning(sentence, extra=fields)
        if news[MOST:]:
            self._log.warning("there is more like this, `schedsync plan` shows all", extra={"more": len(news) - MOST})
        if self._known and not found:
            self._log.info("nothing in the jobs folder is wrong or held back any more")
        self._known = frozenset(found)


def _problems(problems: tuple[Problem, ...]) -> Mapping[Key, tuple[str, dict[str, str]]]:
    return {each: ("the jobs folder has a problem", {"at": each.place, "problem": each.message}) for each in problems}


def _removals(held: tuple[Held, ...]) -> Mapping[Key, tuple[str, dict[str, str]]]:
    """Return the removals by job: why they are held may count the others.

    What waits for a sync window is as it should be: the log says nothing of it.
    """
    return {
        (each.job_id, each.file): (
            "a removal is held back",
            {"job_id": each.job_id, "file": each.file, "why": each.why},
        )
        for each in held
        if each.window is None
    }
