"""Metrics as whoever scrapes them has them."""

import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

from schedsync.metrics.instance import Instance
from schedsync.metrics.metrics import Metrics
from schedsync.runs.outcome import Output
from schedsync.runs.recovery import KnownJob
from schedsync.runs.run import RunState
from schedsync.runs.waiting import Load
from schedsync.status.mirror import Mirror
from schedsync.status.vitals import Vitals
from schedsync.store.syncs import SyncReport
from tests.builders import NOW, observed, run, spec, store
from tests.needs import do_without

SERIES = re.compile(r"(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
JOB = KnownJob(spec(), "job.yaml")


def numbers(text: str) -> dict[str, float]:
    """The value of each series, by name and labels as they are written."""
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    assert len({series for series, _, _ in lines}) == len(lines)
    return {series: float(value) for series, _, value in lines}


def labels(text: str) -> dict[str, set[str]]:
    """The labels of each name that has series, buckets and sums being names of their own."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            match = SERIES.fullmatch(line)
            assert match, line
            found.setdefault(match["name"], set()).update(re.findall(r'(\w+)="', match["labels"] or ""))
    return found


def kinds(text: str) -> dict[str, str]:
    """The type of each metric."""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))


def full() -> str:
    """Every metric there is, with at least one series of each."""
    vitals, mirror = Vitals(), Mirror()
    vitals.ticked(NOW, leading=True, leader="here", token=7)
    vitals.stepped(SyncReport(at=NOW, node="here", revision="r1", complete=True))
    mirror.see_jobs(store(observed()), NOW)
    load = Load({}, {"processes": 2}, {"processes": 1})
    metrics = Metrics(Instance("here", vitals, mirror, lambda: load, overdue=lambda: {"job": NOW}, clock=lambda: NOW))
    for state in (RunState.SUCCEEDED, RunState.FAILED):
        ended = run(state=state, started_at=NOW, finished_at=NOW + timedelta(seconds=2))
        metrics.runs.started(ended, JOB)
        metrics.runs.changed(ended)
        metrics.runs.settled(ended, JOB)
        metrics.runs.ended(ended, JOB, Output())
    metrics.requests.answered("/metrics", "GET", 200, 0.01)
    return metrics.text().decode()


def promtool(*args: str | Path, stdin: str = "") -> None:
    """Let Prometheus's own tool judge; fail with what it says when it finds fault."""
    program = shutil.which("promtool")
    if program is None:
        do_without("promtool is not here; it comes with Prometheus (Debian: apt-get install prometheus)")
    done = subprocess.run([program, *args], input=stdin, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
