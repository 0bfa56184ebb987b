"""The JSON of jobs, which is made once for each way in which a job stands.

Lists of jobs are asked for again and again, and between two answers few of the jobs have changed.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from schedsync.status.standing import Standing
from schedsync.status.views import Listing, standing_view

MOST = 20_000
"""How many jobs' texts are kept; when there are more, all are made again as they are asked for."""


class JobTexts:
    """What lists show of jobs, as JSON. Safe to use from any thread."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[Standing, str]] = {}

    def page(self, listing: Listing, next_cursor: str | None) -> str:
        """Return a page of jobs, as ``JobsPage`` describes it."""
        jobs = ",".join(self._of_each(listing))
        return f'{{"jobs":[{jobs}],"total":{listing.total},"next_cursor":{json.dumps(next_cursor)}}}'

    def prepare(self, jobs: Iterable[Standing], at: datetime) -> None:
        """Make what lists show of *jobs*, as they stand at that time (UTC)."""
        for standing in jobs:
            self._of(standing, at)

    def _of_each(self, listing: Listing) -> Iterator[str]:
        return (self._of(standing, listing.at) for standing in listing.jobs)

    def _of(self, standing: Standing, at: datetime) -> str:
        known = self._texts.get(standing.job.observed.id)
        if known is not None and (known[0] is standing or known[0] == standing):
            return known[1]
        return self._made(standing, at)

    def _made(self, standing: Standing, at: datetime) -> str:
        text = standing_view(standing, at).model_dump_json()
        if not standing.changes_with_time:
            if len(self._texts) >= MOST:
                self._texts.clear()
            self._texts[standing.job.observed.id] = standing, text
        return text
