"""When a process has succeeded: by its exit code, and by what it printed."""

from datetime import timedelta

import pytest

from schedsync.executors.base import Engine
from schedsync.runs.run import RunState
from tests.integration.executors.conftest import Remembering, bash

ORA = r"ORA-\d{5}"


@pytest.mark.parametrize(
    ("body", "codes", "state", "exit_code", "reason"),
    [
        ("exit 3", {0, 3}, RunState.SUCCEEDED, 3, None),
        ("exit 0", {0, 3}, RunState.SUCCEEDED, 0, None),
        ("exit 4", {0, 3}, RunState.FAILED, 4, "exit code 4"),
        ("exit 0", {3}, RunState.FAILED, 0, "exit code 0, which is not among its success_exit_codes"),
        ("kill -9 $$", {0, 9, 137}, RunState.FAILED, -9, "ended by signal 9 (SIGKILL)"),
        ("kill -10 $$", {0, 246}, RunState.FAILED, -10, "ended by signal 10 (SIGUSR1)"),
    ],
)
def test_a_run_succeeds_with_the_exit_codes_that_its_job_names(
    engine: Engine,
    listener: Remembering,
    body: str,
    codes: set[int],
    state: RunState,
    exit_code: int,
    reason: str | None,
) -> None:
    engine.launch(bash(body, success_exit_codes=frozenset(codes)))
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code, outcome.reason) == (state, exit_code, reason)


def test_a_run_that_is_ended_for_its_time_is_no_success_whatever_it_exits_with(
    engine: Engine, listener: Remembering
) -> None:
    engine.launch(bash("trap 'exit 0' TERM; sleep 30 & wait", timeout=timedelta(seconds=0.3)))
    assert listener.end().state is RunState.TIMED_OUT


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo ORA-00942: no such table", "ORA-00942: no such table"),
        ("printf 'fine\\nORA-00001'", "ORA-00001"),
        ("printf ORA-; sleep 0.1; printf '00942\\n'", "ORA-00942"),
        ("head -c 100000 /dev/zero; echo; echo ORA-00942; head -c 5000000 /dev/zero", "ORA-00942"),
    ],
    ids=["a line", "no line end", "pieces", "what is not kept"],
)
def test_a_line_of_output_makes_a_run_failed(engine: Engine, listener: Remembering, body: str, reason: str) -> None:
    engine.launch(bash(body, fail_on_output=ORA))
    outcome = listener.end()
    assert (outcome.state, outcome.exit_code) == (RunState.FAILED, 0)
    assert outcome.reason == f'output matches "ORA-\\d{{5}}": {reason}'


def test_output_that_does_not_match_is_a_success(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("echo ORA-; echo 00942", fail_on_output=ORA))
    assert listener.end().state is RunState.SUCCEEDED


def test_a_run_that_fails_by_its_exit_code_says_what_matched_too(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("echo ORA-00942; exit 7", fail_on_output=ORA))
    assert listener.end().reason == 'exit code 7; output matches "ORA-\\d{5}": ORA-00942'


def test_what_matched_is_told_shortened_and_without_control_characters(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash(r"printf '\033[31mORA-00942\0%01000d' 0", fail_on_output=ORA))
    reason = listener.end().reason or ""
    assert reason.startswith('output matches "ORA-\\d{5}": \\x1b[31mORA-00942\\x000000')
    assert len(reason) < 300


def test_the_end_of_a_run_that_was_ended_is_not_changed_by_its_output(engine: Engine, listener: Remembering) -> None:
    engine.launch(bash("echo ORA-00942; sleep 30", fail_on_output=ORA, timeout=timedelta(seconds=0.3)))
    assert listener.end().state is RunState.TIMED_OUT
