"""`schedsync lint`: findings at their places, as lines and as JSON."""

from pathlib import Path

import pytest

from schedsync.cli.exits import Exit
from schedsync.lint.finding import Rule
from tests.integration.cli.harness import HOURLY, CommandLine

SPAN = 'schedule: {cron: "* 2 * * *"}\nrun: {shell: a}\n'

MESSAGE = (
    '"* 2" fires each minute, 60 times from 02:00 to 02:59; write "0 2 * * *", which is at 02:00 each day; if it is'
    ' meant, write "0-59" for the "*"'
)


def places(cli: CommandLine, *args: str) -> list[tuple[str, str, int, int]]:
    found = cli("lint", "--json", *args).json["findings"]
    return [(each["rule"], each["file"], each["line"], each["column"]) for each in found]


def test_files_that_say_what_they_mean_have_no_findings(cli: CommandLine) -> None:
    cli.write("a.yaml")
    done = cli("lint")
    assert (done.code, done.out, done.err) == (Exit.OK, "0 findings in 1 job\n", "")


def test_a_finding_is_shown_with_its_line_and_a_caret(cli: CommandLine) -> None:
    cli.write("a.yaml", SPAN)
    done = cli("lint")
    assert (done.code, done.err) == (Exit.FAILURE, "")
    assert done.out.splitlines() == [
        f"warning[every-minute]: {MESSAGE}",
        f"  --> {cli.jobs}/a.yaml:1:19",
        "   |",
        ' 1 | schedule: {cron: "* 2 * * *"}',
        "   |                   ^",
        "",
        "1 finding in 1 job",
    ]


def test_json_has_the_shape_of_problems_and_the_rule(cli: CommandLine) -> None:
    cli.write("a.yaml", SPAN)
    answer = cli("lint", "--json").json
    assert answer == {
        "findings": [
            {
                "rule": "every-minute",
                "file": "a.yaml",
                "line": 1,
                "column": 19,
                "job_id": "a",
                "field": "schedule.0.cron",
                "message": MESSAGE,
                "found": "*",
                "expected": "0 2 * * *",
            }
        ],
        "jobs": 1,
        "problems": 0,
    }


def test_findings_are_in_the_order_of_the_files_wherever_values_stand(cli: CommandLine) -> None:
    cli.write(
        "b.yaml",
        "jobs:\n- id: x\n  run: {shell: a}\n  timeout: 2h\n  schedule:\n  - every: 1h\n  - cron: '* 2 * * *'\n"
        "- {id: y, schedule: {cron: 0 0 31 * *}, run: {shell: a}}\n",
    )
    cli.write("a.yaml", f"---\n{HOURLY}id: z\n---\nid: w\n{SPAN}")
    assert places(cli) == [
        ("every-minute", "a.yaml", 7, 19),
        ("timeout", "b.yaml", 4, 12),
        ("every-minute", "b.yaml", 7, 12),
        ("missing-days", "b.yaml", 8, 32),
    ]


def test_what_many_jobs_have_from_defaults_is_found_once_and_there(cli: CommandLine) -> None:
    cli.write("erp/_defaults.yaml", "timeout: 2h\nschedule:\n  cron: '*/7 * * * *'\n")
    for name in ("a", "b", "c"):
        cli.write(f"erp/{name}.yaml", "run: {shell: a}\n")
    assert places(cli) == [
        ("timeout", "erp/_defaults.yaml", 1, 10),
        ("uneven-step", "erp/_defaults.yaml", 3, 10),
    ]


def test_jobs_of_one_line_are_found_on_it(cli: CommandLine) -> None:
    job = '{id: %s, schedule: {cron: "* 2 * * *"}, run: {shell: a}}'
    cli.write("a.yaml", f"jobs: [{job % 'x'}, {job % 'y'}]\n")
    found = cli("lint", "--json").json["findings"]
    assert [(each["job_id"], each["line"], each["column"]) for each in found] == [("x", 1, None), ("y", 1, None)]


def test_a_herd_is_as_large_as_a_person_says(cli: CommandLine) -> None:
    for number in range(10):
        cli.write(f"job-{number}.yaml", 'schedule: {cron: "0 2 * * *"}\nrun: {shell: a}\n')
    assert places(cli) == [("herd", f"job-{number}.yaml", 1, 19) for number in range(10)]
    assert places(cli, "--herd", "11") == []


def test_rules_can_be_left_out(cli: CommandLine) -> None:
    cli.write("a.yaml", f"timeout: 1h\n{SPAN}")
    assert [rule for rule, *_ in places(cli)] == ["timeout", "every-minute"]
    assert [rule for rule, *_ in places(cli, "--ignore", "timeout")] == ["every-minute"]
    done = cli("lint", "--ignore", "timeout", "--ignore", "every-minute")
    assert done.code == Exit.OK
    wrong = cli("lint", "--ignore", "nosuch")
    assert wrong.code == Exit.USAGE
    assert {rule for rule in Rule if rule not in wrong.err} == set()


def test_a_part_of_the_folder_and_a_file_elsewhere_can_be_looked_at(cli: CommandLine) -> None:
    cli.write("_defaults.yaml", "timeout: 2h\n")
    cli.write("erp/a.yaml", SPAN)
    cli.write("b.yaml", SPAN)
    assert places(cli, str(cli.jobs / "erp")) == [
        ("timeout", "_defaults.yaml", 1, 10),
        ("every-minute", "erp/a.yaml", 1, 19),
    ]
    elsewhere = cli.home / "elsewhere" / "c.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(SPAN)
    (elsewhere.parent / "_defaults.yaml").write_text("timeout: 2h\n")
    assert places(cli, str(elsewhere)) == [("every-minute", "c.yaml", 1, 19)]
    assert f"  --> {elsewhere}:1:19\n" in cli("lint", str(elsewhere)).out


def test_mistakes_are_no_findings_but_a_failure(cli: CommandLine) -> None:
    cli.write("bad.yaml", 'schedule: {cron: "0 0 30 2 *"}\nrun: {shell: a}\n')
    cli.write("good.yaml")
    done = cli("lint")
    assert (done.code, done.out) == (Exit.FAILURE, "0 findings in 1 job\n")
    assert done.err == "schedsync: 1 problem in 1 file; `schedsync validate` shows what is left out here\n"
    assert cli("lint", "--json").json == {"findings": [], "jobs": 1, "problems": 1}


def test_no_database_is_made(cli: CommandLine) -> None:
    cli.write("a.yaml")
    cli("lint")
    assert not cli.file.exists()


REPOSITORY = Path(__file__).parents[3]
ON_PURPOSE = {"04-crontab": {"either-day"}}
"""What an example is about."""


@pytest.mark.parametrize(
    "path", [REPOSITORY / "jobs.d", *sorted(REPOSITORY.glob("examples/[0-9]*"))], ids=lambda p: p.name
)
def test_our_own_jobs_say_what_they_mean(cli: CommandLine, path: Path) -> None:
    found = cli.as_is("lint", "--jobs", str(path), "--json").json["findings"]
    # What was to come when an example was written is over some day.
    assert {each["rule"] for each in found} - {"over"} == ON_PURPOSE.get(path.name, set())
