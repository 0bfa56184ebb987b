"""Lines: which runs follow one another, in which order, and how many of them may be at it beside each other."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from schedsync.specs.job import JobSpec

Line = tuple[str, str]
"""``("job", id)`` or ``("group", name)``."""


def line_of(job_id: str) -> Line:
    """Return the line of a job's own runs."""
    return "job", job_id


def lines_of(job_id: str, spec: JobSpec) -> tuple[Line, ...]:
    """Return the lines that a run of a job stands in."""
    return (line_of(job_id),) if spec.group is None else (line_of(job_id), ("group", spec.group))


class Lines:
    """The ids of runs in their lines, and the jobs of runs that are being claimed and may come to stand there."""

    def __init__(self, groups: Mapping[str, int]) -> None:
        """Make lines.

        Args:
            groups: the places of groups that have more than one.
        """
        self._groups = groups
        self._order: dict[Line, list[str]] = {}
        self._reserved: defaultdict[Line, list[str]] = defaultdict(list)

    def places(self, line: Line) -> int:
        """Return how many runs of a line may be at it beside each other."""
        kind, name = line
        return self._groups.get(name, 1) if kind == "group" else 1

    def of(self, line: Line) -> Sequence[str]:
        """Return the runs in a line, in their order."""
        return self._order.get(line, ())

    def reserved(self, line: Line) -> Sequence[str]:
        """Return the jobs of runs that are being claimed for a line."""
        return self._reserved.get(line, ())

    def join(self, lines: Sequence[Line], run_id: str) -> None:
        """Let a run stand at the end of *lines*."""
        for line in lines:
            self._order.setdefault(line, []).append(run_id)

    def leave(self, lines: Sequence[Line], run_id: str, heir: str | None = None) -> None:
        """Let a run go from *lines*; *heir* has its places from then on."""
        for line in lines:
            order = self._order[line]
            at = order.index(run_id)
            order[at : at + 1] = [] if heir is None else [heir]
            if not order:
                del self._order[line]

    def rename(self, renamed: Mapping[Line, Line]) -> None:
        """Let the runs in lines, given as old -> new, stand in the new ones, before those that stand there already."""
        moving = [(new, self._order.pop(old)) for old, new in renamed.items() if old in self._order]
        for line, order in moving:
            self._order[line] = [*order, *self.of(line)]

    def reserve(self, lines: Sequence[Line], job_id: str) -> None:
        """Note that a run is being claimed for *lines*."""
        for line in lines:
            self._reserved[line].append(job_id)

    def end_reservation(self, lines: Sequence[Line], job_id: str) -> None:
        """Note that it is claimed, or will not be."""
        for line in lines:
            self._reserved[line].remove(job_id)
            if not self._reserved[line]:
                del self._reserved[line]
