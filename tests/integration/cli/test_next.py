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


def test_a_job_that_waits_for_the_service_to_start_says_so_beside_its_slots(cli: CommandLine) -> None:
    cli.write("a.yaml", 'schedule: {cron: "@reboot"}\nrun: {shell: a}\n')
    cli.write("b.yaml", 'schedule: [{cron: "@reboot"}, {at: 2027-01-31}]\nrun: {shell: a}\n')
    assert cli("next", "--from", "2027-01-01T00:00:00Z").out.splitlines() == [
        "a  (@reboot)",
        "  when the service starts",
        "b  (@reboot | at 2027-01-31T00:00:00Z)",
        "  Sun 2027-01-31 00:00:00Z",
        "  when the service starts",
    ]
    assert cli("next", "a", "--json").json == {"jobs": [{"id": "a", "fires": [], "at_boot": True}]}


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


BEYOND = ["9999-12-31T23:30Z", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "0001-01-01T00:00Z"]


@pytest.mark.parametrize("instant", BEYOND)
@pytest.mark.parametrize("args", [["--from"], ["--all", "--from"]], ids=" ".join)
def test_an_instant_at_an_end_of_the_calendar_is_wrong_usage(cli: CommandLine, args: list[str], instant: str) -> None:
    _at_the_ends(cli)
    shown = cli("next", *args, instant)
    assert (shown.code, shown.out) == (Exit.USAGE, "")
    assert f"the year {int(instant[:4])} is out of reach; write one from 1970 to 9998" in shown.err


@pytest.mark.parametrize(
    "span",
    [
        ("9999-12-31T23:30Z", "2h"),
        ("2h", "9999-12-31"),
        ("0001-01-01", "22:00"),
        ("0001-01-01T00:00+14:00", "0001-01-02"),
        ("9999-12-31T23:59-14:00", "22:00"),
    ],
    ids=" ".join,
)
def test_a_span_at_an_end_of_the_calendar_is_wrong_usage(cli: CommandLine, span: tuple[str, str]) -> None:
    _at_the_ends(cli)
    shown = cli("next", "--between", *span)
    assert (shown.code, shown.out) == (Exit.USAGE, "")
    assert "is out of reach; write one from 1970 to 9998" in shown.err


@pytest.mark.parametrize("instant", ["1970-01-01T00:00Z", "9998-12-31T23:59:59Z"])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/New_York"])
def test_up_to_there_slots_are_shown(cli: CommandLine, instant: str, zone: str) -> None:
    _at_the_ends(cli)
    for args in (["--from", instant, "-n", "2"], ["--all", "--from", instant], ["--between", instant, "06:00"]):
        assert cli("next", "--tz", zone, *args).code == Exit.OK


def _at_the_ends(cli: CommandLine) -> None:
    cli.write("a.yaml", BERLIN)
    cli.write("b.yaml", HOURLY)
    cli.write("c.yaml", 'schedule: {calendar: {days: 1, time: "02:00"}, timezone: America/New_York}\nrun: {shell: a}\n')
    cli.write("d.yaml", "schedule: {cron: '0 2 * * *', only: {weekdays: [mon]}, shift: next}\nrun: {shell: a}\n")


def test_an_empty_folder_is_a_failure(cli: CommandLine) -> None:
    failed = cli("next")
    assert (failed.code, failed.err) == (Exit.FAILURE, f"schedsync: the folder {cli.jobs} has no job files\n")


def test_a_zone_that_is_asked_for_is_that_of_all_slots(cli: CommandLine) -> None:
    cli.write("a.yaml", BERLIN)
    shown = cli("next", "a", "-n", "1", "--from", "2026-10-24T00:00:00Z", "--tz", "Asia/Tokyo")
    assert shown.out.splitlines()[1] == "  Sat 2026-10-24 09:30:00 +0900 Asia/Tokyo  2026-10-24 00:30:00Z"
    shown = cli("next", "a", "-n", "1", "--from", "2026-10-24T00:00:00Z", "--tz", "UTC")
    assert shown.out.splitlines()[1] == "  Sat 2026-10-24 00:30:00Z"
    assert cli("next", "a", "-n", "1", "--from", "2026-10-24T00:00:00Z", "--tz", "Asia/Tokyo", "--json").json == {
        "timezone": "Asia/Tokyo",
        "jobs": [{"id": "a", "fires": ["2026-10-24T00:30:00Z"]}],
    }


def test_the_zone_of_the_machine_is_local(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.write("a.yaml", BERLIN)
    monkeypatch.setenv("TZ", "America/New_York")
    shown = cli("next", "a", "-n", "1", "--from", "2026-10-24T00:00:00Z", "--tz", "local")
    assert shown.out.splitlines()[1] == "  Fri 2026-10-23 20:30:00 -0400 America/New_York  2026-10-24 00:30:00Z"


def test_a_zone_that_there_is_not_gets_a_guess(cli: CommandLine) -> None:
    wrong = cli("next", "--tz", "Europe/Berln")
    assert wrong.code == Exit.USAGE
    assert '"Europe/Berln" is not a time zone; did you mean "Europe/Berlin"?' in wrong.err


NIGHT = ["--between", "2026-11-24T22:00", "06:00"]


@pytest.fixture
def several(cli: CommandLine) -> CommandLine:
    cli.write("dump.yaml", f"description: |\n  Dump the schema\n  of the ERP\n{BERLIN}")
    cli.write("often.yaml", 'schedule: {cron: "*/5 * * * *"}\nrun: {shell: a}\n')
    cli.write("twice.yaml", 'schedule: {cron: "30 1,4 * * *"}\nrun: {shell: a}\n')
    cli.write("off.yaml", f"suspend: true\n{BERLIN}")
    return cli


def test_a_night_is_one_list_over_all_jobs(several: CommandLine) -> None:
    shown = several("next", "--all", *NIGHT, "--tz", "Europe/Berlin")
    assert (shown.code, shown.err) == (Exit.OK, "schedsync: 1 job left out, suspended\n")
    assert shown.out.splitlines() == [
        "Tue 2026-11-24 22:00:00 +0100 to Wed 2026-11-25 06:00:00 +0100 Europe/Berlin: 99 slots of 3 jobs",
        "AT                             JOB    WHAT",
        "Tue 2026-11-24 22:00:00 +0100  often  every 5 minutes (UTC), 96 times until 05:55:00",
        "Wed 2026-11-25 02:30:00 +0100  dump   Dump the schema of the ERP",
        "Wed 2026-11-25 02:30:00 +0100  twice  at 01:30 and 04:30 each day (UTC)",
        "Wed 2026-11-25 05:30:00 +0100  twice  at 01:30 and 04:30 each day (UTC)",
    ]


def test_how_often_is_too_often_for_lines_can_be_said(several: CommandLine) -> None:
    lines = several("next", *NIGHT, "--often", "1").out.splitlines()
    assert lines[3:] == [
        "Wed 2026-11-25 01:30:00 +0000  dump   Dump the schema of the ERP",
        "Wed 2026-11-25 01:30:00 +0000  twice  at 01:30 and 04:30 each day (UTC), 2 times until 04:30:00",
    ]
    assert len(several("next", *NIGHT, "--often", "96").out.splitlines()) == 2 + 99


def test_what_is_left_out_of_a_list_is_counted(several: CommandLine) -> None:
    shown = several("next", *NIGHT, "-n", "2")
    assert len(shown.out.splitlines()) == 2 + 2
    assert "these are the first 2 of 4 lines; -n 4 shows all" in shown.err


def test_json_has_each_slot_up_to_a_limit(several: CommandLine) -> None:
    night = several("next", "--all", *NIGHT, "--tz", "Europe/Berlin", "--json").json
    assert {key: night[key] for key in ("from", "until", "timezone", "total")} == {
        "from": "2026-11-24T21:00:00Z",
        "until": "2026-11-25T05:00:00Z",
        "timezone": "Europe/Berlin",
        "total": 99,
    }
    assert len(night["slots"]) == 99
    assert night["slots"][0] == {"at": "2026-11-24T21:00:00Z", "id": "often"}
    few = several("next", "--all", *NIGHT, "-n", "3", "--json").json
    assert (few["total"], len(few["slots"])) == (99, 3)


def test_a_span_of_one_job_is_its_list(several: CommandLine) -> None:
    shown = several("next", "twice", *NIGHT)
    assert [line.split("  ")[1] for line in shown.out.splitlines()[2:]] == ["twice", "twice"]


def test_all_without_a_span_is_the_next_day(several: CommandLine) -> None:
    coming = several("next", "--all", "--json").json
    assert parse_instant(coming["until"]) - parse_instant(coming["from"]) == timedelta(days=1)
    assert abs(parse_instant(coming["from"]) - utc_now()) < timedelta(minutes=1)
    later = several("next", "--all", "--from", "2027-01-01T00:00:00Z", "--json").json
    assert (later["from"], later["until"]) == ("2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z")


def test_a_night_in_which_nothing_fires_is_empty(cli: CommandLine) -> None:
    cli.write("a.yaml", "schedule: {at: 2020-01-01T00:00:00Z}\nrun: {shell: a}\n")
    shown = cli("next", "--all", *NIGHT)
    assert shown.out.splitlines() == [
        "Tue 2026-11-24 22:00:00 +0000 to Wed 2026-11-25 06:00:00 +0000 UTC: 0 slots of 0 jobs"
    ]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["a", "--all"], "--all is for all jobs: leave it out, or the id."),
        (["--from", "1h", *NIGHT], "--between says where to begin: leave out --from."),
        (["--between", "2h", "1h"], "--between: it would end at "),
        (["--between", "tonight", "06:00"], '"tonight" is not a time; write a time of the day like "22:00"'),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(cli: CommandLine, args: list[str], says: str) -> None:
    cli.write("a.yaml", BERLIN)
    wrong = cli("next", *args)
    assert wrong.code == Exit.USAGE
    assert says in wrong.err


def test_slots_that_a_blackout_skips_are_named_in_a_list(several: CommandLine) -> None:
    (several.home / "schedsync.toml").write_text(
        '[blackouts.close]\nfrom = "2026-11-25T01:00:00Z"\nto = "2026-11-25T02:00:00Z"\nreason = "books are closed"\n'
    )
    lines = several("next", "--all", *NIGHT).out.splitlines()
    assert [line.partition("  ")[2] for line in lines[2:]] == [
        "often  every 5 minutes (UTC), 96 times until 05:55:00, 12 of them skipped: blackout close: books are closed",
        "dump   Dump the schema of the ERP, skipped: blackout close: books are closed",
        "twice  at 01:30 and 04:30 each day (UTC), skipped: blackout close: books are closed",
        "twice  at 01:30 and 04:30 each day (UTC)",
    ]
    slots = several("next", "twice", *NIGHT, "--json").json["slots"]
    assert slots == [
        {"at": "2026-11-25T01:30:00Z", "id": "twice", "blackout": "close"},
        {"at": "2026-11-25T04:30:00Z", "id": "twice"},
    ]
