"""kill -9 at each step of a run's way from the claim to the recorded result, and what the next start makes of it.

``make faults`` prints the table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.fault_table import PROPERTY
from tests.acceptance.harness import REPOSITORY, Folder, Service, eventually
from tests.acceptance.kill_points import POINTS

SCRIPT = str(REPOSITORY / "tests" / "acceptance" / "kill_points.py")
BODY = """\
if [ -e pid ] && grep -q '^State:[[:space:]]*[DRSTt]' /proc/$(cat pid)/status; then echo twice >> marks; fi
echo $$ > pid
echo start $SCHEDSYNC_ATTEMPT >> marks
[ $SCHEDSYNC_ATTEMPT -gt 1 ] || sleep SECONDS
echo end $SCHEDSYNC_ATTEMPT >> marks
"""
"""Says when it starts and ends, and whether one like it lives already."""
OUTLIVES = ("process spawned", "start noted", "start written")
"""The points at which the first attempt is to live on until the next start finds it."""


@dataclass(frozen=True)
class Expected:
    """What becomes of a run whose service is killed at a point."""

    state: str
    started: bool
    """Whether it had begun, so that there may not be another start of the same attempt."""


EXPECTED = {
    "claim sent": Expected("succeeded", started=True),  # nothing was written, so the next start claims the slot
    "claim committed": Expected("lost", started=False),
    "run taken up": Expected("lost", started=False),
    "run handed over": Expected("lost", started=False),
    "process spawned": Expected("lost", started=True),
    "start noted": Expected("lost", started=True),
    "start written": Expected("lost", started=True),
    "exit noticed": Expected("lost", started=True),
    "result held": Expected("lost", started=True),
    "result on disk": Expected("succeeded", started=True),
    "result sent": Expected("lost", started=True),
    "result committed": Expected("succeeded", started=True),
}


def test_there_are_twelve_points_and_each_has_an_expectation() -> None:
    assert list(POINTS) == list(EXPECTED)
    assert len(POINTS) == 12


ADOPTED = {
    point: "lost" if expected.state == "lost" and not expected.started else "succeeded"
    for point, expected in EXPECTED.items()
}
"""What becomes of a run that has a keeper: only what had not begun is lost."""


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("policy", ["no retry", "retry"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql", "oracle"], indirect=True)
def test_a_slot_has_one_outcome_wherever_the_service_is_killed(
    service: Service,
    folder: Folder,
    request: pytest.FixtureRequest,
    point: str,
    policy: str,
    record_property: Callable[[str, object], None],
) -> None:
    expected = EXPECTED[point]
    service.script, service.environ = SCRIPT, {"KILL_AT": point}
    service.start()
    _arm(folder, seconds=60 if point in OUTLIVES else 0.3, fails_first=policy == "retry")
    assert service.ended_itself() == -9, "it was not killed"
    service.script, service.environ = None, {}
    service.start()
    last = "succeeded" if policy == "retry" else expected.state
    eventually(lambda: _settled(service, last), within=30)

    runs = sorted(service.runs("victim"), key=lambda run: run["attempt"])
    marks = _marks(folder)
    database = request.node.callspec.params["database"]
    record_property(PROPERTY, [database, policy, point, *_shown(runs, marks)])
    assert {run["scheduled_at"] for run in runs} == {runs[0]["scheduled_at"]}
    assert [run["attempt"] for run in runs] == list(range(1, len(runs) + 1))
    first = {"succeeded": "failed"}.get(
        expected.state, expected.state
    )  # with retries the first attempt fails by itself
    assert [run["state"] for run in runs] == ([first, "succeeded"] if policy == "retry" else [expected.state])
    assert "twice" not in marks
    starts = [mark for mark in marks if mark.startswith("start")]
    assert starts == (["start 1"] if expected.started else []) + (["start 2"] if policy == "retry" else [])


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_run_that_is_to_be_adopted_has_its_own_end_wherever_the_service_is_killed(
    service: Service,
    folder: Folder,
    point: str,
    record_property: Callable[[str, object], None],
) -> None:
    service.script, service.environ = SCRIPT, {"KILL_AT": point}
    service.start()
    _arm(folder, seconds=4 if point in OUTLIVES else 0.3, more="orphan: adopt\n")
    assert service.ended_itself() == -9, "it was not killed"
    service.script, service.environ = None, {}
    service.start()
    eventually(lambda: _settled(service, ADOPTED[point]), within=30)
    runs, marks = service.runs("victim"), _marks(folder)
    record_property(PROPERTY, ["sqlite", "adopt", point, *_shown(runs, marks)])
    assert [(run["attempt"], run["state"]) for run in runs] == [(1, ADOPTED[point])]
    assert marks == (["start 1", "end 1"] if ADOPTED[point] == "succeeded" else [])
    eventually(lambda: not list((service.home / "schedsync-spool").iterdir()))


def _marks(folder: Folder) -> list[str]:
    path = folder.path / "marks"
    return path.read_text().splitlines() if path.exists() else []


def _arm(folder: Folder, *, seconds: float, fails_first: bool = False, more: str = "") -> None:
    """Put a job there with one slot, soon."""
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    body = BODY.replace("SECONDS", str(seconds)) + ("[ $SCHEDSYNC_ATTEMPT -gt 1 ]\n" if fails_first else "")
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    retry = "retry: {attempts: 3, delay: 0s}\n" if fails_first else ""
    schedule = f'schedule: {{at: "{at:%Y-%m-%dT%H:%M:%SZ}"}}\n'
    folder.write("victim.yaml", f"id: victim\n{schedule}run:\n  cwd: .\n  shell: |\n{indented}{retry}{more}")


def _settled(service: Service, last: str) -> bool:
    """Whether the newest attempt has ended as *last*, and nothing else is to come."""
    runs = service.runs("victim")
    counts = service.get("/api/status")["counts"]
    at_rest = counts["running"] == counts["queued"] == 0
    return bool(runs) and at_rest and max(runs, key=lambda run: run["attempt"])["state"] == last


def _shown(runs: list[dict[str, object]], marks: list[str]) -> list[str]:
    outcome = ", then ".join(str(run["state"]) for run in runs)
    started = sum(mark.startswith("start") for mark in marks)
    return [outcome, f"{started} started", "two at once" if "twice" in marks else "never two at once"]
