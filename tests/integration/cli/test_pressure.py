"""`schedsync pressure`: how the starts of a day are spread."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedsync.cli.exits import Exit
from schedsync.cli.histogram import lines
from schedsync.clock import parse_instant, utc_now
from schedsync.specs.pressure import Bar
from tests.integration.cli.harness import CommandLine
from tests.integration.cli.test_colour import terminal

DAY = ["--day", "2026-11-24"]
UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture
def night(cli: CommandLine) -> CommandLine:
    """Four jobs at 02:00 UTC, one of which starts twice; one each quarter of an hour; one that is suspended."""
    for name in ("dump", "close", "mail"):
        cli.write(f"{name}.yaml", 'schedule: {cron: "0 2 * * *"}\nrun: {shell: a}\n')
    cli.write("load.yaml", 'schedule: {cron: "0 2,14 * * *"}\nrun: {shell: a}\n')
    cli.write("off.yaml", 'suspend: true\nschedule: {cron: "* * * * *"}\nrun: {shell: a}\n')
    cli.write("poll.yaml", 'schedule: {cron: "15,30 2 * * *"}\nrun: {shell: a}\n')
    return cli


def test_hours_are_bars_and_the_worst_minutes_have_names(night: CommandLine) -> None:
    shown = night("pressure", *DAY)
    assert (shown.code, shown.err) == (Exit.OK, "schedsync: 1 job left out, suspended\n")
    first, *bars = shown.out.splitlines()
    assert first == "Tue 2026-11-24 00:00 +0000 to Wed 2026-11-25 00:00 +0000 UTC: 7 starts of 5 jobs"
    assert bars[:2] == ["00:00  0", "01:00  0"]
    assert bars[2].startswith("02:00  6  ")
    assert len(bars[14]) < len(bars[2]) == 80
    assert bars[24:] == [
        "",
        "the worst minute:",
        "  Tue 2026-11-24 02:00 +0000  4 starts  close, dump, and 2 more",
    ]


def test_three_jobs_are_all_named(night: CommandLine) -> None:
    (night.jobs / "mail.yaml").unlink()
    assert night("pressure", *DAY).out.splitlines()[-1].endswith("3 starts  close, dump, load")


def test_a_day_is_that_of_the_zone(night: CommandLine) -> None:
    shown = night("pressure", "--day", "2026-10-25", "--tz", "Europe/Berlin").out.splitlines()
    assert shown[0] == "Sun 2026-10-25 00:00 +0200 to Mon 2026-10-26 00:00 +0100 Europe/Berlin: 7 starts of 5 jobs"
    assert [line.split()[:2] for line in shown[1:7]] == [
        ["00:00", "0"],
        ["01:00", "0"],
        ["02:00", "0"],
        ["02:00", "0"],
        ["03:00", "6"],
        ["04:00", "0"],
    ]


def test_minutes_without_starts_are_left_out(night: CommandLine) -> None:
    bars = night("pressure", *DAY, "--by", "minute", "-n", "0").out.splitlines()[1:]
    assert [line.split()[:2] for line in bars] == [["02:00", "4"], ["02:15", "1"], ["02:30", "1"], ["14:00", "1"]]


def test_json_has_all_of_it(night: CommandLine) -> None:
    shown = night("pressure", *DAY, "--json").json
    bars = shown.pop("bars")
    assert shown == {
        "from": "2026-11-24T00:00:00Z",
        "until": "2026-11-25T00:00:00Z",
        "timezone": "UTC",
        "by": "hour",
        "starts": 7,
        "jobs": 5,
        "worst": [{"at": "2026-11-24T02:00:00Z", "starts": 4, "jobs": ["close", "dump", "load", "mail"]}],
    }
    assert (len(bars), bars[2]) == (24, {"at": "2026-11-24T02:00:00Z", "starts": 6})


def test_without_a_day_it_is_the_next_24_hours(night: CommandLine) -> None:
    shown = night("pressure", "--json").json
    since, until = parse_instant(shown["from"]), parse_instant(shown["until"])
    assert abs(since - utc_now()) < timedelta(minutes=1)
    assert until == since.replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    assert len(shown["bars"]) == 24


def test_a_terminal_gets_bars_of_its_width_and_in_what_it_can_show(night: CommandLine) -> None:
    shown = terminal(night, "pressure", *DAY, COLUMNS="50", NO_COLOR="1", PYTHONIOENCODING="utf-8").splitlines()
    assert shown[3] == "02:00  6  " + 40 * "█"
    shown = terminal(night, "pressure", *DAY, COLUMNS="50", NO_COLOR="1", PYTHONIOENCODING="ascii").splitlines()
    assert shown[3] == "02:00  6  " + 40 * "#"


@pytest.mark.parametrize(
    ("count", "highest", "line"),
    [
        (0, 8, "02:00  0"),
        (8, 8, "02:00  8  ##########"),
        (4, 8, "02:00  4  #####"),
        (1, 1_000, "02:00      1  #"),
        (1_000, 1_000, "02:00  1,000  ########"),
    ],
)
def test_one_start_is_to_be_seen_and_the_most_fill_the_line(count: int, highest: int, line: str) -> None:
    at = datetime(2026, 11, 24, 2, tzinfo=UTC)
    first, *_ = lines([Bar(at, count), Bar(at, highest)], UTC_ZONE, 20, " #")
    assert (first if isinstance(first, str) else first.plain) == line


@pytest.mark.parametrize(
    ("args", "says"), [(["--day", "today"], "is not a day"), (["--day", "9999-12-31"], "out of reach")]
)
def test_what_is_no_day_is_wrong_usage(night: CommandLine, args: list[str], says: str) -> None:
    wrong = night("pressure", *args)
    assert wrong.code == Exit.USAGE
    assert says in wrong.err


def test_what_a_blackout_skips_is_no_start(night: CommandLine) -> None:
    (night.home / "schedsync.toml").write_text(
        '[blackouts.close]\nfrom = "2026-11-24T02:00:00Z"\nto = "2026-11-24T02:20:00Z"\n'
    )
    shown = night("pressure", *DAY, "--json").json
    assert (shown["starts"], shown["jobs"], shown["worst"]) == (2, 2, [])
