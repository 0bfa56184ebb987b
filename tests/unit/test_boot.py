"""The one boot of a process, and what it still has to fire."""

from datetime import timedelta

from schedsync.scheduler.boot import Boot
from tests.builders import NOW

LATER = NOW + timedelta(minutes=5)


def test_it_is_not_before_the_folder_is_applied_and_only_once() -> None:
    boot = Boot()
    assert not boot.is_now
    boot.ready()
    assert boot.is_now
    boot.begin(NOW, ["a"])
    boot.ready()
    assert (boot.is_now, boot.at) == (False, NOW)


def test_each_job_has_a_slot_until_none_follows() -> None:
    boot = Boot()
    boot.begin(NOW, ["a", "b", "c"])
    assert boot.due(NOW) == dict.fromkeys("abc", NOW)
    boot.moved({"a": None, "b": LATER})
    assert boot.due(NOW) == {"c": NOW}
    assert boot.next_after(NOW) == LATER
    assert boot.due(LATER) == {"b": LATER, "c": NOW}
    boot.moved({"b": None, "c": None})
    assert (boot.due(LATER), boot.next_after(NOW)) == ({}, None)
