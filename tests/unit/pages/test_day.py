"""The picture of a day: marks where something ran or will, bars of what starts when."""

from datetime import date, datetime, timedelta
from typing import Any

from schedsync.clock import to_micros
from schedsync.pages.shown.day import WIDTH, DayPicture, picture
from schedsync.runs.run import RunState
from schedsync.status.day import Cell, Day, Outlook, Past, Row
from tests.builders import run

DAY = Day(date(2026, 11, 24))
NOON = DAY.start + timedelta(hours=12)
MINUTE = timedelta(minutes=1)
OK, BAD = RunState.SUCCEEDED, RunState.FAILED
NOTHING = (0,) * 96


def at(place: int, count: int) -> tuple[int, ...]:
    return (*NOTHING[:place], count, *NOTHING[place + 1 :])


def shown(*rows: Row, now: datetime = NOON, **fields: Any) -> DayPicture:
    before = Past(fields.pop("ran", NOTHING), fields.pop("bad", NOTHING), {})
    after = Outlook(now, {}, fields.pop("starts", NOTHING), unknown=0)
    return picture(DAY, now, before, after, rows, **{"total": len(rows), "next_id": None, **fields})


def row(**fields: Any) -> Row:
    return Row(**{"job_id": "a", "counts": {}, "runs": (), "cells": (), "coming": (), **fields})


def test_a_run_is_as_long_as_it_took_and_can_be_seen_when_that_was_short() -> None:
    long = run(scheduled_at=NOON, started_at=NOON, finished_at=NOON + 90 * MINUTE, state=OK)
    short = run(scheduled_at=NOON, started_at=NOON, finished_at=NOON, state=BAD)
    first, second = shown(row(runs=(long, short))).lines[0].marks
    assert (first.x, first.width, first.state, first.run_id) == (720, 90, "succeeded", long.id)
    assert (second.x, second.state) == (720, "failed")
    assert second.width > 0


def test_marks_stay_on_their_day() -> None:
    late = run(scheduled_at=DAY.end - MINUTE, started_at=DAY.end - MINUTE, finished_at=DAY.end + 90 * MINUTE, state=OK)
    running = run(scheduled_at=DAY.end - MINUTE, started_at=DAY.end - MINUTE, state=RunState.RUNNING)
    slots = (to_micros(DAY.end - MINUTE),)
    marks = shown(row(runs=(late, running), coming=slots), now=DAY.end + timedelta(days=3)).lines[0].marks
    assert all(mark.x >= 0 and mark.x + mark.width <= WIDTH for mark in marks)


def test_many_coming_slots_are_a_band_with_their_number() -> None:
    minutes = range(to_micros(NOON), to_micros(DAY.end), 60_000_000)
    (band,) = shown(row(coming=minutes)).lines[0].marks
    assert (band.x, band.width, band.state) == (720, 719, "coming")
    assert band.title == "12:00 to 23:59: 720 to come"


def test_bands_are_told_apart_where_an_hour_is_free_between_them() -> None:
    each = [NOON + n * MINUTE for n in (*range(40), *range(200, 240))]
    titles = [mark.title for mark in shown(row(coming=tuple(to_micros(slot) for slot in each))).lines[0].marks]
    assert titles == ["12:00 to 12:39: 40 to come", "15:20 to 15:59: 40 to come"]


def test_cells_have_the_colour_of_their_worst_run() -> None:
    (mark,) = shown(row(cells=(Cell(NOON, BAD, 30),))).lines[0].marks
    assert (mark.x, mark.width, mark.state) == (720, 15, "failed")
    assert mark.title == "12:00 to 12:15: 30 runs, the worst failed"


def test_a_line_says_the_same_in_words() -> None:
    ran = run(scheduled_at=NOON, started_at=NOON, finished_at=NOON, state=OK)
    slots = tuple(to_micros(NOON + n * MINUTE) for n in range(1, 31))
    (line,) = shown(row(counts={OK: 1}, runs=(ran,), coming=slots)).lines
    assert line.summary == "1 succeeded, 30 to come"
    assert line.spelt.startswith("12:00 succeeded; to come: 12:01, 12:02")
    assert line.spelt.endswith("12:24 and 6 more")


def test_the_highest_bar_fills_the_picture_and_its_parts_stand_on_each_other() -> None:
    page = shown(ran=at(48, 4), bad=at(48, 1), starts=at(50, 2))
    high, low = page.bars
    assert [(kind, top, height) for kind, top, height in high.parts] == [("succeeded", 25, 75), ("failed", 0, 25)]
    assert low.parts == (("coming", 50, 50),)
    assert high.title == "12:00: 4 ran, 1 of them failed"
    assert page.busiest == "6 starts; most from 12:00 to 12:15, 4 of them."
    assert (page.hours[12].ran, page.hours[12].bad, page.hours[12].coming) == (4, 1, 2)


def test_a_day_on_which_nothing_starts_says_so() -> None:
    assert shown().busiest == "Nothing starts on this day."
    assert shown().bars == ()


def test_the_present_is_marked_today_only() -> None:
    assert shown().now_at == 720
    assert shown(now=DAY.end).now_at is None
    assert (shown().before, shown().after) == (date(2026, 11, 23), date(2026, 11, 25))
