"""`schedsync trigger`: a run out of turn."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from schedsync.cli import triggering
from schedsync.cli.exits import Exit
from schedsync.cli.output import complain
from schedsync.clock import utc_now
from schedsync.runs.outcome import Output
from schedsync.runs.retry import next_attempt
from schedsync.runs.run import RunState
from schedsync.specs.policy import Retry
from schedsync.status.views import RunView
from schedsync.store.runs import RunChanges
from tests.integration.cli.harness import HOURLY, CommandLine
from tests.integration.cli.test_pause import WHO


@pytest.fixture
def live(cli: CommandLine) -> CommandLine:
    cli.applied(a=HOURLY)
    return cli


@contextmanager
def leader(cli: CommandLine, *ends: RunState, begin: threading.Event | None = None) -> Iterator[None]:
    """Another process, which ends the attempts at what is asked for like this, as soon as it may *begin*."""

    def lead() -> None:
        assert begin is None or begin.wait(20)
        policy = Retry(attempts=len(ends), delay=timedelta(0))
        with cli.store() as store:
            lease = store.leases.acquire("other", timedelta(minutes=1))
            while not (waiting := store.runs.unowned()):
                stop.wait(0.01)
            run = waiting[0]
            for state in ends:
                taken = replace(run, state=RunState.RUNNING, owner="other", token=lease.token)
                store.runs.record(RunChanges(promoted=[taken]), lease)
                ended = replace(taken, state=state, reason=None, finished_at=utc_now())
                retry = next_attempt(ended, policy, node="there", owner="other")
                store.runs.record(RunChanges(settled=[(ended, Output())], retries=[retry] if retry else []), lease)
                run = retry or ended

    stop = threading.Event()
    thread = threading.Thread(target=lead)
    thread.start()
    yield
    stop.set()
    thread.join(20)


def test_it_waits_for_an_instance_and_says_who_asked_and_why(live: CommandLine) -> None:
    asked = live("trigger", "a", "--reason", "the export is mended")
    assert asked.code == Exit.OK
    assert asked.out.endswith(" of a is queued\n")
    (run,) = live("runs", "a", "--json").json["runs"]
    assert asked.out.split()[1] == run["id"]
    assert (run["cause"], run["state"], run["asked_by"], run["ask_reason"]) == (
        "manual",
        "queued",
        WHO,
        "the export is mended",
    )
    assert f"manual by {WHO}" in live("runs", "a").out
    assert "the export is mended" in live("runs", "a").out


def test_in_json_it_is_the_run(live: CommandLine) -> None:
    assert set(live("trigger", "a", "--json").json) == set(RunView.model_fields)


def test_who_waits_is_told_how_it_ended(live: CommandLine) -> None:
    with leader(live, RunState.SUCCEEDED):
        waited = live("trigger", "a", "--wait")
    assert (waited.code, waited.out.split()[-1]) == (Exit.OK, "succeeded")


def test_who_waits_gets_the_end_of_the_last_attempt(live: CommandLine) -> None:
    with leader(live, RunState.FAILED, RunState.TIMED_OUT):
        waited = live("trigger", "a", "--wait", "--json")
    assert waited.code == Exit.FAILURE
    assert (waited.json["state"], waited.json["attempt"], waited.json["asked_by"]) == ("timed_out", 2, WHO)


def test_who_waits_long_is_told_what_may_be_the_matter(live: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    begin = threading.Event()

    def listen(message: str) -> None:
        said.append(message)
        if len(said) == 2:
            begin.set()

    monkeypatch.setattr(triggering, "SOON", -1.0)
    monkeypatch.setattr(triggering, "PATIENCE", -1.0)
    monkeypatch.setattr(triggering, "complain", listen)
    with leader(live, RunState.SUCCEEDED, begin=begin):
        assert live("trigger", "a", "--wait").code == Exit.OK
    (run,) = live("runs", "a", "--json").json["runs"]
    assert said == [
        f"run {run['id']} of a is queued",
        f"run {run['id']} still waits: for runs before it or for a place, or no instance leads",
    ]


def test_who_waits_for_an_instance_that_is_not_there_is_told_so_on_stderr_soon(
    live: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = threading.Event()

    def told(message: str) -> None:
        complain(message)
        begin.set()

    monkeypatch.setattr(triggering, "complain", told)
    with leader(live, RunState.SUCCEEDED, begin=begin):
        waited = live("trigger", "a", "--wait")
    run = waited.out.split()[1]
    assert waited.out == f"run {run} of a is succeeded\n"
    assert waited.err == f"schedsync: run {run} of a is queued\n"


def test_a_job_that_is_not_there_is_a_failure_with_a_guess(cli: CommandLine) -> None:
    cli.applied(close=HOURLY)
    failed = cli("trigger", "closs")
    assert (failed.code, failed.out) == (Exit.FAILURE, "")
    assert 'no job has the id "closs"; did you mean "close"?' in failed.err
