"""Whether time went by without this process, by two clocks."""

from datetime import UTC, datetime, timedelta

from schedsync.scheduler.standstill import LEAST, Standstill

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


class Clocks:
    """The one on the wall, and the one that stands still while the machine sleeps."""

    def __init__(self) -> None:
        self.wall, self.awake = NOW, 1000.0
        self.standstill = Standstill(lambda: self.awake)

    def after(self, wall: float, awake: float) -> float:
        self.wall += timedelta(seconds=wall)
        self.awake += awake
        return self.standstill.seconds(self.wall)


def test_what_this_process_lived_through_is_none_however_long_it_was() -> None:
    clocks = Clocks()
    assert clocks.after(0, 0) == 0.0
    assert clocks.after(3600, 3600) == 0.0


def test_what_it_did_not_live_through_is_told_once() -> None:
    clocks = Clocks()
    clocks.after(0, 0)
    assert clocks.after(65, 5) == 60.0
    assert clocks.standstill.lived == 5.0
    assert clocks.after(5, 5) == 0.0


def test_short_steps_and_steps_backwards_are_none() -> None:
    clocks = Clocks()
    clocks.after(0, 0)
    assert clocks.after(5 + LEAST, 5) == 0.0
    assert clocks.after(-3600, 5) == 0.0
