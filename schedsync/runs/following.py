"""What follows a run that has ended: another attempt at its slot, or runs of jobs that come after it and notices."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from schedsync.runs.notices import Ending, ending_of
from schedsync.runs.retry import next_attempt
from schedsync.runs.run import Cause, Run, RunState, new_run_id
from schedsync.specs.circles import circles
from schedsync.specs.following import End
from schedsync.specs.job import JobSpec


@dataclass(frozen=True, slots=True)
class Follower:
    """A live job that runs after others."""

    job_id: str
    after: Mapping[str, tuple[End, ...]]
    """Upstream job, by the id that is written, -> how a run of it has to end."""
    spec_digest: str
    generation: int
    revision: str | None
    renamed_from: str | None = None


class Followers:
    """The live jobs that run after others, by the jobs that they run after."""

    def __init__(self, followers: Iterable[Follower] = (), live: Collection[str] = ()) -> None:
        """Index *followers*.

        Args:
            followers: all of them.
            live: those of their upstreams that are live by the id that is written. Another one is taken for the job
                that has been renamed from it.
        """
        self._live = frozenset(live)
        self._of: dict[str, list[Follower]] = {}
        every = {follower.job_id: follower for follower in followers}
        self.digests = {job_id: follower.spec_digest for job_id, follower in every.items()}
        """The spec's digest of each follower."""
        names = {f.renamed_from: f.job_id for f in every.values() if f.renamed_from and f.renamed_from not in live}
        edges = {job_id: {names.get(up, up) for up in f.after} & every.keys() for job_id, f in every.items()}
        self.circles = circles(edges)
        """Ways from jobs back to themselves; their steps are left out, or they would run for ever.

        No folder can say this at once, but specs that jobs keep from earlier can, together with new ones.
        """
        for follower in every.values():
            for upstream in follower.after:
                if not {follower.job_id, names.get(upstream, upstream)} <= self.circles.keys():
                    self._of.setdefault(upstream, []).append(follower)

    def of(self, ended: Run, spec: JobSpec | None) -> list[Follower]:
        """Return the jobs that run after *ended*, a run of the job that *spec* describes, each once."""
        names = [ended.job_id]
        if spec is not None and spec.renamed_from is not None and spec.renamed_from not in self._live:
            names.append(spec.renamed_from)
        found = [(f, f.after[name]) for name in names for f in self._of.get(name, ())]
        return list({f.job_id: f for f, ends in found if ended.state.value in ends}.values())


@dataclass(frozen=True, slots=True)
class Consequences:
    """What is written down together with the end of a run."""

    retry: Run | None = None
    """The next attempt, queued for the instance that decides this."""
    followers: tuple[Run, ...] = ()
    """Queued runs without an owner."""
    ending: Ending | None = None
    """The end of the slot, where somebody may want to hear of it."""


NOTHING = Consequences()


def what_follows(
    ended: Run, spec: JobSpec | None, followers: Followers, *, node: str, owner: str, may_retry: bool = True
) -> Consequences:
    """Return what follows *ended*.

    An end that another attempt follows is not the slot's last, so nothing comes after it yet; nor after a skipped slot.

    Args:
        ended: a run with its final state and ``finished_at``.
        spec: its job's; None when that is gone.
        followers: who comes after whom.
        node: the machine that another attempt is queued on.
        owner: the instance that queues it.
        may_retry: False while processes of it live that nobody can end: no other attempt may run beside them.
    """
    retry = None if spec is None or not may_retry else next_attempt(ended, spec.retry, node=node, owner=owner)
    if retry is not None:
        return Consequences(retry)
    ending = None if spec is None else ending_of(ended, spec)
    coming = [] if ended.state is RunState.SKIPPED else followers.of(ended, spec)
    return Consequences(None, tuple(_following(ended, follower) for follower in coming), ending)


def _following(ended: Run, follower: Follower) -> Run:
    """Return the run of *follower*. Its slot is the end of *ended*: whoever decides it again decides the same."""
    if ended.finished_at is None:
        raise ValueError(f"run {ended.id} has not ended")
    return Run(
        id=new_run_id(ended.finished_at),
        job_id=follower.job_id,
        scheduled_at=ended.finished_at,
        attempt=1,
        cause=Cause.AFTER,
        state=RunState.QUEUED,
        claimed_at=ended.finished_at,
        spec_digest=follower.spec_digest,
        generation=follower.generation,
        revision=follower.revision,
        upstream_job_id=ended.job_id,
        upstream_run_id=ended.id,
        upstream_state=ended.state,
    )
