"""What a look at blackouts and sync windows finds: when they come, and which of them do nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schedsync.cli.findings import Finding, Verdict
from schedsync.cli.folder import check_folder
from schedsync.cli.times import shown
from schedsync.clock import rfc3339, utc_now
from schedsync.errors import FolderUnavailableError
from schedsync.settings import Settings
from schedsync.specs.job import JobSpec
from schedsync.specs.windows import Chosen, Window

_KINDS = {"blackout": "blackout", "allow": "sync window that allows", "deny": "sync window that denies"}


@dataclass(frozen=True, slots=True)
class _Named:
    """A window of either kind."""

    name: str
    kind: str
    """What it does: ``blackout``, ``allow`` or ``deny``."""
    window: Window
    jobs: Chosen
    reason: str | None


def of_windows(settings: Settings) -> Finding:
    """Look at blackouts and sync windows; one that does not come any more, or that is about no job, is warned of."""
    now, jobs = utc_now(), _jobs(settings)
    found = [_look(named, now, jobs) for named in _named(settings)]
    details = {"windows": [details for _, details, _ in found]}
    verdict = Verdict.WARNING if any(warns for _, _, warns in found) else Verdict.OK
    return Finding("windows", verdict, tuple(says for says, _, _ in found) or ("none",), details)


def _named(settings: Settings) -> Iterator[_Named]:
    for blackout in settings.blackout_times.each:
        yield _Named(blackout.name, "blackout", blackout.window, blackout.jobs, blackout.reason)
    for sync in settings.sync_times.each:
        yield _Named(sync.name, sync.kind.value, sync.window, sync.jobs, sync.reason)


def _jobs(settings: Settings) -> list[JobSpec] | None:
    """Return the jobs of the folder; None where that says nothing, which is a finding of its own."""
    try:
        return [job.spec for job in check_folder(settings.jobs).jobs.values()]
    except FolderUnavailableError:
        return None


def _look(named: _Named, now: datetime, jobs: list[JobSpec] | None) -> tuple[str, dict[str, object], bool]:
    """Return what there is to say, the same for programs, and whether it is a warning."""
    window, in_force = named.window, named.window.covers(now)
    ends = window.ends_after(now) if in_force else None
    opens = None if in_force else window.opens_after(now)
    about = None if jobs is None else sum(named.jobs.has(spec.id, spec.tags) for spec in jobs)
    when = _when(in_force=in_force, ends=ends, opens=opens)
    which = ", ".join([*named.jobs.patterns, *(f"tag {tag}" for tag in named.jobs.tags)]) or "all jobs"
    nobody = "; no job of the folder is among them" if about == 0 else ""
    says = f"{named.name}: {_KINDS[named.kind]}, {which}{nobody}; {when}"
    says += f" ({named.reason})" if named.reason else ""
    details: dict[str, object] = {
        "name": named.name,
        "kind": named.kind,
        "in_force": in_force,
        "ends_at": None if ends is None else rfc3339(ends),
        "opens_at": None if opens is None else rfc3339(opens),
        "jobs": about,
    }
    return says, details, about == 0 or (ends is None and opens is None)


def _when(*, in_force: bool, ends: datetime | None, opens: datetime | None) -> str:
    if in_force:
        return f"in force until {shown(ends)}" if ends else "in force, and no end of that is in sight"
    return f"comes {shown(opens)}" if opens else "it is over and does not come any more; remove it"
