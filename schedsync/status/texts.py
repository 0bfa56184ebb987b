"""The JSON of jobs, which is made once for each way in which a job stands.

Lists of jobs are asked for again and again, and between two answers few of the jobs have changed.
"""

import json
from collections.abc import Iterable

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
        jobs = ",".join(self._of_each(listing.jobs))
        return f'{{"jobs":[{jobs}],"total":{listing.total},"next_cursor":{json.dumps(next_cursor)}}}'

    def _of_each(self, standings: Iterable[Standing]) -> Iterable[str]:
        for standing in standings:
            known = self._texts.get(standing.job.observed.id)
            yield known[1] if known is not None and known[0] == standing else self._made(standing)

    def _made(self, standing: Standing) -> str:
        text = standing_view(standing).model_dump_json()
        if not standing.changes_with_time:
            if len(self._texts) >= MOST:
                self._texts.clear()
            self._texts[standing.job.observed.id] = standing, text
        return text
