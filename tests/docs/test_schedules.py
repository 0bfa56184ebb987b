"""The tables of docs/reference/schedules.md are true."""

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from schedsync.clock import EPOCH
from schedsync.sources.calendars import read_calendars
from schedsync.specs.calendars import CONTEXT
from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import first_fires
from tests.builders import document
from tests.unit.specs.cronsim import REASONS, Case, reason

TEXT = (Path(__file__).parents[2] / "docs/reference/schedules.md").read_text()
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in TEXT.splitlines()
    if line.startswith("| `") and line.count("|") == 6
]
JOB = "erp.dump"
CALENDARS = read_calendars(
    {
        file: text.encode()
        for file, text in re.findall(r"^`(calendars/\w+\.yaml)`:\n\n```yaml\n(.*?)```$", TEXT, re.MULTILINE | re.DOTALL)
    }
)


def test_the_calendars_can_be_read() -> None:
    assert sorted(CALENDARS.calendars.known) == ["holidays", "workdays"]
    assert not CALENDARS.problems


def test_each_expression_of_a_table_is_one_of_them() -> None:
    assert len(ROWS) == TEXT.count("\n| `") > 20


@pytest.mark.parametrize(("expression", "zone", "after", "fires", "what"), ROWS, ids=[f"{r[0]} {r[4]}" for r in ROWS])
def test_an_expression_fires_as_the_table_says(expression: str, zone: str, after: str, fires: str, what: str) -> None:
    assert ("`H" not in expression) or f"`{JOB}`" in what, "the reader is to know for which job"
    expected = fires.split(", ")
    if expression.startswith(("`{cron", "`{every", "`{calendar")):
        schedule = {**yaml.safe_load(expression.strip("`")), "timezone": zone}
        clock = ZoneInfo(zone)
    elif expression.startswith("`{"):  # a calendar, with the day from which it counts in the place of a zone
        schedule = {"calendar": yaml.safe_load(expression.strip("`")), "start": zone}
        clock = ZoneInfo("UTC")
    else:
        schedule, clock = {"cron": expression.strip("`"), "timezone": zone}, ZoneInfo(zone)
    job = JobSpec.model_validate(document(id=JOB, schedule=schedule), context={CONTEXT: CALENDARS.calendars})
    moment = _instant(after, clock)
    found = first_fires(job.schedule, moment, len(expected), job_id=job.id, anchor=EPOCH)
    assert [_as_written(fire.astimezone(clock), like) for fire, like in zip(found, expected, strict=True)] == expected


def _instant(text: str, clock: ZoneInfo) -> datetime:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=clock)).astimezone(UTC)


COMPARED = [row for row in ROWS if ": cronsim " in row[4]]


@pytest.mark.parametrize(("expression", "zone", "after", "fires", "what"), COMPARED, ids=[row[0] for row in COMPARED])
def test_cronsim_differs_as_the_table_says(expression: str, zone: str, after: str, fires: str, what: str) -> None:
    case = Case(expression.strip("`"), zone, _instant(after, ZoneInfo(zone)))
    theirs = case.theirs if isinstance(case.theirs, str) else f"{case.theirs.astimezone(case.zone):%Y-%m-%d %H:%M%z}"
    assert what == f"{reason(case)}: cronsim {theirs}"
    assert case.ours != case.theirs, "or there is nothing to compare"


def test_each_reason_to_differ_from_cronsim_has_an_example_and_a_line() -> None:
    assert {row[4].partition(":")[0] for row in COMPARED} == set(REASONS)
    assert all(TEXT.count(f"- *{name}*") == 1 for name in REASONS)


def _as_written(fire: datetime, like: str) -> str:
    text = f"{fire:%Y-%m-%d %H:%M:%S}" if like.count(":") > 1 else f"{fire:%Y-%m-%d %H:%M}"
    assert fire.second == 0 or like.count(":") > 1
    return f"{text}{fire:%z}" if re.search(r"[+-][0-9]{4}$", like) else text
