"""`schedsync pause` and `schedsync resume`: what an operator decides."""

import getpass
from datetime import timedelta

import pytest

from schedsync.cli.exits import Exit
from schedsync.clock import parse_instant, utc_now
from schedsync.status.views import JobDetail
from tests.integration.cli.harness import HOURLY, CommandLine

WHO = f"cli:{getpass.getuser()}"


@pytest.fixture
def live(cli: CommandLine) -> CommandLine:
    cli.applied(a=HOURLY, b=HOURLY)
    return cli


def states(cli: CommandLine) -> dict[str, str]:
    return {job["id"]: job["state"] for job in cli("jobs", "--json").json["jobs"]}


def test_a_pause_says_who_why_and_until_when(live: CommandLine) -> None:
    paused = live("pause", "a", "--until", "2h", "--reason", "close of books")
    assert paused.code == Exit.OK
    assert paused.out.startswith(f"a is paused by {WHO} since ")
    assert paused.out.endswith("Z: close of books\n")
    pause = live("jobs", "a", "--json").json["pause"]
    assert (pause["by"], pause["reason"]) == (WHO, "close of books")
    assert timedelta(minutes=119) < parse_instant(pause["until"]) - utc_now() <= timedelta(hours=2)
    assert states(live) == {"a": "paused", "b": "active"}


def test_a_pause_in_json_is_the_job(live: CommandLine) -> None:
    job = live("pause", "a", "--until", "2999-01-31T23:59:59+01:00", "--json").json
    assert set(job) == set(JobDetail.model_fields)
    assert (job["state"], job["pause"]["until"]) == ("paused", "2999-01-31T22:59:59Z")
    assert live("resume", "a", "--json").json["pause"] is None


@pytest.mark.parametrize("whom", ["a", "--all"])
def test_a_pause_may_last_for_ever(live: CommandLine, whom: str) -> None:
    daily = "schedule: {calendar: {days: 1}, timezone: America/New_York}\nrun: {shell: a}\n"
    live.applied(a=daily, b="schedule: {cron: '0 0 * * *', jitter: 1h}\nrun: {shell: a}\n")
    assert live("pause", whom, "--until", "9999-12-31T23:59:59Z").code == Exit.OK
    assert states(live)["a"] == "paused"
    for asked in (["jobs"], ["jobs", "a"], ["next"], ["next", "--all"], ["why", "a"], ["status"], [], ["audit"]):
        told = live(*asked)
        assert (told.code, told.err) == (Exit.OK, "")


def test_pausing_all_jobs_leaves_single_pauses_alone(live: CommandLine) -> None:
    live("pause", "a")
    assert live("pause", "--all", "--json", "--reason", "night").json["paused"]["reason"] == "night"
    assert states(live) == {"a": "paused", "b": "paused"}
    assert live("resume", "--all", "--json").json == {"paused": None}
    assert states(live) == {"a": "paused", "b": "active"}


def test_resuming_tells_what_is_in_force_still(live: CommandLine) -> None:
    live("pause", "--all")
    live("pause", "a")
    assert live("resume", "a").out.startswith(f"a is resumed; it stays paused with all jobs, by {WHO} since ")
    assert live("resume", "--all").out == "all jobs are resumed; those that are paused themselves stay so\n"


def test_where_there_is_nothing_to_resume_that_is_said_and_is_no_failure(live: CommandLine) -> None:
    nothing = live("resume", "--all")
    assert (nothing.code, nothing.err) == (Exit.OK, "")
    assert nothing.out == "there is no pause of all jobs to end; jobs that are paused themselves stay so\n"
    assert live("resume", "a").out == "a was not paused itself, so there is nothing to resume\n"
    live("pause", "a")
    assert live("resume", "a").out == "a is resumed\n"


def test_a_pause_outlives_an_edit(live: CommandLine) -> None:
    live("pause", "a")
    live.applied(a=f"description: Edited\n{HOURLY}")
    assert states(live)["a"] == "paused"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["pause", "c"], 'no job has the id "c"'),
        (["resume", "c"], 'no job has the id "c"'),
        (["pause", "a", "--until", "2020-01-01T00:00:00Z"], "must be in the future"),
        (["pause", "a", "--until", "0001-01-01T00:00:00Z"], "must be in the future"),
    ],
)
def test_what_cannot_be_done_is_a_failure(live: CommandLine, args: list[str], said: str) -> None:
    failed = live(*args, "--json")
    assert (failed.code, failed.out) == (Exit.FAILURE, "")
    assert said in failed.err
    assert states(live) == {"a": "active", "b": "active"}


def test_a_user_without_a_name_is_known_by_number(live: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert live("pause", "a", "--json").json["pause"]["by"].removeprefix("cli:").isdecimal()
