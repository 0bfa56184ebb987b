"""A database that goes away, hangs and comes back, while a real service runs: nothing that happened is forgotten."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.acceptance.harness import Folder, Service, eventually
from tests.proxy import Proxy

BOUNDS = {"DATABASE__CALL_TIMEOUT": "2s", "DATABASE__CONNECT_TIMEOUT": "2s", "LEASE__TTL": "6s"}
DONE = "echo started >> {marks}; while [ ! -e {go} ]; do sleep 0.05; done; echo the end; exit {code}"


def on(*cases: tuple[str, str]) -> pytest.MarkDecorator:
    """Run a test with these databases, and this that becomes of them."""
    return pytest.mark.parametrize(("place", "how"), cases, indirect=["place"])


@pytest.fixture
def place(request: pytest.FixtureRequest) -> str:
    """The URL of a place for tables, without a detour."""
    fixture = "postgresql_url" if request.param == "postgresql" else "oracle_url"
    return str(request.getfixturevalue(fixture))


@pytest.fixture
def way(place: str) -> Iterator[Proxy]:
    url = make_url(place)
    proxy = Proxy(str(url.host or url.query["host"]), url.port or 5432)
    yield proxy
    proxy.close()


@pytest.fixture
def database(place: str, way: Proxy) -> str:
    url = make_url(place).set(host="127.0.0.1", port=way.port).difference_update_query(["host"])
    return url.render_as_string(hide_password=False)


class Outage:
    """A service with a job that ends when it is told to, and a database that is away when it is told to be."""

    def __init__(self, service: Service, folder: Folder, way: Proxy, how: str) -> None:
        self.service, self.folder, self.way = service, folder, way
        self.home = folder.path.parent
        self.marks = self.home / "marks"
        self._break: Callable[[], None] = getattr(way, how)

    def job(self, name: str, *, code: int = 0, more: str = "") -> None:
        """Let a job run once, soon; a retry of it ends at once."""
        soon = datetime.now(UTC) + timedelta(seconds=3)
        line = DONE.format(marks=self.marks, go=self.go(name), code=code)
        self.folder.shell(name, line, schedule=f'{{at: "{soon:%Y-%m-%dT%H:%M:%SZ}"}}', more=more)

    def go(self, name: str) -> Path:
        return self.home / f"go-{name}"

    def start(self) -> None:
        self.service.start(**BOUNDS)

    def running(self, *names: str) -> None:
        for name in names:
            eventually(lambda: self.service.ended(name, "running"))  # noqa: B023 - asked at once

    def begin(self) -> None:
        """Let the database go away, and wait until the service knows."""
        self._break()
        eventually(lambda: not self.service.get("/health")["database"]["ok"])

    def ends(self, name: str) -> datetime:
        """Let a run end, wait until its result is on disk, and return a time after its end."""
        before = self.results()
        self.go(name).touch()
        eventually(lambda: self.results() - before)
        return datetime.now(UTC)

    def results(self) -> set[str]:
        return {path.name for path in (self.service.home / "schedsync-spool").glob("*.result")}

    def told(self, name: str, state: str) -> list[Any]:
        """The runs of a job that are in this state, from the store itself."""
        status, answer = self.service.ask(f"/api/jobs/{name}/runs")
        return [] if status != 200 or "as_of" in answer else [r for r in answer["runs"] if r["state"] == state]

    def both(self, name: str, state: str) -> list[Any]:
        """Wait for both attempts of a job to be in this state, and return them in order."""
        eventually(lambda: len(self.told(name, state)) == 2)
        return sorted(self.told(name, state), key=lambda run: int(run["attempt"]))

    def started(self) -> int:
        return self.marks.read_text().count("started")


@pytest.fixture
def outage(service: Service, folder: Folder, way: Proxy, how: str) -> Outage:
    return Outage(service, folder, way, how)


def _at(run: Any, field: str) -> datetime:
    return datetime.fromisoformat(run[field])


@on(("postgresql", "refuse"), ("postgresql", "stall"), ("oracle", "refuse"), ("oracle", "stall"))
def test_results_of_an_outage_appear_after_it_with_their_true_times_and_output(outage: Outage) -> None:
    outage.start()
    outage.job("good")
    outage.job("bad", code=3, more="retry: {attempts: 2, delay: 1s}\n")
    outage.running("good", "bad")
    outage.begin()
    ended = {name: outage.ends(name) for name in ("good", "bad")}
    time.sleep(2)  # an outage lasts: what is told after it must not be the time at which it was over
    outage.way.heal()
    (good,) = eventually(lambda: outage.told("good", "succeeded"))
    first, second = outage.both("bad", "failed")
    assert (good["exit_code"], first["exit_code"], second["exit_code"]) == (0, 3, 3)
    assert _at(good, "finished_at") < ended["good"]
    assert _at(first, "finished_at") < ended["bad"]
    assert outage.service.get(f"/api/runs/{good['id']}/log") == "the end\n"
    assert outage.started() == 3
    eventually(lambda: not outage.results())


@on(("postgresql", "refuse"), ("oracle", "stall"))
def test_after_kill_9_in_an_outage_the_next_start_tells_the_true_results_and_nothing_runs_twice(
    outage: Outage,
) -> None:
    outage.start()
    outage.job("good")
    outage.job("bad", code=3, more="retry: {attempts: 2, delay: 1s}\n")
    outage.job("open")
    outage.running("good", "bad", "open")
    outage.begin()
    ended = {name: outage.ends(name) for name in ("good", "bad")}
    outage.service.kill()
    outage.way.heal()
    outage.start()
    (good,) = eventually(lambda: outage.told("good", "succeeded"))
    assert _at(good, "finished_at") < ended["good"]
    assert outage.service.get(f"/api/runs/{good['id']}/log") == "the end\n"
    first, second = outage.both("bad", "failed")
    assert _at(first, "finished_at") < ended["bad"] < _at(second, "started_at")
    assert eventually(lambda: outage.told("open", "lost"))
    assert outage.started() == 4
    eventually(lambda: not outage.results())


@on(("postgresql", "stall"), ("oracle", "refuse"), ("oracle", "stall"))
def test_a_stop_in_an_outage_takes_no_longer_than_its_grace_and_leaves_the_results_to_the_next_start(
    outage: Outage,
) -> None:
    outage.start()
    outage.job("good")
    outage.job("open", more="kill_grace: 1s\n")
    outage.running("good", "open")
    outage.begin()
    outage.ends("good")
    began = time.monotonic()
    assert outage.service.end() == 0
    assert time.monotonic() - began < 10
    assert len(outage.results()) == 2
    outage.way.heal()
    outage.start()
    assert eventually(lambda: outage.told("good", "succeeded"))
    (stopped,) = eventually(lambda: outage.told("open", "lost"))
    assert "stopped" in stopped["reason"]
    eventually(lambda: not outage.results())


@on(("postgresql", "refuse"), ("oracle", "stall"))
def test_readers_are_answered_from_memory_at_once_and_told_since_when_it_is_old(outage: Outage) -> None:
    outage.start()
    outage.job("good")
    outage.job("open")
    outage.running("good", "open")
    (good,) = outage.service.runs("good")
    outage.begin()
    outage.ends("good")
    outage.go("open")
    began = time.monotonic()
    paths = (
        "/api/status",
        "/api/jobs",
        "/api/jobs/good",
        "/api/runs",
        "/api/jobs/good/runs",
        f"/api/runs/{good['id']}",
    )
    answers = [outage.service.get(path) for path in paths]
    log = outage.service.get(f"/api/runs/{good['id']}/log")
    assert outage.service.get("/health")["status"] == "ok"
    assert outage.service.ask("/api/pause", {}, "POST")[0] == 503
    assert outage.service.ask("/api/jobs/unknown")[0] == 503
    assert time.monotonic() - began < 2
    assert {_at(answer, "as_of") < datetime.now(UTC) for answer in answers} == {True}
    status, jobs, job, _, runs, run = answers
    assert status["database"]["ok"] is False
    assert (status["counts"]["jobs"], status["counts"]["running"]) == (2, 1)
    assert [each["id"] for each in jobs["jobs"]] == ["good", "open"]
    assert job["spec"]["schedule"]
    assert [each["state"] for each in runs["runs"]] == [run["state"]] == ["succeeded"]
    assert log == "the end\n"
    outage.way.heal()
    eventually(lambda: "as_of" not in outage.service.get("/api/status"))


@on(("postgresql", "refuse"), ("oracle", "stall"))
def test_each_loop_says_an_outage_once_when_it_begins_and_once_when_it_is_over(outage: Outage) -> None:
    outage.start()
    outage.job("good")
    outage.running("good")
    outage.begin()
    outage.ends("good")
    time.sleep(6)  # many tries of every loop
    outage.way.heal()
    eventually(lambda: outage.told("good", "succeeded"))
    eventually(lambda: any("leads again" in line for line in outage.service.log))
    said = [line for line in outage.service.log if "WARNING" in line or "ERROR" in line]
    assert len(said) == len({line.split(" error=")[0].split(" ", 1)[1] for line in said}) <= 5, said
    over = [line for line in outage.service.log if "after_seconds" in line]
    assert any("results are written again" in line and "results=1" in line for line in over)
    assert any("the database answers" in line for line in over)


@on(("postgresql", "stall"), ("oracle", "stall"))
def test_health_answers_at_once_although_many_requests_hang_in_the_database(outage: Outage) -> None:
    outage.start()
    eventually(lambda: outage.service.ask("/ready")[0] == 200)
    outage.way.stall()
    with ThreadPoolExecutor(20) as readers:
        answers = [readers.submit(outage.service.ask, "/api/runs") for _ in range(20)]
        began = time.monotonic()
        while time.monotonic() - began < 1:
            asked = time.monotonic()
            outage.service.get("/health")
            assert time.monotonic() - asked < 1
        assert {answer.result()[0] for answer in answers} == {200}
    outage.way.heal()
