"""What iCalendar files said is remembered, also that one cannot be read."""

import sys

import pytest

from schedsync.sources import ical_memory
from schedsync.sources.ical_memory import IcalMemory
from schedsync.sources.icalendar import Days, days_in
from tests.unit.sources.test_icalendar import ics

CHRISTMAS, DAILY = ics("DTSTART;VALUE=DATE:20261224"), ics("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=60")
BROKEN = ics("DTSTART;VALUE=DATE:20261224\nRRULE:FREQ=HOURLY")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is read, each time that it is."""
    seen: list[bytes] = []

    def counted(data: bytes) -> Days:
        seen.append(data)
        return days_in(data)

    monkeypatch.setattr(ical_memory, "days_in", counted)
    return seen


def test_each_content_is_read_once(read: list[bytes]) -> None:
    memory = IcalMemory()
    first = memory.days_in(CHRISTMAS)
    assert memory.days_in(bytes(bytearray(CHRISTMAS))) is first
    assert memory.days_in(DAILY) != first
    assert read == [CHRISTMAS, DAILY]


def test_one_that_cannot_be_read_is_not_tried_again(read: list[bytes]) -> None:
    memory, said = IcalMemory(), set()
    for _ in range(3):
        with pytest.raises(ValueError, match="repeated hourly") as refused:
            memory.days_in(BROKEN)
        said.add(str(refused.value))
    assert (len(said), read) == (1, [BROKEN])


def test_what_was_asked_for_long_ago_is_forgotten_when_it_is_too_much(read: list[bytes]) -> None:
    memory = IcalMemory(most=70)
    other = ics("DTSTART;VALUE=DATE:20270101\nRRULE:FREQ=DAILY;COUNT=30")
    for data in (CHRISTMAS, DAILY, CHRISTMAS, other, CHRISTMAS, DAILY):
        memory.days_in(data)
    assert read == [CHRISTMAS, DAILY, other, DAILY]


def test_a_file_that_is_too_much_alone_is_remembered_until_the_next(read: list[bytes]) -> None:
    memory = IcalMemory(most=10)
    assert memory.days_in(DAILY) is memory.days_in(DAILY)
    assert read == [DAILY]


def test_the_library_is_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = IcalMemory()
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "icalendar", None)
        with pytest.raises(ValueError, match="pip install"):
            memory.days_in(CHRISTMAS)
    assert memory.days_in(CHRISTMAS).dates
