"""A job: what it is, when it runs, how it went, and who said what about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from schedsync.pages.shown.jobs import why
from schedsync.pages.shown.plot import RUNS, Plot, plot
from schedsync.pages.shown.runs import RunLine, run_lines
from schedsync.pages.shown.times import zoned
from schedsync.runs.blackouts import Blackout, covering
from schedsync.runs.run import Run
from schedsync.sources.origins import Origins
from schedsync.sources.values import SpecTable, spec_table
from schedsync.specs.job import JobSpec
from schedsync.specs.words import trigger_in_words
from schedsync.status.coming import next_slots
from schedsync.status.standing import Standing
from schedsync.status.views import SLOTS, JobView, standing_view
from schedsync.store.jobs import StoredJob
from schedsync.store.syncs import Decision


@dataclass(frozen=True, slots=True)
class Fire:
    """A slot that is to come."""

    at: datetime
    local: str
    """The same by the clocks of the job's zone; empty where that is UTC."""
    held: bool
    """Whether it is going to be skipped, as things stand."""
    blackout: str | None = None
    """The name of the blackout that skips it."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """A job that this one runs after."""

    id: str
    ends: str


@dataclass(frozen=True, slots=True)
class JobPage:
    """All that is on the page of a job."""

    job: JobView
    why: str
    """Why it does not fire; empty while it does."""
    schedule: tuple[str, ...]
    """Each trigger in words."""
    zone: str
    """Of its clocks; empty where that is UTC, or where it has several."""
    fires: tuple[Fire, ...]
    upstreams: tuple[Upstream, ...]
    followers: tuple[str, ...]
    """The jobs that run after it."""
    group: str | None
    plot: Plot | None
    runs: tuple[RunLine, ...]
    spec: SpecTable | None
    decisions: tuple[Decision, ...] | None
    """What people decided about it lately; None where that is not known now."""


def job_page(
    job: Standing,
    *,
    recent: Sequence[Run],
    runs: Sequence[Run],
    decisions: Sequence[Decision] | None,
    followers: Sequence[str],
    origins: Origins | None,
    now: datetime,
) -> JobPage:
    """Return the page.

    Args:
        job: the job, as it stands.
        recent: its newest slots, newest first.
        runs: those that are listed.
        decisions: what people decided about it, the newest first, if that is known.
        followers: the jobs that run after it.
        origins: where its values come from, if that is known.
        now: the time (UTC).
    """
    stored, view = job.job, standing_view(job, now)
    spec = stored.spec
    zone = _zone(spec)
    return JobPage(
        job=view,
        why=why(view, now),
        schedule=tuple(trigger_in_words(trigger, job_id=spec.id) for trigger in spec.schedule) if spec else (),
        zone=zone,
        fires=_fires(stored, view, zone, now),
        upstreams=_upstreams(spec),
        followers=tuple(followers),
        group=spec.group if spec else None,
        plot=plot(recent[:RUNS], now),
        runs=run_lines(runs, now),
        spec=spec_table(spec, origins) if spec else None,
        decisions=None if decisions is None else tuple(decisions),
    )


def _zone(spec: JobSpec | None) -> str:
    zones = {trigger.timezone for trigger in spec.schedule} if spec else set()
    return zones.pop() if len(zones) == 1 and zones != {"UTC"} else ""


def _fires(stored: StoredJob, view: JobView, zone: str, now: datetime) -> tuple[Fire, ...]:
    slots = next_slots(stored, now, SLOTS)
    return tuple(Fire(at, zoned(at, zone) if zone else "", _is_held(at, view)) for at in slots)


def in_blackouts(fires: Iterable[Fire], concerning: tuple[Blackout, ...]) -> tuple[Fire, ...]:
    """Return *fires* with the names of those of *concerning* that skip them: blackouts that are about the job."""
    dark = ((fire, covering(concerning, fire.at)) for fire in fires)
    return tuple(fire if one is None else replace(fire, held=True, blackout=one.name) for fire, one in dark)


def _is_held(at: datetime, view: JobView) -> bool:
    if view.state == "suspended":
        return True
    return view.pause is not None and (view.pause.until is None or at < view.pause.until)


def _upstreams(spec: JobSpec | None) -> tuple[Upstream, ...]:
    after = spec.after if spec else None
    return tuple(Upstream(job_id, " or ".join(ends)) for job_id, ends in (after or {}).items())
