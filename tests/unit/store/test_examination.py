"""When two clocks are so far from each other that somebody should hear of it."""

from datetime import timedelta

import pytest

from schedsync.store.examination import clock_warnings


@pytest.mark.parametrize(
    ("ahead", "warnings"),
    [
        (0.0, ()),
        (4.9, ()),
        (-4.9, ()),
        (61.2, ("the database's clock is 61 s ahead of this machine's; set both by NTP",)),
        (-7200.0, ("the database's clock is 7200 s behind this machine's; set both by NTP",)),
    ],
    ids=str,
)
def test_a_clock_that_is_far_off_is_warned_of(ahead: float, warnings: tuple[str, ...]) -> None:
    assert clock_warnings(timedelta(seconds=ahead)) == warnings
