"""Specs by their digests: while somebody has one, it is neither read nor made a second time.

What runs here was mostly read from the folder a moment ago. So a burst of jobs asks the database for no spec, and there
is one object for each instead of one for each part that needs it.
"""

from collections.abc import Iterable, Mapping
from weakref import WeakValueDictionary

from schedsync.specs.job import JobSpec


class KnownSpecs:
    """The specs that somebody holds. Safe to use from any thread."""

    def __init__(self) -> None:
        self._specs: WeakValueDictionary[str, JobSpec] = WeakValueDictionary()

    def learn(self, specs: Iterable[tuple[str, JobSpec]]) -> None:
        """Take note of specs, given with their digests, for as long as somebody else has them."""
        for digest, spec in specs:
            self._specs.setdefault(digest, spec)

    def get(self, digest: str | None) -> JobSpec | None:
        """Return the spec of this digest; None when nobody has it."""
        return None if digest is None else self._specs.get(digest)

    def among(self, digests: Mapping[str, str]) -> dict[str, JobSpec]:
        """Return those of *digests*, given as id -> digest, that somebody has, by id."""
        found = ((job_id, self._specs.get(digest)) for job_id, digest in digests.items())
        return {job_id: spec for job_id, spec in found if spec is not None}
