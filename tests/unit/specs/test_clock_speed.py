"""Finding the next fire takes microseconds, however rare it is, and what never fires is refused at once."""

import pytest

from tests.benchmarks.clock import FIRES, NEVER, RARE, Figures, measure

MOST_FOR_ALL = 2.0
"""Seconds for 100,000 next fires of ordinary expressions."""
MOST_TIMES = 10
"""How many times as long a rare one may take."""
MOST_TO_REFUSE = 0.01


@pytest.fixture(scope="module")
def figures() -> Figures:
    return measure()


@pytest.mark.alone
def test_a_hundred_thousand_next_fires_are_found_within_two_seconds(figures: Figures) -> None:
    assert FIRES == 100_000
    assert figures.ordinary * FIRES < MOST_FOR_ALL


@pytest.mark.alone
def test_the_fires_of_a_day_are_found_at_once_in_a_quarter_of_the_time(figures: Figures) -> None:
    assert figures.at_once < figures.following / 4


@pytest.mark.alone
@pytest.mark.parametrize("text", RARE)
def test_a_rare_day_takes_no_more_than_ten_ordinary_fires(figures: Figures, text: str) -> None:
    assert figures.rare[text] < MOST_TIMES * figures.ordinary


@pytest.mark.alone
@pytest.mark.parametrize("schedule", [str(schedule) for schedule in NEVER])
def test_what_never_fires_is_refused_within_ten_milliseconds(figures: Figures, schedule: str) -> None:
    assert figures.never[schedule] < MOST_TO_REFUSE
