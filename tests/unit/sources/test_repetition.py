"""Rules by which events of iCalendar files are repeated: their days, and how many are looked at."""

import random
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice, takewhile

import pytest
from dateutil.rrule import rrulestr

from schedsync.sources.repetition import Repetition

FIRST, LAST = date(2026, 1, 1), date(2060, 12, 31)
ASKED = date(2032, 12, 31)


class Looks:
    """Counts days that are looked at."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, more: int) -> None:
        self.count += more


def days(rule: str, first: date = FIRST, last: date = LAST) -> Iterator[date]:
    return Repetition.read(rule, first).days(first, last, Looks())


def by_another(rule: str, first: date) -> Iterator[date]:
    """The same by dateutil, which must not be asked for what never comes."""
    begin = datetime.combine(first, datetime.min.time())
    return (moment.date() for moment in rrulestr(rule, dtstart=begin, ignoretz=True))


RULES = [
    "FREQ=DAILY;INTERVAL=10;COUNT=5",
    "FREQ=DAILY;BYMONTH=1",
    "FREQ=DAILY;BYMONTHDAY=-1;BYDAY=MO,FR",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,SU",
    "FREQ=WEEKLY;INTERVAL=2;WKST=MO;BYDAY=TU,SU",
    "FREQ=WEEKLY;BYMONTH=3,4",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11,12",
    "FREQ=MONTHLY;BYDAY=1FR;COUNT=10",
    "FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU",
    "FREQ=MONTHLY;BYDAY=-2MO",
    "FREQ=MONTHLY;BYMONTHDAY=2,15,-3,31",
    "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
    "FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2,-1,1",
    "FREQ=YEARLY",
    "FREQ=YEARLY;BYMONTH=1,2",
    "FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,200,-1",
    "FREQ=YEARLY;BYDAY=20MO,-1SU",
    "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
    "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
    "FREQ=YEARLY;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
    "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
    "FREQ=YEARLY;BYWEEKNO=1,53,-1;WKST=SU",
    "FREQ=YEARLY;BYMONTHDAY=31",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("first", [date(2026, 1, 1), date(2028, 2, 29), date(2027, 10, 31)], ids=str)
def test_its_days_are_those_that_others_find(rule: str, first: date) -> None:
    expected = list(takewhile(lambda day: day <= ASKED, by_another(rule, first)))
    assert expected
    assert list(days(rule, first, ASKED)) == expected


def made_up(dice: random.Random) -> str:
    """Return a rule of parts that chance has put together; some have no days."""
    frequency = dice.choice(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
    parts = [f"FREQ={frequency}", f"INTERVAL={dice.choice([1, 1, 2, 3, 5])}", f"WKST={dice.choice(['MO', 'SU', 'WE'])}"]
    which = dice.choice([("",), ("1", "-1", "2", "-2")]) if frequency in {"MONTHLY", "YEARLY"} else ("",)
    weekdays = [dice.choice(which) + day for day in dice.sample(["MO", "TU", "WE", "TH", "FR", "SA", "SU"], 3)]
    choices = [
        f"BYMONTH={','.join(map(str, dice.sample(range(1, 13), 4)))}",
        f"BYMONTHDAY={','.join(map(str, dice.sample([*range(-31, 0), *range(1, 32)], 9)))}",
        f"BYYEARDAY={','.join(map(str, dice.sample([*range(-366, 0), *range(1, 367)], 90)))}",
        f"BYDAY={','.join(weekdays)}",
    ]
    parts += dice.sample(choices, dice.choice([0, 1, 1, 2]))
    if frequency in {"MONTHLY", "YEARLY"} and dice.random() < 0.3:
        parts.append(f"BYSETPOS={dice.choice(['1', '-1', '2,-3'])}")
    return ";".join(parts)


def test_so_are_those_of_rules_that_chance_has_made() -> None:
    dice, compared = random.Random(2026), 0
    for _ in range(400):
        rule, first = made_up(dice), date.fromordinal(FIRST.toordinal() + dice.randrange(1_000))
        if next(days(rule, ASKED), None) is None:
            continue  # the other one would look for a day until the year 9999
        expected = list(takewhile(lambda day: day <= ASKED, by_another(rule, first)))
        assert list(days(rule, first, ASKED)) == expected, f"{rule} from {first}"
        compared += 1
    assert compared > 300


def test_weekdays_with_and_without_a_number_add_up() -> None:
    found = days("FREQ=MONTHLY;BYDAY=MO,1TU", last=date(2026, 1, 31))
    assert [day.day for day in found] == [5, 6, 12, 19, 26]


def test_the_days_of_the_first_week_are_counted_from_its_beginning() -> None:
    found = days("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1,1", first=date(2026, 1, 7))
    assert [day.day for day in islice(found, 3)] == [9, 12, 16]


@pytest.mark.parametrize(
    ("rule", "most"),
    [
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", 13_000),
        ("FREQ=DAILY;COUNT=1;BYMONTH=2;BYMONTHDAY=30", 13_000),
        ("FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30", 13_000),
        ("FREQ=MONTHLY;COUNT=1;BYMONTH=2;BYMONTHDAY=30", 500),
        ("FREQ=YEARLY;COUNT=1;BYMONTH=2;BYMONTHDAY=30", 500),
        ("FREQ=YEARLY;COUNT=1;BYYEARDAY=366;INTERVAL=1;BYMONTH=1", 1_200),
    ],
)
def test_what_never_comes_is_looked_for_up_to_the_end_only(rule: str, most: int) -> None:
    looks = Looks()
    assert list(Repetition.read(rule, FIRST).days(FIRST, LAST, looks)) == []
    assert 0 < looks.count <= most


def test_each_look_is_told_before_it_is_made() -> None:
    def never(_more: int) -> None:
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        next(days_of := Repetition.read("FREQ=DAILY", FIRST).days(FIRST, LAST, never))
    assert list(days_of) == []


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=HOURLY", "an event is repeated hourly"),
        ("COUNT=3", "an event is repeated without a frequency"),
        ("FREQ=DAILY;INTERVAL=0", "an event is repeated at a distance of nothing"),
        ("FREQ=DAILY;INTERVAL=1,2", "an event is repeated with INTERVAL=1,2, which makes no sense"),
        ("FREQ=DAILY;COUNT=x", "an event is repeated with COUNT=X, which makes no sense"),
        ("FREQ=DAILY;BYMONTH=13", "an event is repeated with BYMONTH=13, which makes no sense"),
        ("FREQ=DAILY;BYMONTH=-1", "an event is repeated with BYMONTH=-1, which makes no sense"),
        ("FREQ=DAILY;BYMONTH=5L", "an event is repeated with BYMONTH=5L, which makes no sense"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,40", "an event is repeated with BYMONTHDAY=40, which makes no sense"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "an event is repeated with BYMONTHDAY=0, which makes no sense"),
        ("FREQ=MONTHLY;BYSETPOS=367", "an event is repeated with BYSETPOS=367, which makes no sense"),
        ("FREQ=MONTHLY;BYDAY=0MO", "an event is repeated with BYDAY=0MO, which makes no sense"),
        ("FREQ=MONTHLY;BYDAY=54MO", "an event is repeated with BYDAY=54MO, which makes no sense"),
        ("FREQ=MONTHLY;BYDAY=XX", "an event is repeated with BYDAY=XX, which makes no sense"),
        ("FREQ=WEEKLY;WKST=X", "an event is repeated with WKST=X, which makes no sense"),
        ("FREQ=DAILY;RSCALE=HEBREW", "an event is repeated by RSCALE, which is not understood"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: str, words: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole sentence follows
        Repetition.read(rule, FIRST)
    assert str(refused.value) == words
