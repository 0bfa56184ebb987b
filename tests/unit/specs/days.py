"""Which days an item of an expression or a recurrence means, told by looking at a day, without the product's code."""

import calendar
from datetime import date, timedelta
from typing import Any

DAY = timedelta(days=1)
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def is_workday(day: date) -> bool:
    return day.isoweekday() <= 5


def workday_nearest_to(day: date) -> date:
    """Return it by trying the days of the month, the nearer first; of two as near there is never more than one."""
    near = (day + distance * DAY for distance in (0, -1, 1, -2, 2))
    return next(other for other in near if other.month == day.month and is_workday(other))


def is_day(item: str, day: date) -> bool:
    """Whether an item of the field for days of the month means *day*."""
    last = day.replace(day=calendar.monthrange(day.year, day.month)[1])
    if item.startswith("*"):
        return (day.day - 1) % int(item[2:] or 1) == 0
    if item == "LW":
        return day == workday_nearest_to(last)
    if item.startswith("L"):
        return day == last - int(item[2:] or 0) * DAY
    if item.endswith("W"):
        return int(item[:-1]) <= last.day and day == workday_nearest_to(day.replace(day=int(item[:-1])))
    first, _, end = item.partition("-")
    return is_between(day.day, int(first), int(end or first))


def is_between(value: int, first: int, last: int) -> bool:
    return first <= value <= last if first <= last else value >= first or value <= last


def is_weekday(item: str, day: date) -> bool:
    """Whether an item of the field for days of the week means *day*."""
    weekday = day.isoweekday() % 7
    if item.startswith("*"):
        return weekday % int(item[2:] or 1) == 0
    if "#" in item:
        name, which = item.split("#")
        earlier = [d for d in range(1, day.day) if day.replace(day=d).isoweekday() == day.isoweekday()]
        return WEEKDAYS[weekday] == name and len(earlier) + 1 == int(which)
    if item.endswith("L"):
        return weekday == int(item[:-1]) % 7 and (day + 7 * DAY).month != day.month
    if item in WEEKDAYS:
        return weekday == WEEKDAYS.index(item)
    first, _, end = item.partition("-")
    return is_between(weekday, int(first) % 7, int(end or first) % 7)


def recurs_on(rule: dict[str, Any], day: date, base: date) -> bool:
    """Whether a ``calendar`` that is counted from *base* means *day*, told without counting in steps."""
    if day < base:
        return False
    if "days" in rule:
        return (day - base).days % int(rule["days"]) == 0
    if "weeks" in rule:
        mondays = [each - each.weekday() * DAY for each in (base, day)]
        weeks = (mondays[1] - mondays[0]).days // 7
        return WEEKDAYS.index(rule["day"].lower()) == day.isoweekday() % 7 and weeks % int(rule["weeks"]) == 0
    last = calendar.monthrange(day.year, day.month)[1]
    months = (day.year - base.year) * 12 + day.month - base.month
    return months % int(rule["months"]) == 0 and day.day == (last if rule["day"] == "last" else int(rule["day"]))
