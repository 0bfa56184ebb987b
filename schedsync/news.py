"""What happens here and in the store, brought to what remembers it in memory: the mirror, the metrics, punctuality."""

from collections.abc import Callable, Collection

from schedsync.clock import Clock, utc_now
from schedsync.errors import SchedsyncError
from schedsync.metrics.metrics import Metrics
from schedsync.notify.punctuality import Punctuality
from schedsync.reconcile import Seen
from schedsync.runs.run import Run
from schedsync.status.knowledge import refresh
from schedsync.status.mirror import RUNS, Mirror
from schedsync.store.store import Store


class News:
    """Brings it. Safe to use from any thread."""

    def __init__(
        self, store: Store, mirror: Mirror, metrics: Metrics, punctuality: Punctuality, *, clock: Clock = utc_now
    ) -> None:
        self._store, self._mirror, self._metrics, self._punctuality = store, mirror, metrics, punctuality
        self._clock = clock
        self._past_unknown = True
        """Whether other processes may have had runs of which mirror and metrics do not know."""

    def ran(self, run: Run) -> None:
        """Tell that a run of this instance has changed."""
        self._mirror.learn_run(run)
        self._punctuality.learn(run)

    def stepped(self, seen: Seen) -> None:
        """Tell what a step has looked at.

        Raises:
            DatabaseUnavailableError: the step has changed the store, which cannot be looked at again.
        """
        self._mirror.see_folder(seen.snapshot.jobs)
        self._mirror.rename_jobs(seen.renamed)
        self._punctuality.see(seen.snapshot.jobs, seen.observed.jobs)
        self._metrics.per_job.keep(seen.observed.jobs.keys() | seen.snapshot.jobs.keys())
        self._mirror.see_jobs(self._store.jobs.observe() if seen.outdated else seen.observed, seen.at)

    def leads_now(self) -> None:
        """Tell that this instance begins to lead: until now another one may have run the jobs."""
        self._punctuality.begin()
        self._past_unknown = True

    def refresh(self, *, leads: bool, held: Callable[[], Collection[str]]) -> None:
        """Ask the store for what nobody here is told of.

        Args:
            leads: whether this instance leads; else others may change jobs and runs.
            held: returns the runs that this instance looks after.

        Raises:
            DatabaseUnavailableError: what was known stays.
        """
        wholly = self._mirror.as_of is None or not leads
        refresh(self._mirror, self._store, self._clock(), wholly=wholly, held=held)
        self._mirror.learn_notices(self._store.notices.counts())
        self._learn_past()

    def _learn_past(self) -> None:
        """Let mirror and metrics know what became of jobs before, once when other processes may have run them."""
        live = self._mirror.live()
        if not (self._past_unknown and live):
            return
        self._past_unknown = False  # before it is asked: who begins to lead meanwhile wants it asked again
        try:
            found = self._store.notices.successes(live)
            self._mirror.learn_last_runs(self._store.runs.last_of(live).values())
        except SchedsyncError:
            self._past_unknown = True
            raise
        per_job = self._metrics.per_job
        per_job.learn_past(self._mirror.runs(job_id=None, before=None, limit=RUNS))
        per_job.learn_successes({i: each.last for i, each in found.items() if each.last is not None})
