"""How soon a tick follows another one."""

import pytest

from schedsync.scheduler.pace import BREATH, CROWDED, STEADY, Pace


def test_where_slots_are_rare_a_tick_begins_when_one_is_due() -> None:
    pace = Pace()
    for _ in range(3 * CROWDED):
        assert pace.sleep(2 * BREATH, took=0.01) == 2 * BREATH


def test_what_falls_due_within_a_breath_is_claimed_together() -> None:
    assert Pace().sleep(0.001, took=0.01) == pytest.approx(BREATH - 0.01)


def test_the_ticks_of_a_burst_follow_each_other_as_soon() -> None:
    pace = Pace()
    for _ in range(CROWDED):
        assert pace.sleep(0.0, took=0.01) == pytest.approx(BREATH - 0.01)


@pytest.mark.parametrize("took", [0.01, 0.05])
def test_under_steady_load_there_are_ten_ticks_in_a_second(took: float) -> None:
    pace = Pace()
    for _ in range(CROWDED):
        pace.sleep(0.001, took)
    assert pace.sleep(0.001, took) == pytest.approx(STEADY - took)


def test_after_a_quiet_while_a_tick_begins_when_a_slot_is_due_again() -> None:
    pace = Pace()
    for _ in range(2 * CROWDED):
        pace.sleep(0.001, took=0.01)
    assert pace.sleep(2 * BREATH, took=0.01) == 2 * BREATH
    assert pace.sleep(0.001, took=0.01) == pytest.approx(BREATH - 0.01)


def test_a_tick_that_took_longer_than_all_that_is_followed_when_a_slot_is_due() -> None:
    assert Pace().sleep(0.001, took=1.0) == 0.001
