"""Pings reach a monitor as healthchecks.io wants them; a monitor that is away or hangs is nobody else's trouble."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from schedsync.notify import lines, pings
from schedsync.notify.pings import Pings
from schedsync.runs.outcome import Output
from schedsync.runs.recovery import KnownJob
from schedsync.runs.run import Run, RunState
from tests import builders
from tests.integration.runner.bench import eventually
from tests.listeners import free_port, silent_listener
from tests.receivers import Web, web_server


@pytest.fixture
def sent(tmp_path: Path) -> Iterator[Pings]:
    made = Pings(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as server:
        yield server


def job(healthcheck: object, job_id: str = "job") -> KnownJob:
    return KnownJob(builders.spec(id=job_id, healthcheck=healthcheck), f"sub/{job_id}.yaml")


def ended(run: Run, state: RunState) -> Run:
    return replace(run, state=state, finished_at=run.scheduled_at)


def test_a_start_and_a_success_are_told_and_belong_together(sent: Pings, web: Web) -> None:
    run, known = builders.run(), job(f"{web.url}/uuid")
    sent.started(run, known)
    sent.ended(ended(run, RunState.SUCCEEDED), known, Output(b"done\n", total=5))
    eventually(lambda: len(web.received) == 2)
    start, end = (path.split("?rid=") for path in web.paths)
    assert (start[0], end[0]) == ("/uuid/start", "/uuid")
    assert start[1] == end[1]
    assert [each.body for each in web.received] == [b"", b"done\n"]


def test_a_failure_is_told_with_the_end_of_the_output(sent: Pings, web: Web) -> None:
    run, output = builders.run(), Output(b"", b"y" * 5_000 + b"z" * 10_000, total=10**9)
    sent.ended(ended(run, RunState.TIMED_OUT), job(f"{web.url}/uuid?x=1"), output)
    eventually(lambda: web.received)
    assert web.paths[0].startswith("/uuid/fail?x=1&rid=")
    assert web.received[0].body == b"z" * 10_000


@pytest.mark.parametrize("state", [RunState.CANCELLED, RunState.SKIPPED])
def test_what_says_nothing_of_the_job_is_not_told(sent: Pings, web: Web, state: RunState) -> None:
    known = job({"url": web.url, "start": False})
    sent.started(builders.run(), known)
    sent.ended(ended(builders.run(), state), known, Output())
    sent.ended(ended(builders.run(), RunState.LOST), known, Output())
    eventually(lambda: web.received)
    assert [path.partition("?")[0] for path in web.paths] == ["/fail"]


def test_the_url_may_be_in_a_file_or_in_a_variable(
    sent: Pings, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/hc").write_text(f"{web.url}/file\n")
    monkeypatch.setenv("HC_URL", f"{web.url}/variable")
    for where in ({"file": "hc"}, {"env": "HC_URL"}):
        sent.ended(ended(builders.run(), RunState.SUCCEEDED), job(where), Output())
    eventually(lambda: len(web.received) == 2)
    assert [path.partition("?")[0] for path in web.paths] == ["/file", "/variable"]


def test_a_url_with_a_password_is_refused_and_not_shown(
    sent: Pings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HC_URL", "https://me:sesam@127.0.0.1/uuid")
    sent.ended(ended(builders.run(), RunState.SUCCEEDED), job({"env": "HC_URL"}), Output())
    sent.stop()
    said = "a monitor gets no user or password; what healthcheck names holds a URL with one"
    assert [(r.message, r.__dict__["error"]) for r in caplog.records] == [('pings of "job" do not arrive', said)]


def test_a_url_that_cannot_be_found_is_said_once(sent: Pings, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        sent.ended(ended(builders.run(), RunState.SUCCEEDED), job({"file": "gone"}), Output())
    sent.stop()
    assert [record.message for record in caplog.records] == ['pings of "job" do not arrive']


def test_an_end_that_does_not_arrive_is_tried_again(sent: Pings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pings, "PAUSES", (0.5, 20.0))
    port = free_port()
    known = job(f"http://127.0.0.1:{port}")
    sent.ended(ended(builders.run(), RunState.SUCCEEDED), known, Output())
    eventually(lambda: any(ping.tries for line in list(sent._lines._waiting.values()) for ping in line.pings))
    with web_server(port) as web:
        eventually(lambda: web.received)


def test_monitors_that_hang_keep_no_other_from_its_pings(sent: Pings, web: Web, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    with silent_listener() as port:
        (tmp_path / "sub/hc").write_text(f"http://127.0.0.1:{port}/uuid")
        for number in range(60):
            run, known = builders.run(job_id=f"hangs-{number}"), job({"file": "hc"}, f"hangs-{number}")
            sent.started(run, known)
            sent.ended(ended(run, RunState.SUCCEEDED), known, Output())
        well = builders.run(job_id="well")
        sent.ended(ended(well, RunState.SUCCEEDED), job(f"{web.url}/well", "well"), Output())
        eventually(lambda: web.received, within=20)
        eventually(lambda: all(len(line.pings) == 1 for line in list(sent._lines._waiting.values())))


def test_a_monitor_that_hung_is_told_the_end_when_it_answers_again(
    sent: Pings, web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(pings, "SECONDS", 0.5)
    monkeypatch.setattr(lines, "FIRST_REST", 0.5)
    run, known = builders.run(), job(web.url)
    web.drips.set()
    sent.started(run, known)
    eventually(lambda: caplog.records)
    web.drips.clear()
    sent.ended(ended(run, RunState.SUCCEEDED), known, Output(b"done\n", total=5))
    eventually(lambda: [each.body for each in web.received][1:] == [b"done\n"])
    eventually(lambda: len(caplog.records) == 2)
    host = web.url.removeprefix("http://")
    assert [record.message for record in caplog.records] == [
        f'monitor "{host}" hangs, it is pinged less',
        f'monitor "{host}" answers again',
    ]


def test_a_monitor_that_hangs_delays_no_other(sent: Pings, web: Web) -> None:
    names = [f"job-{number}" for number in range(40)]
    with silent_listener() as port:
        sent.started(builders.run(job_id="hangs"), job(f"http://127.0.0.1:{port}", "hangs"))
        for name in names:
            sent.started(builders.run(job_id=name), job(f"{web.url}/{name}", name))
        eventually(lambda: len(web.received) >= 20)
        eventually(lambda: len(web.received) == len(names))
