"""`schedsync next`: a preview of when jobs fire."""

from datetime import UTC, datetime, timedelta

import pytest

from schedsync.cli.exits import Exit
from schedsync.clock import parse_instant, utc_now
from tests.integration.cli.harness import HOURLY, NO_DATABASE, CommandLine

BERLIN = 'schedule: {cron: "30 2 * * *", timezone: Europe/Berlin}\nrun: {shell: a}\n'


def instants(cli: CommandLine, *args: str) -> dict[str, list[datetime]]:
    jobs = cli("next", "--json", *args).json["jobs"]
    return {job["id"]: [parse_instant(slot) for slot in job["fires"]] for job in jobs}


def test_local_time_and_utc_stand_side_by_side(cli: CommandLine) -> None:
    cli.write("a.yaml", BERLIN)
    cli.write("b.yaml", 'schedule: {cron: "0 0 * * *"}\nrun: {shell: a}\nsuspend: true\n')
    shown = cli("next", "-n", "2", "--from", "2026-10-24T00:00:00Z")
    assert shown.code == Exit.OK
    assert shown.out.splitlines() == [
        "a  (30 2 * * * Europe/Berlin)",
        "  Sat 2026-10-24 02:30:00 +0200 Europe/Berlin  2026-10-24 00:30:00Z",
        "  Sun 2026-10-25 02:30:00 +0200 Europe/Berlin  2026-10-25 00:30:00Z",
        "b  (0 0 * * *, suspended)",
        "  Sat 2026-10-24 00:00:00Z",
        "  Sun 2026-10-25 00:00:00Z",
    ]
    assert not cli.file.exists()


def test_json_has_the_fires_of_each_job(cli: CommandLine) -> None:
    cli.write("a.yaml", BERLIN)
    cli.write("b.yaml", "schedule: {at: 2027-01-31T00:00:00Z}\nrun: {shell: a}\n")
    assert cli("next", "-n", "2", "--json", "--from", "2027-01-30T01:30:00Z").json == {
        "jobs": [
            {"id": "a", "fires": ["2027-01-30T01:30:00Z", "2027-01-31T01:30:00Z"]},
            {"id": "b", "fires": ["2027-01-31T00:00:00Z"]},
        ]
    }


def test_each_slot_is_shown_in_the_zone_of_its_own_trigger(cli: CommandLine) -> None:
    cli.write(
        "a.yaml",
        "schedule:\n- {cron: '0 12 * * *', timezone: Asia/Tokyo}\n- {cron: '0 12 * * *', timezone: America/New_York}\n"
        "run: {shell: a}\n",
    )
    shown = cli("next", "a", "-n", "2", "--from", "2026-11-24T00:00:00Z").out
    assert [line.split()[4] for line in shown.splitlines()[1:]] == ["Asia/Tokyo", "America/New_York"]


def test_a_live_job_keeps_its_phase(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    live = parse_instant(cli("jobs", "a", "--json").json["next_fire_at"])
    assert instants(cli, "a", "-n", "1", "--from", "30m")["a"] == [live]
    cli.write("a.yaml", f"id: b\nrenamed_from: a\n{HOURLY}")
    assert instants(cli, "b", "-n", "1", "--from", "30m")["b"] == [live]


def test_a_job_that_is_not_live_counts_from_now(cli: CommandLine) -> None:
    cli.write("a.yaml")
    (first,) = instants(cli, "-n", "1")["a"]
    assert timedelta(minutes=59) < first - utc_now() <= timedelta(hours=1)


def test_without_its_database_the_preview_goes_on(cli: CommandLine) -> None:
    cli.write("a.yaml", BERLIN)
    cli.file.write_text(NO_DATABASE)
    (slot,) = instants(cli, "-n", "1", "--from", "2026-10-24T00:00:00Z")["a"]
    assert slot == datetime(2026, 10, 24, 0, 30, tzinfo=UTC)


def test_a_schedule_that_is_over_says_so(cli: CommandLine) -> None:
    cli.write("a.yaml", "schedule: {at: 2020-01-01T00:00:00Z}\nrun: {shell: a}\n")
    assert cli("next").out.splitlines()[1:] == ["  no slot is left"]


def test_broken_files_are_left_out_and_counted(cli: CommandLine) -> None:
    cli.write("a.yaml", BERLIN)
    cli.write("bad.yaml", "schedule: {evry: 1h}\nrun: {shell: a}\n")
    shown = cli("next", "--json")
    assert shown.code == Exit.OK
    assert [job["id"] for job in shown.json["jobs"]] == ["a"]
    assert shown.err == "schedsync: 1 problem in 1 file; `schedsync validate` shows what is left out here\n"


def test_a_job_that_is_broken_or_unknown_is_a_failure(cli: CommandLine) -> None:
    cli.write("bad.yaml", "schedule: {evry: 1h}\nrun: {shell: a}\n")
    failed = cli("next", "bad")
    assert failed.code == Exit.FAILURE
    assert "bad.yaml:1:11: " in failed.err
    assert failed.err.endswith('schedsync: no job has the id "bad"\n')


@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_the_ends_of_time_are_no_error(cli: CommandLine, instant: str) -> None:
    cli.write("a.yaml", BERLIN)
    cli.write("b.yaml", HOURLY)
    shown = cli("next", "--from", instant, "-n", "2")
    assert shown.code in {Exit.OK, Exit.USAGE, Exit.FAILURE}


def test_an_empty_folder_is_a_failure(cli: CommandLine) -> None:
    failed = cli("next")
    assert (failed.code, failed.err) == (Exit.FAILURE, f"schedsync: the folder {cli.jobs} has no job files\n")
