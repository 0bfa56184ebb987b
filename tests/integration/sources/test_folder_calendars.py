"""Calendars in a jobs folder: what their files change, and what they leave alone."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from schedsync.sources.folder import JobsFolder
from schedsync.sources.origins import Files, Kind, Origin
from schedsync.specs.schedule import first_fires

JOB = "run: {shell: echo}\n"


@pytest.fixture
def folder(tmp_path: Path) -> JobsFolder:
    write(tmp_path, "calendars/holidays.yaml", "yearly: [12-25]\n")
    write(tmp_path, "calendars/notes.txt", "not a calendar")
    write(tmp_path, "calendars/.hidden.yaml", "not a calendar")
    write(tmp_path, "daily.yaml", f"schedule: {{cron: '@daily', exclude: holidays}}\n{JOB}")
    write(tmp_path, "sub/other.yaml", f"schedule: {{cron: '@daily'}}\n{JOB}")
    return JobsFolder(tmp_path)


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text(text)


def test_files_of_calendars_are_no_jobs(folder: JobsFolder) -> None:
    seen = folder.read()
    assert (sorted(seen.jobs), seen.problems, seen.unknown) == (["daily", "sub.other"], (), ())
    assert folder.read() is seen


def test_an_edit_of_a_calendar_changes_the_jobs_that_name_it_and_no_other(folder: JobsFolder, tmp_path: Path) -> None:
    before = folder.read()
    write(tmp_path, "calendars/holidays.yaml", "yearly: [12-25, 12-26]\n")
    after = folder.read()
    assert after.jobs["daily"][0].digest != before.jobs["daily"][0].digest
    assert after.jobs["daily"][0].schedule_digest != before.jobs["daily"][0].schedule_digest
    assert after.jobs["sub.other"][0] is before.jobs["sub.other"][0]
    assert after.revision != before.revision


def test_an_edit_of_its_words_changes_no_job(folder: JobsFolder, tmp_path: Path) -> None:
    before = folder.read()
    write(tmp_path, "calendars/holidays.yaml", "# Christmas\nyearly: [12-25]\n")
    after = folder.read()
    assert after.jobs["daily"][0] is before.jobs["daily"][0]


def test_jobs_of_a_broken_calendar_are_not_known_and_others_are(folder: JobsFolder, tmp_path: Path) -> None:
    folder.read()
    write(tmp_path, "calendars/holidays.yaml", "yearly: [12-32]\n")
    seen = folder.read()
    assert sorted(seen.jobs) == ["sub.other"]
    assert [path.path for path in seen.unknown] == ["daily.yaml"]
    assert [str(problem) for problem in seen.problems] == [
        'calendars/holidays.yaml:1:10: yearly: entry 1: "12-32": month 12 has the days 1 to 31',
        'daily.yaml:1:37: exclude: entry 1: the calendar "holidays" cannot be used; mend calendars/holidays.yaml',
    ]
    write(tmp_path, "calendars/holidays.yaml", "yearly: [12-31]\n")
    assert sorted(folder.read().jobs) == ["daily", "sub.other"]


def test_a_calendar_that_comes_later_is_found(folder: JobsFolder, tmp_path: Path) -> None:
    write(tmp_path, "new.yaml", f"schedule: {{cron: '@daily', only: [fridays]}}\n{JOB}")
    assert "new" not in folder.read().jobs
    write(tmp_path, "calendars/fridays.yaml", "weekdays: [fri]\n")
    seen = folder.read()
    assert "new" in seen.jobs
    assert not seen.problems


def test_defaults_may_name_calendars(folder: JobsFolder, tmp_path: Path) -> None:
    write(tmp_path, "sub/_defaults.yaml", "schedule: {exclude: [holidays]}\n")
    seen = folder.read()
    assert not seen.problems
    (job,) = seen.jobs["sub.other"]
    since = datetime(2026, 12, 24, tzinfo=UTC)
    assert [slot.day for slot in first_fires(job.spec.schedule, since, 2, job_id="x", anchor=since)] == [26, 27]
    (tmp_path / "calendars/holidays.yaml").unlink()
    seen = folder.read()
    assert "sub.other" not in seen.jobs
    assert {problem.file for problem in seen.problems} == {"daily.yaml", "sub/_defaults.yaml"}


def test_an_icalendar_file_is_read_with_the_calendar_that_names_it(folder: JobsFolder, tmp_path: Path) -> None:
    write(tmp_path, "calendars/holidays.yaml", "ical: [bank.ics]\n")
    event = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:{}\nEND:VEVENT\nEND:VCALENDAR\n"
    write(tmp_path, "calendars/bank.ics", event.format("20261224"))
    first = folder.read()
    assert not first.problems
    write(tmp_path, "calendars/bank.ics", event.format("20261223"))
    assert folder.read().jobs["daily"][0].digest != first.jobs["daily"][0].digest


def test_an_icalendar_file_that_would_take_hours_hurts_only_the_jobs_that_name_it(
    folder: JobsFolder, tmp_path: Path
) -> None:
    write(tmp_path, "calendars/holidays.yaml", "yearly: [12-25]\nical: [strange.ics]\n")
    never = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260101\nRRULE:FREQ=DAILY;COUNT=1;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT\n"
    write(tmp_path, "calendars/strange.ics", f"BEGIN:VCALENDAR\n{never * 2_000}END:VCALENDAR\n")
    seen = folder.read()
    assert sorted(seen.jobs) == ["sub.other"]
    (problem,) = (each for each in seen.problems if each.file == "calendars/holidays.yaml")
    assert str(problem).startswith("calendars/holidays.yaml:2:8: ical: entry 1: calendars/strange.ics: ")
    assert "the event on line 314: up to here more than 1,000,000 days are looked at" in str(problem)


def test_a_folder_among_the_calendars_is_told_to_move(folder: JobsFolder, tmp_path: Path) -> None:
    (tmp_path / "calendars" / "de").mkdir()
    seen = folder.read()
    assert [str(problem) for problem in seen.problems] == [
        "calendars/de: calendars lie in calendars/ itself, and jobs elsewhere; move what is in this folder"
    ]
    assert sorted(seen.jobs) == ["daily", "sub.other"]


def test_a_folder_of_this_name_elsewhere_holds_jobs(folder: JobsFolder, tmp_path: Path) -> None:
    (tmp_path / "sub" / "calendars").mkdir()
    write(tmp_path, "sub/calendars/job.yaml", f"schedule: {{cron: '@daily'}}\n{JOB}")
    assert "sub.calendars.job" in folder.read().jobs


def test_a_file_that_a_program_would_write_may_name_them(folder: JobsFolder) -> None:
    text = f"schedule: {{cron: '@daily', exclude: [holidays]}}\n{JOB}"
    assert not folder.judge(text.encode(), "api/new.yaml").problems
    (problem,) = folder.judge(text.replace("holidays", "holiday").encode(), "api/new.yaml").problems
    assert problem.message == 'exclude: entry 1: there is no calendar "holiday"; did you mean "holidays"?'


def test_a_value_that_names_a_calendar_comes_from_the_job_file(folder: JobsFolder, tmp_path: Path) -> None:
    (job,) = folder.read().jobs["daily"]
    origins = Files(tmp_path).origins("daily", "daily.yaml", job.digest)
    assert origins is not None
    assert origins["schedule", 0, "exclude"] == Origin(Kind.JOB, "daily.yaml", 1)
