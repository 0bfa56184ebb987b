"""Which ping is next, by a clock that stands."""

from pathlib import Path

import pytest

from schedsync.notify.lines import FIRST_REST, LONGEST_REST, MOST, Lines, Ping
from schedsync.specs.notify import Healthcheck

START, END, FAIL = "/start", "", "/fail"
HUNG = "no answer"


class Scene:
    """Lines that are asked for what may be sent at once."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines = Lines(lambda: self.now)
        self.lines.close()  # so nobody waits

    def put(self, job_id: str, *paths: str) -> None:
        for path in paths:
            self.lines.put(Ping(job_id, Healthcheck(url="http://x"), Path(), path, "run"))

    def next(self, host: str = "x") -> Ping | None:
        """Return what may be asked at *host* now."""
        while (ping := self.lines.next(lambda *_: None)) is not None:
            if self.lines.is_at(ping, host):
                return ping
        return None

    def asked(self, host: str = "x") -> Ping:
        ping = self.next(host)
        assert ping is not None
        return ping

    def hang(self) -> None:
        self.lines.hung(self.asked(), HUNG)

    def sent(self) -> list[tuple[str, str]]:
        """Let all answer that may be asked, and return what they were told."""
        told = []
        while (ping := self.next()) is not None:
            told.append((ping.job_id, ping.path))
            self.lines.answered(ping)
        return told


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_jobs_pings_are_sent_in_their_order_and_one_at_a_time(scene: Scene) -> None:
    scene.put("a", START, END)
    scene.put("b", START)
    first, second = scene.asked(), scene.asked()
    assert (first.job_id, second.job_id, scene.next()) == ("a", "b", None)
    scene.lines.answered(first)
    assert scene.sent() == [("a", END)]


def test_an_end_that_is_tried_again_comes_before_what_is_newer(scene: Scene) -> None:
    scene.put("a", FAIL, START, END)
    scene.lines.again(scene.asked(), after=2.0)
    assert scene.next() is None
    scene.now = 2.0
    assert [path for _, path in scene.sent()] == [FAIL, START, END]


def test_while_a_host_rests_only_the_newest_end_of_each_job_is_kept(scene: Scene) -> None:
    scene.put("a", START, FAIL)
    scene.hang()
    scene.put("a", START, END, START)
    scene.put("new", START, FAIL)
    assert scene.sent() == []
    scene.now = FIRST_REST
    assert sorted(scene.sent()) == [("a", END), ("new", FAIL)]


def test_rests_grow_up_to_a_longest_and_an_answer_ends_them(scene: Scene) -> None:
    scene.put("a", END)
    for rest in (*(FIRST_REST * 2**times for times in range(5)), LONGEST_REST, LONGEST_REST):
        scene.hang()
        scene.now += rest - 1
        assert scene.sent() == []
        scene.now += 1
    assert scene.sent() == [("a", END)]
    scene.put("a", END)
    scene.hang()
    scene.now += FIRST_REST
    assert scene.sent() == [("a", END)]


def test_several_tries_that_hang_together_count_as_one(scene: Scene) -> None:
    for job_id in "abcd":
        scene.put(job_id, END)
    for ping in [scene.asked() for _ in range(4)]:
        scene.lines.hung(ping, HUNG)
    scene.now = FIRST_REST
    assert len(scene.sent()) == 4


def test_a_host_that_hung_is_asked_by_one_at_a_time_and_after_the_others(scene: Scene) -> None:
    for job_id in "ab":
        scene.put(job_id, END)
    scene.hang()
    assert scene.next() is None  # "b" turns out to be there, too
    scene.now = FIRST_REST + 1
    scene.put("well", END)
    assert scene.asked("well").job_id == "well"
    first = scene.asked()
    assert scene.next() is None
    scene.lines.answered(first)
    assert {first.job_id, scene.asked().job_id} == {"a", "b"}


def test_of_too_many_pings_of_a_job_the_newest_end_is_kept(scene: Scene) -> None:
    scene.put("a", *[START, FAIL] * (MOST // 2), END)
    scene.put("b", START, END)
    assert sorted(scene.sent()) == [("a", END), ("b", END), ("b", START)]
