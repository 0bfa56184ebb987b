"""What fires when, over many jobs: in time order, with one entry for what fires often."""

from datetime import UTC, datetime, timedelta
from itertools import islice

from schedsync.clock import to_micros
from schedsync.specs.agenda import Entry, entries
from schedsync.specs.slots import slots
from tests.builders import spec

BEGIN = datetime(2026, 11, 24, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)


def micros(*hours: float) -> list[int]:
    return [to_micros(BEGIN + hour * HOUR) for hour in hours]


def test_slots_of_all_jobs_are_in_time_order_and_then_by_id() -> None:
    found = entries({"b": micros(1, 2), "a": micros(0.5, 2), "c": micros(1)}, 2)
    assert [(entry.job_id, (entry.at - BEGIN) / HOUR) for entry in found] == [
        ("a", 0.5),
        ("b", 1),
        ("c", 1),
        ("a", 2),
        ("b", 2),
    ]


def test_a_job_of_many_slots_is_one_entry_where_its_first_slot_is() -> None:
    found = list(entries({"often": micros(1, 2, 3), "twice": micros(0, 2)}, 2))
    assert found == [
        Entry(BEGIN, "twice"),
        Entry(BEGIN + HOUR, "often", 3, BEGIN + 3 * HOUR),
        Entry(BEGIN + 2 * HOUR, "twice"),
    ]


def test_what_is_not_taken_is_not_computed() -> None:
    seconds = slots(spec(schedule={"every": "1s"}).schedule, BEGIN, BEGIN + 720 * HOUR, job_id="job", anchor=BEGIN)
    assert len(seconds) == 720 * 3600 - 1
    first = list(islice(entries({f"job-{number:02}": seconds for number in range(50)}, len(seconds)), 51))
    assert [first[0].job_id, first[49].job_id, first[50].job_id] == ["job-00", "job-49", "job-00"]
    assert first[50].at == BEGIN + timedelta(seconds=2)
