"""`schedsync why`: whether a job fires at a moment, and which rule says so."""

import pytest

from schedsync.cli.exits import Exit
from schedsync.runs.run import RunState
from tests.integration.cli.harness import HOURLY, SLOT, CommandLine

DAILY = "schedule: {cron: '30 2 * * *', timezone: Europe/Berlin, exclude: holidays}\nrun: {shell: a}\n"


@pytest.fixture
def jobs(cli: CommandLine) -> CommandLine:
    cli.write("calendars/holidays.yaml", "yearly: [12-25]\n")
    cli.write("a.yaml", DAILY)
    return cli


def test_it_says_which_rule_leaves_a_slot_out(jobs: CommandLine) -> None:
    told = jobs("why", "a", "--at", "2026-12-25T02:30")
    assert (told.code, told.out.splitlines()) == (
        Exit.OK,
        [
            "a does not fire at Fri 2026-12-25 02:30:00 +0100 Europe/Berlin",
            "  30 2 * * * Europe/Berlin, except on holidays: does not fire",
            "    exclude: 2026-12-25: yearly 12-25 of holidays",
            "  the next slot after it is 2026-12-26 01:30:00Z",
        ],
    )
    assert not jobs.file.exists()


def test_json_has_the_same(jobs: CommandLine) -> None:
    assert jobs("why", "a", "--at", "2026-12-26T01:30:00Z", "--json").json == {
        "id": "a",
        "at": "2026-12-26T01:30:00Z",
        "fires": True,
        "slots": ["2026-12-26T01:30:00Z"],
        "triggers": [
            {
                "schedule": "30 2 * * * Europe/Berlin, except on holidays",
                "slots": ["2026-12-26T01:30:00Z"],
                "because": [{"rule": "cron", "words": '"30 2 * * *" means at 02:30 each day'}],
            }
        ],
        "kept_from_running": [],
        "runs": [],
        "next": "2026-12-27T01:30:00Z",
    }


def test_who_keeps_it_from_running_is_said(jobs: CommandLine) -> None:
    jobs.write("a.yaml", f"suspend: true\n{DAILY}")
    assert jobs("apply").code == Exit.OK
    assert jobs("pause", "a", "--until", "2999-01-01T00:00:00Z", "--reason", "moving").code == Exit.OK
    assert jobs("pause", "--all").code == Exit.OK
    lines = jobs("why", "a", "--at", "2998-12-26T02:30").out.splitlines()
    assert lines[0].startswith("a is skipped at ")
    assert "    suspend: its file says suspend: true" in lines
    assert any(line.startswith("    pause: it is paused by ") and line.endswith("Z: moving") for line in lines)
    assert any(line.startswith("    pause: all jobs are paused by ") for line in lines)
    later = jobs("why", "a", "--at", "2999-01-02T02:30", "--json").json["kept_from_running"]
    assert [said["rule"] for said in later] == ["suspend", "pause"]
    past = jobs("why", "a", "--at", "2026-01-02T02:30", "--json").json["kept_from_running"]
    assert [said["rule"] for said in past] == ["suspend"]


def test_a_blackout_is_said(jobs: CommandLine) -> None:
    settings = jobs.home / "quiet.toml"
    settings.write_text('[blackouts.close]\nfrom = "2026-12-30"\nto = "2026-12-31"\nreason = "books are closed"\n')
    told = jobs("why", "a", "--at", "2026-12-30T02:30", "--config", str(settings)).out.splitlines()
    assert told[0] == "a is skipped at Wed 2026-12-30 02:30:00 +0100 Europe/Berlin"
    assert told[3] == "    blackouts: blackout close: books are closed"
    assert jobs("why", "a", "--at", "2026-12-29T02:30", "--config", str(settings)).out.startswith("a fires at ")


def test_what_became_of_a_slot_is_said(cli: CommandLine) -> None:
    cli.applied(a="schedule: {cron: '30 2 * * *'}\nrun: {shell: a}\n")
    run = cli.ran("a", RunState.FAILED, started_at=SLOT, finished_at=SLOT, reason="exit code 3")
    lines = cli("why", "a", "--at", "2026-11-24T02:30").out.splitlines()
    assert f"  run {run.id} of 2026-11-24 02:30:00Z: failed: exit code 3" in lines
    assert not [line for line in cli("why", "a", "--at", "2026-11-24T02:31").out.splitlines() if "  run " in line]


def test_a_live_job_keeps_its_phase(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    slot = cli("jobs", "a", "--json").json["next_fire_at"]
    told = cli("why", "a", "--at", slot, "--json").json
    assert (told["fires"], told["slots"]) == (True, [slot])


def test_now_is_asked_about_unless_it_says_when(cli: CommandLine) -> None:
    cli.write("a.yaml", "schedule: {cron: '* * * * *'}\nrun: {shell: a}\n")
    assert cli("why", "a").out.startswith("a fires at ")


def test_a_job_that_runs_after_others_has_no_slots(cli: CommandLine) -> None:
    cli.write("a.yaml")
    cli.write("b.yaml", "after: {a: succeeded}\nrun: {shell: a}\n")
    assert cli("why", "b", "--at", "2026-12-25T02:30").out.splitlines() == [
        "b does not fire at 2026-12-25 02:30:00Z",
        "  it has no slots: it runs after a succeeded",
    ]


@pytest.mark.parametrize("at", ["tomorrow", "2026-13-01T00:00", "02:30"])
def test_a_moment_that_is_none_is_wrong_usage(jobs: CommandLine, at: str) -> None:
    told = jobs("why", "a", "--at", at)
    assert (told.code, told.out) == (Exit.USAGE, "")
    assert f'"{at}" is not a time; write it like 2026-12-24T06:00' in told.err


@pytest.mark.parametrize(
    "at",
    [
        *("9999-12-31T23:59Z", "9999-12-31T23:59", "9999-12-31T23:59:59", "9999-12-31T23:59-14:00"),
        *("0001-01-01T00:00", "0001-01-01T00:00Z", "0001-01-01T00:00+14:00", "1969-12-31T23:59Z"),
    ],
)
def test_a_moment_at_an_end_of_the_calendar_is_wrong_usage(jobs: CommandLine, at: str) -> None:
    jobs.write("b.yaml", "after: {a: succeeded}\nrun: {shell: a}\n")
    for job in ("a", "b"):
        told = jobs("why", job, "--at", at)
        assert (told.code, told.out) == (Exit.USAGE, "")
        assert f"'--at': the year {int(at[:4])} is out of reach; write one from 1970 to 9998." in told.err


@pytest.mark.parametrize("at", ["1970-01-01T00:00", "1970-01-01T00:00Z", "9998-12-31T23:59", "9998-12-31T23:59-14:00"])
@pytest.mark.parametrize(
    "schedule",
    [
        "{every: 1h, timezone: Pacific/Kiritimati}",
        "{every: 1h, jitter: 30m}",
        "{cron: '0 2 * * *', timezone: America/New_York}",
        "{cron: '0 0 * * *', exclude: {weekdays: [mon]}, shift: next}",
        "{calendar: {days: 1, time: '02:00'}, timezone: Europe/Berlin}",
    ],
)
def test_up_to_there_it_is_answered(jobs: CommandLine, schedule: str, at: str) -> None:
    jobs.write("c.yaml", f"schedule: {schedule}\nrun: {{shell: a}}\n")
    assert jobs("why", "c", "--at", at).code == Exit.OK


def test_a_part_of_a_second_is_its_second(jobs: CommandLine) -> None:
    assert jobs("why", "a", "--at", "2026-12-24T02:30:00.5").out.startswith("a fires at Thu 2026-12-24 02:30:00 ")


def test_a_job_that_is_not_there_is_said(jobs: CommandLine) -> None:
    told = jobs("why", "b")
    assert told.code == Exit.FAILURE
    assert '"b"' in told.err
