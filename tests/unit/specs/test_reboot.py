"""`cron: "@reboot"`: what a start of the service makes of a schedule."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from schedsync.specs.fingerprint import canonical, from_canonical, schedule_digest
from schedsync.specs.following import Follows
from schedsync.specs.in_short import in_short
from schedsync.specs.job import JobSpec
from schedsync.specs.messages import explain
from schedsync.specs.schedule import next_at_boot, next_fire
from schedsync.specs.triggers import AnyTrigger
from schedsync.specs.words import in_words
from tests.builders import NOW, document, spec

BOOT = NOW + timedelta(microseconds=123_456)
HOUR = timedelta(hours=1)


def boot_slots(schedule: Any, boot: datetime = BOOT, job_id: str = "job") -> list[datetime]:
    """All slots that a boot makes."""
    job, slots = spec(id=job_id, schedule=schedule), list[datetime]()
    after = boot - timedelta(days=2)
    while (slot := next_at_boot(job.schedule, after, boot=boot, job_id=job_id)) is not None:
        slots.append(slot)
        after = slot
    return slots


@pytest.mark.parametrize("text", ["@reboot", "@REBOOT", " @reboot "])
def test_a_boot_is_its_one_slot_to_the_microsecond(text: str) -> None:
    assert boot_slots({"cron": text}) == [BOOT]


def test_no_clock_makes_a_slot_of_it() -> None:
    job = spec(schedule={"cron": "@reboot"})
    assert next_fire(job.schedule, NOW, job_id="job", anchor=NOW) is None


def test_beside_other_triggers_it_changes_none_of_their_slots() -> None:
    job = spec(schedule=[{"cron": "@reboot"}, {"every": "1h"}])
    assert next_fire(job.schedule, NOW, job_id="job", anchor=NOW) == NOW + HOUR
    assert boot_slots([{"cron": "@reboot"}, {"every": "1h"}]) == [BOOT]
    assert boot_slots({"every": "1h"}) == []


@pytest.mark.parametrize(
    ("bounds", "fires"),
    [
        pytest.param({"start": "2026-11-24"}, True, id="started today"),
        pytest.param({"start": "2026-11-24T02:00:01"}, False, id="starts a second later"),
        pytest.param({"end": "2026-11-24"}, True, id="ends today"),
        pytest.param({"end": "2026-11-24T02:00"}, False, id="ended a moment ago"),
        pytest.param({"start": "2026-11-24T03:00", "timezone": "Europe/Berlin"}, True, id="starts in its zone"),
        pytest.param({"start": "2027-01-01", "jitter": "1d"}, False, id="no jitter leads into it"),
    ],
)
def test_a_boot_outside_its_bounds_does_not_count(bounds: dict[str, str], *, fires: bool) -> None:
    assert bool(boot_slots({"cron": "@reboot", **bounds})) is fires


def test_jitter_delays_it_by_an_amount_that_is_fixed_for_a_job_and_a_boot() -> None:
    jittered = {"cron": "@reboot", "jitter": "1h"}
    (slot,) = boot_slots(jittered)
    assert BOOT < slot <= BOOT + HOUR
    assert boot_slots(jittered) == [slot]
    assert boot_slots(jittered, job_id="other") != [slot]
    assert boot_slots(jittered, BOOT + HOUR) != [slot + HOUR]
    assert boot_slots([{"cron": "@reboot"}, jittered]) == [BOOT, slot]


def test_jitter_does_not_lead_beyond_the_end() -> None:
    (slot,) = boot_slots({"cron": "@reboot", "jitter": "1d", "end": "2026-11-24T02:00:01"})
    assert slot <= datetime(2026, 11, 24, 2, 0, 1, tzinfo=UTC)


def test_what_a_job_follows_is_told_by_its_triggers() -> None:
    assert spec(schedule={"cron": "@reboot"}).follows is Follows.BOOTS
    assert spec(schedule=[{"every": "1h"}, {"cron": "@reboot"}]).follows is Follows.BOOTS
    assert spec(after={"other": "succeeded"}).follows is Follows.RUNS
    assert spec(schedule={"cron": "@daily"}).follows is Follows.NOTHING


def test_how_it_is_written_changes_no_digest_and_it_is_read_back() -> None:
    job = spec(schedule={"cron": " @Reboot"})
    assert schedule_digest(job) == schedule_digest(spec(schedule={"cron": "@reboot"}))
    assert schedule_digest(job) != schedule_digest(spec(schedule={"cron": "@daily"}))
    assert from_canonical(canonical(job)) == job


@pytest.mark.parametrize(
    ("schedule", "words", "short"),
    [
        ({"cron": "@reboot"}, "when the service starts", "@reboot"),
        (
            {"cron": "@reboot", "jitter": "1m", "start": "2026-12-01", "timezone": "Europe/Berlin"},
            "when the service starts, from 2026-12-01, up to 1m later",
            "@reboot",
        ),
        (
            [{"cron": "@reboot"}, {"every": "1h"}],
            "when the service starts; or every 1h",
            "@reboot | every 1h",
        ),
    ],
)
def test_it_is_told_in_words(schedule: Any, words: str, short: str) -> None:
    job = spec(schedule=schedule)
    assert (in_words(job), in_short(job)) == (words, short)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("@reboot", 'schedule: expected a mapping, found "@reboot"; write e.g. schedule: {cron: "@reboot"}'),
        ({"cron": "@reboot", "evry": "1h"}, 'unknown key "evry"'),
        ({"cron": "@reboot", "every": "1h"}, '"every" cannot stand beside another kind'),
        ({"cron": "@reboot 5"}, 'cron: "@reboot 5" is not a nickname; there are @yearly'),
        ({"cron": "@reboot", "start": "2027-01-02", "end": "2027-01-01"}, "is after end (2027-01-01)"),
        ({"cron": "@reboot", "jitter": "2d"}, "jitter: must be one day or less"),
    ],
)
def test_mistakes_are_told_as_those_of_other_triggers(schedule: Any, message: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        JobSpec.model_validate(document(schedule=schedule))
    (error,) = explain(refusal.value)
    assert message in error.message


def test_of_the_kinds_that_the_schema_offers_to_editors_one_takes_it() -> None:
    kinds = TypeAdapter(AnyTrigger).json_schema()["$defs"]
    said = {name: kind["properties"]["cron"] for name, kind in kinds.items() if "cron" in kind.get("properties", {})}
    assert said["BootTrigger"]["const"] == "@reboot"
    assert said["CronTrigger"]["not"] == {"const": "@reboot"}
