"""A part of a log: by a range of bytes, and behind a byte as it comes."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from schedsync.api.places import PLACES, SEATS
from schedsync.runs.outcome import Output
from schedsync.runs.run import Run, RunState
from schedsync.status.mirror import Mirror
from tests.integration.api.conftest import Installation, problem
from tests.integration.runner.bench import eventually

PRINTED = b"0123456789"


def _printed(data: bytes) -> Output:
    return Output(data, b"", len(data))


@pytest.fixture
def ended(here: Installation) -> Run:
    return here.end(here.claim("a"), _printed(PRINTED))


def _range(client: FlaskClient, run: Run, wanted: str, **headers: str) -> TestResponse:
    return client.get(f"/api/runs/{run.id}/log", headers={"Range": wanted, **headers})


@pytest.mark.parametrize(
    ("wanted", "part", "said"),
    [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=-30", "0123456789", "bytes 0-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ],
)
def test_a_range_of_bytes_is_answered_alone(client: FlaskClient, ended: Run, wanted: str, part: str, said: str) -> None:
    response = _range(client, ended, wanted)
    assert (response.status_code, response.text, response.headers["Content-Range"]) == (206, part, said)
    assert response.headers["Content-Length"] == str(len(part))
    assert response.content_type == "text/plain; charset=utf-8"


def test_a_range_behind_the_end_is_refused_with_the_length(client: FlaskClient, ended: Run) -> None:
    response = _range(client, ended, "bytes=10-")
    problem(response, 416)
    assert response.headers["Content-Range"] == "bytes */10"


@pytest.mark.parametrize("wanted", ["bytes=4-2", "bytes=1-2,4-5", "lines=1-2", "bytes=x", "bytes=-0"])
def test_a_range_that_cannot_be_answered_alone_is_passed_over(client: FlaskClient, ended: Run, wanted: str) -> None:
    response = _range(client, ended, wanted)
    assert (response.status_code, response.text) == (200, "0123456789")
    assert response.headers["Accept-Ranges"] == "bytes"


def test_the_log_of_a_run_that_has_ended_has_a_tag_and_one_that_goes_on_has_none(
    here: Installation, client: FlaskClient, ended: Run
) -> None:
    path = f"/api/runs/{ended.id}/log"
    tag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert _range(client, ended, "bytes=0-1", **{"If-Range": tag}).status_code == 206
    assert _range(client, ended, "bytes=0-1", **{"If-Range": '"another"'}).status_code == 200
    going_on = here.claim("b")
    here.live[going_on.id] = _printed(b"so")
    response = client.get(f"/api/runs/{going_on.id}/log")
    assert ("ETag" in response.headers, response.headers["Cache-Control"]) == (False, "no-store")
    here.live[going_on.id] = _printed(b"so far")
    assert _range(client, going_on, "bytes=3-").text == "far"


# Following


def _part(response: TestResponse) -> tuple[str, str, str]:
    assert response.status_code == 200
    return response.text, response.headers["Schedsync-Log-Next"], response.headers["Schedsync-Log-Done"]


def test_what_lies_behind_a_byte_is_answered_at_once(here: Installation, client: FlaskClient) -> None:
    run = here.claim("a")
    here.live[run.id] = _printed("grün, so".encode())
    path = f"/api/runs/{run.id}/log"
    assert _part(client.get(f"{path}?from=0&wait=20")) == ("grün, so", "9", "false")
    here.live[run.id] = _printed("grün, so far".encode())
    assert _part(client.get(f"{path}?from=9&wait=20")) == (" far", "13", "false")
    here.end(run, here.live.pop(run.id))
    assert _part(client.get(f"{path}?from=13&wait=20")) == ("", "13", "true")


def test_what_memory_has_dropped_comes_from_the_file_in_bites(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedsync.api.following.MOST", 7)
    written = "abcdefghijäklm".encode()
    client = here.client(printed=lambda _run_id, start, most: written[start : start + most])
    run = here.claim("a")
    here.live[run.id] = Output(b"ab", b"m", len(written))
    parts, start = [], "0"
    while int(start) < len(written):
        text, start, done = _part(client.get(f"/api/runs/{run.id}/log?from={start}"))
        parts.append(text)
        assert done == "false"
    assert parts == ["abcdefg", "hijäkl", "m"]


def test_what_neither_has_is_a_line_that_says_how_much(here: Installation) -> None:
    client = here.client(printed=lambda _run_id, start, _most: b"abcdef"[start:])
    run = here.claim("a")
    here.live[run.id] = Output(b"ab", b"yz", 26)
    path = f"/api/runs/{run.id}/log"
    assert _part(client.get(f"{path}?from=0")) == ("abcdef", "6", "false")
    assert _part(client.get(f"{path}?from=6")) == ("\n[... 18 bytes not kept ...]\nyz", "26", "false")
    here.end(run, Output(b"ab", b"56", 100))
    del here.live[run.id]
    assert _part(client.get(f"{path}?from=26")) == ("\n[... 72 bytes not kept ...]\n56", "100", "true")


@pytest.mark.parametrize("query", ["from=-1", "from=x", "from=", "from=1.5", "wait=21", "wait=-1", "wait=x", "form=1"])
def test_a_byte_or_a_time_that_is_none_is_refused(client: FlaskClient, ended: Run, query: str) -> None:
    (mistake,) = problem(client.get(f"/api/runs/{ended.id}/log?{query}"), 400)["errors"]
    assert mistake["field"] == query.partition("=")[0]
    assert 'did you mean "from"?' in mistake["message"] or "expected" in mistake["message"]


@dataclass
class Follower:
    """A client in a thread, and when it has looked for news so often that it certainly waits."""

    client: FlaskClient
    looks: list[str] = field(default_factory=list)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(SEATS + PLACES))

    def waits(self, run: Run, count: int = 1) -> list[Callable[[], tuple[str, str, str]]]:
        """Let *count* requests wait for what *run* prints, and return how to get their answers."""
        before, path = len(self.looks), f"/api/runs/{run.id}/log?from=0&wait=20"
        answers = [self.pool.submit(self.client.application.test_client().get, path) for _ in range(count)]
        eventually(lambda: len(self.looks) >= before + 2 * count)
        return [lambda answer=answer: _part(answer.result(10)) for answer in answers]  # type: ignore[misc]


@pytest.fixture
def follower(here: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Follower]:
    monkeypatch.setattr("schedsync.api.following.LOOK", 0.01)
    looks: list[str] = []

    def printed(run_id: str, _start: int, _most: int) -> bytes:
        looks.append(threading.current_thread().name)
        return b""

    yield (made := Follower(here.client(printed=printed), looks))
    made.pool.shutdown(cancel_futures=True)


def test_a_follower_gets_what_is_printed_when_it_is(here: Installation, follower: Follower) -> None:
    run = here.claim("a")
    here.live[run.id] = Output()
    (answer,) = follower.waits(run)
    here.live[run.id] = _printed(b"news")
    assert answer() == ("news", "4", "false")


def test_a_follower_is_told_at_once_when_the_run_ends(
    here: Installation, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedsync.api.following.ASK", 60)
    run = here.claim("a")
    here.live[run.id] = Output()
    (answer,) = follower.waits(run)
    here.end(run)
    del here.live[run.id]
    assert answer() == ("", "0", "true")


def test_a_follower_of_a_run_elsewhere_asks_the_store_now_and_then(
    here: Installation, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedsync.api.following.ASK", 0.02)
    run = here.claim("a")
    (answer,) = follower.waits(run)
    here.end(run, _printed(b"done"))
    assert answer() == ("done", "4", "true")


def test_a_follower_of_a_run_here_asks_the_store_once(
    here: Installation, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedsync.api.following.ASK", 0)
    run = here.claim("a")
    here.live[run.id] = Output()
    asked: list[str] = []
    get = here.store.runs.get

    def asked_for(run_id: str) -> Run:
        asked.append(run_id)
        return get(run_id)

    monkeypatch.setattr(here.store.runs, "get", asked_for)
    (answer,) = follower.waits(run)
    eventually(lambda: len(follower.looks) >= 20)
    assert asked == [run.id]
    here.live[run.id] = _printed(b"x")
    assert answer()[0] == "x"


def test_a_follower_waits_no_longer_than_it_said(here: Installation, client: FlaskClient) -> None:
    run = here.claim("a")
    here.live[run.id] = Output()
    since = time.monotonic()
    assert _part(client.get(f"/api/runs/{run.id}/log?wait=0.3")) == ("", "0", "false")
    assert 0.3 <= time.monotonic() - since < 10


def test_who_waits_takes_no_place_from_others_and_who_comes_late_is_answered_at_once(
    here: Installation, follower: Follower
) -> None:
    run = here.claim("a")
    here.live[run.id] = Output()
    answers = follower.waits(run, SEATS)
    since = time.monotonic()
    assert _part(follower.client.get(f"/api/runs/{run.id}/log?wait=20")) == ("", "0", "false")
    assert time.monotonic() - since < 10
    places = follower.client.application.extensions["schedsync-places"]
    assert [places.take() for _ in range(PLACES)] == [True] * PLACES
    for _ in range(PLACES):
        places.give_back()
    here.live[run.id] = _printed(b"x")
    assert [answer()[0] for answer in answers] == ["x"] * SEATS
    here.live[run.id] = Output()
    (again,) = follower.waits(run)  # the seats are free again
    here.live[run.id] = _printed(b"y")
    assert again()[0] == "y"


def test_nobody_waits_while_the_service_stops(here: Installation, follower: Follower) -> None:
    run = here.claim("a")
    here.live[run.id] = Output()
    (answer,) = follower.waits(run)
    here.vitals.stopping(here.clock.now)
    assert answer() == ("", "0", "false")


def test_a_run_here_is_followed_while_the_database_is_away(here: Installation) -> None:
    mirror = Mirror()
    run = here.claim("a", state=RunState.RUNNING)
    mirror.learn_run(run)
    mirror.see_jobs(here.store.jobs.observe(), here.clock.now)
    here.vitals.database(here.clock.now, error="no route to host")
    here.live[run.id] = _printed(b"so far")
    response = here.client(mirror=mirror).get(f"/api/runs/{run.id}/log?from=3&wait=20")
    assert _part(response) == ("far", "6", "false")
    assert response.headers["Schedsync-As-Of"]


def test_a_long_log_that_is_known_is_answered_without_a_body_also_to_those_who_take_compressed_ones(
    here: Installation, client: FlaskClient
) -> None:
    run = here.end(here.claim("a"), _printed(b"line\n" * 1_000))
    path, gzip = f"/api/runs/{run.id}/log", {"Accept-Encoding": "gzip"}
    packed = client.get(path, headers=gzip)
    assert packed.headers["Content-Encoding"] == "gzip"
    known = client.get(path, headers={"If-None-Match": packed.headers["ETag"], **gzip})
    assert (known.status_code, known.data) == (304, b"")
    assert "Content-Encoding" not in known.headers
    part = client.get(path, headers={"Range": "bytes=0-2499", **gzip})
    assert (part.status_code, part.headers.get("Content-Encoding"), len(part.data)) == (206, None, 2_500)
