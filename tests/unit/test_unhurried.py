"""Work that nobody waits for stands back, and leaves nothing out."""

import pytest

from schedsync import unhurried as module
from schedsync.unhurried import BITE, REST, unhurried


class Time:
    """A clock that each thing moves on by *cost* seconds."""

    def __init__(self, cost: float) -> None:
        self.cost, self.now, self.rests = cost, 0.0, 0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds == REST
        self.rests += 1
        self.now += seconds

    def work(self) -> None:
        self.now += self.cost


@pytest.mark.parametrize(("cost", "rests"), [(0.0, 0), (BITE / 1000, 0), (BITE / 10, 31), (BITE * 10, 31)])
def test_it_rests_as_often_as_it_has_worked_for_a_bite(
    monkeypatch: pytest.MonkeyPatch, cost: float, rests: int
) -> None:
    time = Time(cost)
    monkeypatch.setattr(module, "time", time)
    seen = []
    for thing in unhurried(range(1_000)):
        time.work()
        seen.append(thing)
    assert seen == list(range(1_000))
    assert time.rests == rests


def test_what_is_little_is_given_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time(BITE / 40)
    monkeypatch.setattr(module, "time", time)
    for _ in unhurried(["a", "b"]):
        time.work()
    assert list(unhurried([])) == []
    assert time.rests == 0
