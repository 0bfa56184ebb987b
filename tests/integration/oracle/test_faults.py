"""Oracle fails at each statement of the claim and of the result path: each slot ends once, and it is said once."""

import logging
from collections import Counter

import pytest

from schedsync.errors import DatabaseUnavailableError
from schedsync.running import recorder
from schedsync.runs.run import Run
from tests.contract.oracle import Standin
from tests.integration.runner.bench import eventually
from tests.integration.scheduler.ticking import Ticking

CLAIM = {
    "the renewal of the lease": r"UPDATE schedsync_leases SET expires_at",
    "the look at what is due": r"FROM schedsync_jobs LEFT OUTER JOIN schedsync_pauses",
    "the check of the fencing token": r"UPDATE schedsync_leases SET token",
    "the advance of the jobs": r"UPDATE schedsync_jobs SET next_fire_at",
    "the insert of the runs": r"INSERT INTO schedsync_runs",
}
RESULT = {
    "the start": r"UPDATE schedsync_runs SET started_at",
    "the end": r"UPDATE schedsync_runs SET state=:state, reason",
    "the output": r"INSERT INTO schedsync_run_output",
    "the look for the retry": r"SELECT schedsync_runs.job_id, schedsync_runs.scheduled_at, schedsync_runs.attempt",
    "the retry": r"INSERT INTO schedsync_runs",
    "the leave to start of the retry": r"UPDATE schedsync_runs SET state=:state, node",
}
CODES = {
    "a deadlock": (60, "ORA-00060"),
    "a snapshot too old": (1555, "ORA-01555"),
    "the end of the connection": (3113, "ORA-03113"),
    "no listener": (12541, "ORA-12541"),
}
TIMES = 3
"""How often in a row it fails."""
MINUTE = 60
START = RESULT["the start"]
"""Fails once: a start that could not be written is not tried again, the end of the run tells it too."""


@pytest.fixture
def busy(bench: Ticking, monkeypatch: pytest.MonkeyPatch) -> Ticking:
    """Two jobs: one prints and succeeds, one fails and succeeds at its second attempt; each run leaves a mark."""
    monkeypatch.setattr(recorder, "STARTS", 0.0)  # else the starts of such short runs are written with their ends
    told = "$SCHEDSYNC_JOB_ID $SCHEDSYNC_SCHEDULED_AT $SCHEDSYNC_ATTEMPT"
    mark = f"echo {told} >> {bench.file('marks')}; echo done; sleep 0.1"
    more = "overlap: allow\nmisfire: {policy: all, grace: 1d}\n"
    bench.job("good", mark, more)
    bench.job("again", f"{mark}; exit $((2 - SCHEDSYNC_ATTEMPT))", f"{more}retry: {{attempts: 2, delay: 1s}}\n")
    bench.tick()
    assert bench.scheduler.leads
    return bench


def go_on(bench: Ticking, slots: int, *, within: float = 30) -> list[Run]:
    """Tick until each slot so far has ended well, and return all attempts."""

    def settled() -> list[Run]:
        bench.tick()
        try:
            runs = bench.runs("good") + bench.runs("again")
        except DatabaseUnavailableError:
            return []
        for run in runs:  # the clock stands, except for retries: further slots are not asked for here
            bench.clock.now = max(bench.clock.now, run.due_at or run.scheduled_at)
        return runs if Counter(run.state.value for run in runs)["succeeded"] == 2 * slots else []

    return eventually(settled, within=within)


def marks(bench: Ticking) -> Counter[str]:
    return Counter(bench.file("marks").read_text().splitlines())


def reasons(caplog: pytest.LogCaptureFixture, sign: str) -> list[str]:
    """The lines of the log that an operator sees and that name the reason."""
    seen = [record for record in caplog.records if record.levelno >= logging.WARNING]
    lines = [f"{each.getMessage()} {vars(each).get('error', '')} {each.exc_text or ''}" for each in seen]
    return [line for line in lines if sign in line]


def each_slot_once(bench: Ticking, runs: list[Run], slots: int) -> None:
    """Each slot has its attempts and nothing more, in the rows as in what really ran."""
    assert Counter((run.job_id, run.state.value, run.attempt) for run in runs) == {
        ("good", "succeeded", 1): slots,
        ("again", "failed", 1): slots,
        ("again", "succeeded", 2): slots,
    }
    assert set(marks(bench).values()) == {1}
    assert len(marks(bench)) == 3 * slots
    assert len({(run.job_id, run.scheduled_at, run.attempt) for run in runs}) == len(runs)


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
@pytest.mark.parametrize("statement", CLAIM.values(), ids=CLAIM)
def test_a_failure_in_the_claim(
    busy: Ticking, standin: Standin, caplog: pytest.LogCaptureFixture, statement: str, code: tuple[int, str]
) -> None:
    busy.clock.forward(minutes=1)
    busy.seconds += busy.leadership.interval
    number, shown = code
    standin.fail(statement, number, count=TIMES)
    each_slot_once(busy, go_on(busy, 1), 1)
    said = reasons(caplog, shown)
    assert len(said) == 1, said
    standin.heal()
    busy.clock.forward(minutes=1)
    each_slot_once(busy, go_on(busy, 2), 2)


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
@pytest.mark.parametrize("statement", RESULT.values(), ids=RESULT)
def test_a_failure_in_the_result_path(
    busy: Ticking, standin: Standin, caplog: pytest.LogCaptureFixture, statement: str, code: tuple[int, str]
) -> None:
    held, launch = busy.hold()
    busy.clock.forward(minutes=1)
    eventually(lambda: busy.tick() and len(held) == 2)
    number, shown = code
    standin.fail(statement, number, count=1 if statement == START else TIMES)
    busy.runner.submit = launch
    for entry in held:
        launch(entry)
    each_slot_once(busy, go_on(busy, 1), 1)
    said = reasons(caplog, shown)
    assert len(said) == 1, said
    standin.heal()
    busy.clock.forward(minutes=1)
    each_slot_once(busy, go_on(busy, 2), 2)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seconds", [0, MINUTE], ids=["at once", "for a minute"])
@pytest.mark.parametrize("statement", [*CLAIM.values(), *RESULT.values()], ids=[*CLAIM, *RESULT])
def test_every_session_is_killed_and_connections_are_refused(
    busy: Ticking, standin: Standin, caplog: pytest.LogCaptureFixture, statement: str, seconds: int
) -> None:
    busy.clock.forward(minutes=1)
    busy.seconds += busy.leadership.interval
    breaking = standin.break_at(statement, seconds)
    each_slot_once(busy, go_on(busy, 1, within=seconds + 60), 1)
    breaking.join()
    said = Counter(record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
    assert set(said.values()) == {1}, said
    busy.clock.forward(minutes=1)
    each_slot_once(busy, go_on(busy, 2), 2)


@pytest.mark.parametrize("code", [12514, 12541])
def test_connections_refused(busy: Ticking, standin: Standin, caplog: pytest.LogCaptureFixture, code: int) -> None:
    standin.refuse(3, code)
    standin.kill_sessions()
    busy.clock.forward(minutes=1)
    each_slot_once(busy, go_on(busy, 1), 1)
    said = reasons(caplog, f"{code}")
    assert len(said) <= 2, said  # the loop that fires and the one that writes results
