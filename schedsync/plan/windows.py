"""When changes of the folder may become live: sync windows, by the rule of Argo CD. Pure, time is an argument.

Without a window that is about a job, everything may become live at any time. A window that denies and is in force
always wins. Where windows that allow are about a job, its changes become live inside one of them only. What may not
become live waits: the live job goes on as it is.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from schedsync.clock import rfc3339
from schedsync.plan.ops import Add, Change, Plan, Remove, Update, Wait
from schedsync.specs.windows import Chosen, Window

_FARTHEST = 100
"""So many times windows may follow each other without a moment in which changes are allowed."""
Tags = tuple[str, ...]


class Kind(StrEnum):
    """What a sync window does while it lasts."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class SyncWindow:
    """One of them."""

    name: str
    kind: Kind
    window: Window
    jobs: Chosen = field(default_factory=Chosen)
    reason: str | None = None
    """Why, for people."""

    @property
    def said(self) -> str:
        """Its name and reason in a sentence."""
        return f'the sync window "{self.name}"' + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True, slots=True)
class Closed:
    """Changes of a job may not become live now."""

    window: str
    """The name of the window that denies them, or that they wait for."""
    why: str
    """The same as a sentence, with when they may."""


@dataclass(frozen=True, slots=True)
class SyncWindows:
    """Those of an installation, in the order of its settings."""

    each: tuple[SyncWindow, ...] = ()

    @property
    def by_tags(self) -> bool:
        """Whether it takes the tags of jobs to know which windows are about them."""
        return any(window.jobs.tags for window in self.each)

    def concerning(self, job_id: str, tags: Tags) -> tuple[SyncWindow, ...]:
        """Return those that are about the job of this id with these tags, whenever they are."""
        return tuple(window for window in self.each if window.jobs.has(job_id, tags))

    def closed(self, job_id: str, tags: Tags, now: datetime) -> Closed | None:
        """Return why changes of the job of this id with these tags may not become live *now* (UTC); None: they may."""
        return _closed(self.concerning(job_id, tags), now)


NO_SYNC_WINDOWS = SyncWindows()


def _closed(windows: tuple[SyncWindow, ...], now: datetime) -> Closed | None:
    opens, by = _opening(windows, now)
    if opens == now:
        return None
    deny = _covering(windows, Kind.DENY, now)
    if deny is not None:
        when = "no end of that is in sight" if opens is None else f"they may become live from {rfc3339(opens)} on"
        return Closed(deny.name, f"{deny.said} denies changes now; {when}")
    allow = by or next(window for window in windows if window.kind is Kind.ALLOW)
    when = "does not open any more" if opens is None else f"opens {rfc3339(opens)}"
    return Closed(allow.name, f"waits for {allow.said}, which {when}")


def _opening(windows: tuple[SyncWindow, ...], now: datetime) -> tuple[datetime | None, SyncWindow | None]:
    """Return the first instant from *now* on at which changes may be made, and the window that opens then, if any."""
    allows = [window for window in windows if window.kind is Kind.ALLOW]
    instant, by = now, None
    for _ in range(_FARTHEST):
        deny = _covering(windows, Kind.DENY, instant)
        if deny is None and (not allows or _covering(windows, Kind.ALLOW, instant) is not None):
            return instant, by
        following, by = _next(allows, instant) if deny is None else (deny.window.ends_after(instant), None)
        if following is None:
            break
        instant = following
    return None, by


def _next(windows: Iterable[SyncWindow], after: datetime) -> tuple[datetime | None, SyncWindow | None]:
    """Return which of *windows* opens first, and when."""
    openings = ((each.window.opens_after(after), each) for each in windows)
    found = [(opens, each) for opens, each in openings if opens is not None]
    return min(found, key=lambda opening: opening[0], default=(None, None))


def _covering(windows: Iterable[SyncWindow], kind: Kind, instant: datetime) -> SyncWindow | None:
    return next((each for each in windows if each.kind is kind and each.window.covers(instant)), None)


def wait_for_windows(
    plan: Plan, windows: SyncWindows, *, now: datetime, live_tags: Mapping[str, Tags] | None = None
) -> Plan:
    """Return what of *plan* may be done *now* (UTC), with the rest as waiting.

    A change is about the job as it is live and as it is to be: neither a new tag nor a new id lets it out of a window.
    Where only the place of a job in the folder changes, or a mark of its row, nothing waits. A change of a job that is
    to run after one whose change waits, waits with it: else it would follow what is not there, or itself.

    Args:
        plan: what would make the store equal the folder.
        windows: those of the installation.
        now: the time.
        live_tags: the tags of live jobs that the plan changes, by id, where windows go by tags.
    """
    if not windows.each:
        return plan
    known: dict[tuple[str, ...], Closed | None] = {}

    def closed(job_id: str, tags: Tags) -> Closed | None:
        concerning = windows.concerning(job_id, tags)
        names = tuple(window.name for window in concerning)
        if names not in known:
            known[names] = _closed(concerning, now)
        return known[names]

    waits = _waiting(plan, closed, live_tags or {})
    _take_followers(plan, waits)
    if not waits:
        return plan
    return replace(
        plan,
        add=tuple(add for add in plan.add if _key(add) not in waits),
        update=tuple(update for update in plan.update if _key(update) not in waits),
        remove=tuple(removal for removal in plan.remove if _key(removal) not in waits),
        wait=tuple(sorted(waits.values(), key=lambda wait: wait.job_id)),
    )


_Op = Add | Update | Remove


def _waiting(
    plan: Plan, closed: Callable[[str, Tags], Closed | None], live_tags: Mapping[str, Tags]
) -> dict[str, Wait]:
    waits: dict[str, Wait] = {}
    for op in _changes(plan):
        why = None
        if not isinstance(op, Add):
            why = closed(op.before.id, live_tags.get(op.before.id, ()))
        if not isinstance(op, Remove):
            why = why or closed(op.job.spec.id, op.job.spec.tags)
        if why is not None:
            waits[_key(op)] = _wait(op, why)
    return waits


def _changes(plan: Plan) -> Iterator[_Op]:
    yield from plan.add
    # A job whose stored spec is lost has nothing to go on as: it is healed at once.
    yield from (update for update in plan.update if update.changes_spec and update.before.digest)
    yield from plan.remove


def _key(op: _Op) -> str:
    """Return the id that a change leads to, which no two of a plan have in common."""
    return op.before.id if isinstance(op, Remove) else op.job.spec.id


def _wait(op: _Op, closed: Closed) -> Wait:
    if isinstance(op, Add):
        return Wait(op.job.spec.id, op.job.source.file, Change.ADDITION, closed.window, closed.why)
    if isinstance(op, Remove):
        return Wait(op.before.id, op.before.source.file, Change.REMOVAL, closed.window, closed.why)
    change = Change.RENAMING if op.renames else Change.UPDATE
    return Wait(op.before.id, op.job.source.file, change, closed.window, closed.why)


def _take_followers(plan: Plan, waits: dict[str, Wait]) -> None:
    """Add to *waits* the changes of jobs that are to run after those whose change waits, and after these, and so on."""
    changes: list[Add | Update] = [*plan.add, *(update for update in plan.update if update.changes_spec)]
    followers = [op for op in changes if op.job.spec.after]
    waiting = {job_id: wait for key, wait in waits.items() for job_id in (key, wait.job_id)}
    more = bool(waits)
    while more:
        more = False
        for op in followers:
            upstream = next((waiting[job_id] for job_id in op.job.spec.after or () if job_id in waiting), None)
            if upstream is None or _key(op) in waits:
                continue
            why = f'runs after "{upstream.job_id}", which waits for the sync window "{upstream.window}"'
            wait = _wait(op, Closed(upstream.window, why))
            waits[_key(op)] = waiting[_key(op)] = waiting[wait.job_id] = wait
            more = True
