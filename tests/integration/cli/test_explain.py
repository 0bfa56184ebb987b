"""`schedsync explain`: which file says each value of a job."""

import re

import pytest

from schedsync.cli.exits import Exit
from tests.integration.cli.harness import CommandLine

DUMP = """# before the close
description: Dump the ERP schema
schedule:
  cron: "30 2 * * mon-fri"
run:
  shell: |
    echo one
    echo two
retry:
  delay: 5s
"""


@pytest.fixture
def jobs(cli: CommandLine) -> CommandLine:
    cli.write("_defaults.yaml", "owner: dba\ntimeout: 1h\n")
    cli.write("erp/_defaults.yaml", "schedule: {timezone: Europe/Berlin}\ntimeout: 30m\nretry: {attempts: 3}\n")
    cli.write("erp/dump.yaml", DUMP)
    return cli


def test_each_value_is_shown_with_the_nearest_file_that_says_it(jobs: CommandLine) -> None:
    told = jobs("explain", "erp.dump")
    assert (told.code, told.out.splitlines()[:-1]) == (
        Exit.OK,
        [
            "erp.dump  erp/dump.yaml:2",
            "FIELD                FROM                  VALUE",
            "id                   the name of the file  erp.dump",
            "description          erp/dump.yaml:2       Dump the ERP schema",
            "owner                _defaults.yaml:1      dba",
            "schedule.0.timezone  erp/_defaults.yaml:1  Europe/Berlin",
            "schedule.0.cron      erp/dump.yaml:4       30 2 * * mon-fri",
            "run.shell            erp/dump.yaml:6       echo one (and 1 line more)",
            "timeout              erp/_defaults.yaml:2  30m",
            "retry.attempts       erp/_defaults.yaml:3  3",
            "retry.delay          erp/dump.yaml:10      5s",
        ],
    )
    assert told.out.splitlines()[-1].endswith("values built in, which --all shows")
    assert not jobs.file.exists()


def test_what_is_built_in_is_shown_when_it_is_asked_for(jobs: CommandLine) -> None:
    lines = jobs("explain", "erp.dump", "--all").out.splitlines()
    assert ["retry.backoff", "built in", "1.0"] in [re.split("  +", line) for line in lines]
    assert not any("--all" in line for line in lines)


def test_a_zone_of_the_settings_is_theirs(jobs: CommandLine) -> None:
    jobs.write("a.yaml", "schedule: {cron: '@daily'}\nrun: {shell: a}\n")
    (jobs.home / "schedsync.toml").write_text('[jobs]\ntimezone = "Asia/Tokyo"\n')
    assert "schedule.0.timezone  settings              Asia/Tokyo" in jobs("explain", "a").out.splitlines()


def test_json_has_all_values_as_json_has_them(jobs: CommandLine) -> None:
    told = jobs("explain", "erp.dump", "--json").json
    assert {name: told[name] for name in ("id", "file", "line")} == {
        "id": "erp.dump",
        "file": "erp/dump.yaml",
        "line": 2,
    }
    values = {each["field"]: each for each in told["values"]}
    assert values["run.shell"]["value"] == "echo one\necho two\n"
    assert values["retry.attempts"] == {
        "field": "retry.attempts",
        "value": 3,
        "from": {"kind": "defaults", "file": "erp/_defaults.yaml", "line": 3},
    }
    assert values["suspend"]["from"] == {"kind": "built in", "file": None, "line": None}


def test_where_it_cannot_be_told_what_comes_from_where_that_is_said(jobs: CommandLine) -> None:
    more = "schedule: {every: 1h}, run: {shell: a}"
    jobs.write("two.yaml", f"jobs: [{{id: a, {more}}}, {{id: b, {more}}}]\n")
    told = jobs("explain", "a")
    assert "run.shell" in told.out
    assert "cannot be told: two.yaml has changed meanwhile, or has several jobs on line 1" in told.err


def test_a_job_that_is_not_there_is_said_with_the_mistakes_that_may_be_why(jobs: CommandLine) -> None:
    jobs.write("erp/dump.yaml", DUMP.replace("cron", "corn"))
    told = jobs("explain", "erp.dump")
    assert told.code == Exit.FAILURE
    assert 'no job has the id "erp.dump"' in told.err
    assert "erp/dump.yaml:4:3" in told.err
