"""How far ahead a tick looks."""

from datetime import timedelta

from schedsync.scheduler.outlook import ENOUGH, FARTHEST, NEAREST, Outlook


def test_where_slots_are_rare_a_tick_looks_as_far_as_it_may_sleep() -> None:
    outlook = Outlook()
    outlook.saw(0)
    outlook.saw(ENOUGH)
    assert outlook.ahead == FARTHEST


def test_where_200_fall_due_in_a_second_it_soon_looks_at_no_more_than_enough() -> None:
    outlook = Outlook()
    for _ in range(3):
        outlook.saw(int(outlook.ahead.total_seconds() * 200))
    assert NEAREST <= outlook.ahead <= timedelta(seconds=ENOUGH / 200)


def test_it_never_looks_nearer_than_it_takes_to_load_specs() -> None:
    outlook = Outlook()
    for _ in range(10):
        outlook.saw(5_000)
    assert outlook.ahead == NEAREST


def test_after_a_burst_it_looks_far_again() -> None:
    outlook = Outlook()
    outlook.saw(5_000)
    for _ in range(7):
        outlook.saw(0)
    assert outlook.ahead == FARTHEST
