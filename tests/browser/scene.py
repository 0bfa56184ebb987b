"""An installation as a browser finds it: a folder, a store with two days of history, and no loops.

All of it follows from one moment, so that each build is the same and pictures can be compared. What the loops would do,
the test does: ``print``, ``end`` and ``begin`` are runs, ``step`` is the reconcile loop's.
"""

import random
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schedsync import pages
from schedsync.access import Scope, new_token
from schedsync.api.app import Backend, create_app
from schedsync.api.server import ApiServer
from schedsync.control import Control
from schedsync.executors.spool import OutputLimits
from schedsync.plan.state import PruneGuard
from schedsync.reconcile import Reconciler
from schedsync.runs.outcome import Output
from schedsync.runs.run import Cause, Run, RunState
from schedsync.sources.folder import JobsFolder
from schedsync.sources.origins import Files
from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import fires, next_fire
from schedsync.status.mirror import Mirror
from schedsync.status.vitals import Vitals
from schedsync.store.jobs import StoredJob
from schedsync.store.runs import Advance, RunChanges
from schedsync.store.store import Store
from tests.browser import files
from tests.integration.conftest import StandingClock

NOW = datetime(2026, 11, 24, 14, 7, 30, tzinfo=UTC)
NODE = "tern-1"
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
TTL = timedelta(minutes=10)
PAST = timedelta(hours=48)
STEPS: tuple[tuple[timedelta, Mapping[str, str | None]], ...] = (
    (timedelta(days=3), files.FIRST),
    (timedelta(hours=26), files.SECOND),
    (timedelta(hours=2), files.THIRD),
    (timedelta(minutes=20), files.FOURTH),
)
UNSETTLED = {
    "dwh.forecast": RunState.RUNNING,
    "erp.order-import": RunState.RUNNING,
    "erp.price-import": RunState.QUEUED,
}
"""Jobs whose newest run has not ended."""
UNLUCKY = {"monitor.replication-lag": 0.45, "erp.price-import": 0.2, "shop.stock-feed": 0.06, "erp.order-import": 0.05}
"""How often a run of a job fails."""
SECONDS = {
    "backup.files": 7_400,
    "dwh.load-orders": 3_900,
    "dwh.load-clicks": 700,
    "erp.close-books": 1_150,
    "erp.order-import": 260,
}
"""How long runs of a job last, where that is not short."""


def build(home: Path) -> None:
    """Make the folder and the store of the installation below *home*."""
    scene = Scene(home)
    for before, changed in STEPS:
        scene.clock.now = NOW - before
        for name, text in changed.items():
            scene.write(name, text)
        scene.step()
    scene.clock.now = NOW
    scene.live_through()
    scene.close()


class Scene:
    """The installation below a folder, at ``NOW``."""

    def __init__(self, home: Path) -> None:
        self.home, self.jobs = home, home / "jobs.d"
        self.jobs.mkdir(exist_ok=True)
        self.clock = StandingClock()
        self.clock.now = NOW
        self.store = Store.open(f"sqlite:///{home}/store.db")
        self.store.upgrade()
        self.vitals, self.mirror = Vitals(), Mirror()
        self.vitals.ticked(NOW - 2 * SECOND, leading=True, leader=NODE)
        self.vitals.database(NOW - timedelta(days=3), error=None)
        complete = self.store.syncs.latest(complete=True)
        if complete is not None:
            self.vitals.live(complete.revision)
        self.printed: dict[str, bytes] = {}
        self.ticks = 0
        self._reconciler = Reconciler(JobsFolder(self.jobs), self.store, PruneGuard(), NODE, self.clock)

    @classmethod
    def copied(cls, built: Path, home: Path) -> "Scene":
        """Return an installation of its own in *home*, as *built* is."""
        shutil.copytree(built, home, dirs_exist_ok=True)
        scene = cls(home)
        scene.clock.now = NOW - STEPS[-1][0]
        scene.step()  # sees the mistakes for the first time
        scene.clock.now = NOW - 12 * SECOND
        scene.step()
        scene.clock.now = NOW
        scene.printed = {run.id: FORECAST for run in scene.store.runs.unsettled() if run.state is RunState.RUNNING}
        return scene

    def backend(self) -> Backend:
        """What the API and the pages speak for."""
        return Backend(
            store=self.store,
            control=Control(self.store, self.clock),
            vitals=self.vitals,
            node=NODE,
            clock=self.clock,
            live_output=self.output,
            wake=self.step,
            tick=self._tick,
            tick_limit=timedelta(seconds=30),
            exposed=False,
            mirror=self.mirror,
            printed=lambda run_id, start, most: self.printed.get(run_id, b"")[start : start + most],
            origins=Files(self.jobs).origins,
        )

    def serve(self) -> ApiServer:
        """Serve the API and the pages, and return the server, started."""
        app = create_app(self.backend())
        pages.register(app)
        server = ApiServer(app, "127.0.0.1", 0)
        server.start()
        return server

    def stop(self, server: ApiServer) -> None:
        """End *server*, with what waits for output to come, and let go of the store."""
        self.vitals.stopping(self.clock.now)
        server.stop(timeout=5)
        self.close()

    def close(self) -> None:
        self.store.close()

    # What the loops do.

    def write(self, name: str, text: str | None) -> None:
        path = self.jobs / name
        path.parent.mkdir(exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)

    def step(self) -> None:
        report = self._reconciler.step()
        self.vitals.stepped(report)
        seen = self._reconciler.seen
        assert seen is not None
        self.mirror.see_folder(seen.snapshot.jobs)
        self.mirror.see_jobs(self.store.jobs.observe(), seen.at)

    def output(self, run_id: str) -> Output | None:
        text, limits = self.printed.get(run_id), OutputLimits()
        if text is None:
            return None
        head, rest = text[: limits.keep_head], text[limits.keep_head :]
        return Output(head, rest[-limits.keep_tail :], len(text))

    def print(self, run_id: str, text: str) -> None:
        """Let a run print more."""
        self.printed[run_id] += text.encode()

    def end(self, run_id: str, *, exit_code: int = 0) -> Run:
        """Let a run end."""
        run, state = self.store.runs.get(run_id), RunState.FAILED if exit_code else RunState.SUCCEEDED
        reason = f"exit code {exit_code}" if exit_code else None
        ended = replace(run, state=state, finished_at=self.clock.now, exit_code=exit_code, reason=reason)
        self.store.runs.record(RunChanges(settled=[(ended, self.output(run_id) or Output())]), None)
        self.printed.pop(run_id, None)
        return ended

    def running(self, job_id: str) -> Run:
        """Return the run of a job that is under way."""
        return next(run for run in self.store.runs.unsettled() if run.job_id == job_id)

    def token(self, scope: Scope) -> str:
        """Return a token; from then on nobody is the local person any more."""
        token, text = new_token(f"browser-{scope}", scope, by="ann", now=self.clock.now)
        self.store.tokens.create(token)
        return text

    def _tick(self) -> None:
        self.ticks += 1

    # Two days of history.

    def live_through(self) -> None:
        """Write down what happened until now, move each job on, and pause two of them."""
        jobs = {job.observed.id: job for job in self.store.jobs.page(after="", limit=500)}
        lease = self.store.leases.acquire("tern-1/4711", TTL)
        past = [run for job in jobs.values() for run in _past(job)]
        past += [run for job_id, job in jobs.items() for run in _followers(job, past)]
        advances = [
            Advance(job.observed.id, job.observed.schedule_digest, job.observed.next_fire_at, _next(job))
            for job in jobs.values()
            if job.observed.next_fire_at is not None and job.observed.next_fire_at <= NOW
        ]
        self.store.runs.claim(lease, past, advances)
        settled = [(run, _output(run)) for run in past if run.state not in {RunState.RUNNING, RunState.QUEUED}]
        self.store.runs.record(RunChanges(settled=settled), None)
        self._pause()

    def _pause(self) -> None:
        self.clock.now = NOW - 3 * HOUR
        control = Control(self.store, self.clock)
        control.pause("backup.mail", by="ann", reason="The mail server is being moved", until=NOW + 20 * HOUR)
        control.pause("shop.sitemap", by="token:deploy", reason="Waits for the new shop")
        self.clock.now = NOW


def _past(job: StoredJob) -> list[Run]:
    spec, observed = job.spec, job.observed
    if spec is None or not spec.schedule:
        return []
    slots = []
    for slot in fires(spec.schedule, NOW - PAST, job_id=spec.id, anchor=observed.anchor_at):
        if slot > NOW:
            break
        slots.append(slot)
    chance = random.Random(spec.id)
    found = [each for slot in slots[-spec.history.keep :] for each in _attempts(job, slot, chance)]
    if spec.id in UNSETTLED:
        found = [*(run for run in found if run.scheduled_at != slots[-1]), _unsettled(_run(job, slots[-1], chance))]
    return [replace(run, id=f"{index:04x}{_named(run)}") for index, run in enumerate(found)]


def _named(run: Run) -> str:
    return f"{random.Random(f'{run.job_id}{run.scheduled_at}{run.attempt}').getrandbits(80):020x}"


def _attempts(job: StoredJob, slot: datetime, chance: random.Random) -> list[Run]:
    spec = job.spec
    assert spec is not None
    first = _run(job, slot, chance)
    if first.state is RunState.FAILED and spec.retry.attempts > 1:
        again = _run(job, slot, chance, attempt=2)
        later = (first.finished_at or slot) + spec.retry.delay
        return [first, replace(again, cause=Cause.RETRY, due_at=later, started_at=later, finished_at=later + SECOND)]
    return [first]


def _run(job: StoredJob, slot: datetime, chance: random.Random, attempt: int = 1) -> Run:
    spec = job.spec
    assert spec is not None
    started = slot + timedelta(milliseconds=chance.randint(2, 40))
    lasted = timedelta(seconds=SECONDS.get(spec.id, chance.choice((1, 2, 3, 8))) * chance.uniform(0.8, 1.4))
    run = Run(
        id="",
        job_id=spec.id,
        scheduled_at=slot,
        attempt=attempt,
        cause=Cause.SCHEDULE,
        state=RunState.SUCCEEDED,
        claimed_at=slot + timedelta(milliseconds=1),
        started_at=started,
        finished_at=min(started + lasted, NOW),
        exit_code=0,
        node=NODE,
        owner="tern-1/4711",
        pid=4712,
        spec_digest=job.observed.digest,
        generation=1,
        revision=job.revision,
        late_at=spec.late_at(slot),
    )
    if spec.suspend:
        return _skipped(run, "suspended: the file says so")
    luck = chance.random()
    if luck < UNLUCKY.get(spec.id, 0.012):
        return replace(run, state=RunState.FAILED, exit_code=1, reason="exit code 1: connection refused")
    if luck > 0.993:
        return replace(run, state=RunState.TIMED_OUT, exit_code=-15, reason="longer than its timeout")
    if luck > 0.986:
        return _skipped(run, "overlap: the run before had not ended")
    return run


def _skipped(run: Run, reason: str) -> Run:
    return replace(run, state=RunState.SKIPPED, reason=reason, started_at=None, finished_at=None, exit_code=None)


def _unsettled(run: Run) -> Run:
    state = UNSETTLED[run.job_id]
    started = run.started_at if state is RunState.RUNNING else None
    return replace(run, state=state, started_at=started, finished_at=None, exit_code=None, reason=None)


def _followers(job: StoredJob, past: list[Run]) -> list[Run]:
    spec = job.spec
    if spec is None or not spec.after:
        return []
    before = [run for run in past if run.job_id in spec.after and run.state is RunState.SUCCEEDED and run.finished_at]
    return [_following(job, upstream) for upstream in before]


def _following(job: StoredJob, upstream: Run) -> Run:
    run = _run(job, upstream.finished_at or NOW, random.Random(upstream.id))
    named = replace(run, cause=Cause.AFTER, upstream_job_id=upstream.job_id, upstream_run_id=upstream.id)
    return replace(named, upstream_state=upstream.state, id=f"ffff{_named(run)}")


def _next(job: StoredJob) -> datetime | None:
    spec: JobSpec | None = job.spec
    assert spec is not None
    return next_fire(spec.schedule, NOW, job_id=spec.id, anchor=job.observed.anchor_at)


def _output(run: Run) -> Output:
    if run.state is RunState.SKIPPED:
        return Output()
    text = f"{run.job_id}: begin\n" + "".join(f"  part {part} of 5 done\n" for part in range(1, 6))
    text += f"{run.job_id}: {run.reason or 'all well'}\n"
    return Output(text.encode(), total=len(text))


FORECAST = (
    b"reading 731 days of orders\n"
    b"\x1b[33mwarning:\x1b[0m 2 days without orders are filled in: 2026-05-01, 2026-10-03\n"
    + b"".join(b"fit model %2d of 40: error \x1b[1m%.4f\x1b[0m\n" % (n, 1 / (n + 3)) for n in range(1, 23))
)
"""What runs have printed that are under way."""
