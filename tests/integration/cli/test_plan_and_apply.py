"""`schedsync plan` and `schedsync apply`: the folder held against the store, and made live."""

import pytest

from schedsync.cli.exits import Exit
from tests.integration.cli.harness import HOURLY, NO_DATABASE, CommandLine

BROKEN = f"{HOURLY}tiemout: 5m\n"


def test_without_a_database_everything_would_be_added_and_none_is_made(cli: CommandLine) -> None:
    cli.write("a.yaml")
    cli.write("b.yaml")
    planned = cli("plan")
    assert planned.code == Exit.CHANGES
    assert planned.out.splitlines() == ["+ a  (a.yaml:1)", "+ b  (b.yaml:1)", "Plan: 2 to add."]
    assert cli("plan", "--json").json["add"] == ["a", "b"]
    assert not cli.file.exists()


def test_what_is_planned_is_applied_and_then_nothing_is_left_to_plan(cli: CommandLine) -> None:
    cli.write("a.yaml")
    assert cli("plan").code == Exit.CHANGES
    applied = cli("apply")
    assert applied.code == Exit.OK
    assert applied.out.endswith(": 1 added.\n")
    planned = cli("plan")
    assert (planned.code, planned.out) == (Exit.OK, "Plan: 1 unchanged.\n")


def test_a_plan_shows_what_an_edit_changes(cli: CommandLine) -> None:
    cli.applied(a=HOURLY, b=HOURLY, c=HOURLY)
    cli.write("a.yaml", "description: Often\nschedule: {every: 5m}\nrun: {shell: echo hello}\n")
    (cli.jobs / "b.yaml").unlink()
    planned = cli("plan")
    assert planned.code == Exit.CHANGES
    assert planned.out.splitlines()[0] == "~ a"
    assert '    description: (default) -> "Often"' in planned.out
    assert "- b  (b.yaml)" in planned.out
    assert planned.out.endswith("Plan: 1 to update, 1 to remove, 1 unchanged.\n")


def test_a_plan_in_json_has_the_fields_that_change(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    cli.write("a.yaml", f"description: Often\n{HOURLY}")
    planned = cli("plan", "--json")
    assert planned.code == Exit.CHANGES
    assert planned.json["update"] == [
        {"id": "a", "fields": [{"field": "description", "old": None, "new": "Often"}]},
    ]
    assert planned.json | {"problems": [], "unchanged": 0} == planned.json


def test_planning_changes_nothing(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    before = cli.file.read_bytes()
    cli.write("b.yaml")
    cli("plan")
    assert cli.file.read_bytes() == before
    assert [row[0] for row in cli("jobs").rows] == ["a"]


def test_a_broken_file_alone_fails_the_plan_before_and_after_it_is_applied(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    cli.write("a.yaml", BROKEN)
    for _ in range(2):
        planned = cli("plan")
        assert planned.code == Exit.FAILURE
        assert "= a  keeps its last good spec (a.yaml)" in planned.out
        assert f'{cli.jobs}/a.yaml:3:1: unknown key "tiemout"' in planned.err
        cli("apply")


def test_changes_outweigh_problems_in_the_exit_code_of_a_plan(cli: CommandLine) -> None:
    cli.write("a.yaml")
    cli.write("bad.yaml", BROKEN)
    planned = cli("plan", "--json")
    assert planned.code == Exit.CHANGES
    assert (planned.json["add"], [p["file"] for p in planned.json["problems"]]) == (["a"], ["bad.yaml"])


def test_apply_does_what_it_can_and_fails_for_problems(cli: CommandLine) -> None:
    cli.write("a.yaml")
    cli.write("bad.yaml", BROKEN)
    applied = cli("apply")
    assert applied.code == Exit.FAILURE
    assert applied.out.endswith(": 1 added.\n")
    assert applied.err.startswith(f"{cli.jobs}/bad.yaml:3:1: unknown key")
    report = cli("apply", "--json")
    assert report.code == Exit.FAILURE
    assert report.json["counts"]["unchanged"] == 1
    assert [p["file"] for p in report.json["problems"]] == ["bad.yaml"]
    assert report.json["problems"][0]["since"].endswith("Z")
    assert (report.json["complete"], report.json["held"]) == (False, [])


def test_a_removal_of_most_jobs_is_held_until_a_person_allows_it(cli: CommandLine) -> None:
    cli.applied(**{f"job-{number:02}": HOURLY for number in range(12)})
    for path in cli.jobs.glob("job-0*.yaml"):
        path.unlink()
    cli.write("job-10.yaml")
    (cli.jobs / "job-11.yaml").unlink()
    assert cli("plan").code == Exit.CHANGES
    applied = cli("apply")
    assert applied.code == Exit.OK
    assert applied.out.splitlines()[0].endswith(": 11 held, 1 unchanged.")
    assert applied.out.splitlines()[1].startswith("! job-00  removal held: 11 of 12 jobs would be removed at once")
    assert len(cli("apply", "--json").json["held"]) == 11
    allowed = cli("apply", "--allow-prune")
    assert (allowed.code, allowed.out.rpartition(": ")[2]) == (Exit.OK, "11 removed, 1 unchanged.\n")
    assert cli("plan").code == Exit.OK


def _empty(cli: CommandLine) -> None:
    (cli.jobs / "a.yaml").unlink()


def _missing(cli: CommandLine) -> None:
    cli.jobs.rename(cli.home / "away")


@pytest.mark.parametrize("spoil", [_empty, _missing])
def test_a_folder_that_says_nothing_removes_nothing_and_is_a_failure(cli: CommandLine, spoil: object) -> None:
    assert callable(spoil)
    cli.applied(a=HOURLY)
    spoil(cli)
    planned = cli("plan")
    assert planned.code == Exit.CHANGES
    assert "! a  removal held: the folder" in planned.out
    applied = cli("apply")
    assert applied.code == Exit.FAILURE
    assert applied.err.startswith(f"{cli.jobs}: the folder")
    assert [row[0] for row in cli("jobs").rows] == ["a"]


def test_an_empty_folder_means_it_when_a_person_says_so(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    _empty(cli)
    allowed = cli("apply", "--allow-prune")
    assert (allowed.code, allowed.err) == (Exit.OK, "")
    assert allowed.out.endswith(": 1 removed.\n")
    assert cli("jobs").rows == []


def test_a_missing_folder_stays_unknown_whatever_a_person_says(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    _missing(cli)
    assert cli("apply", "--allow-prune").code == Exit.FAILURE
    assert [row[0] for row in cli("jobs").rows] == ["a"]


def test_a_wrong_folder_is_a_failure_also_when_nothing_is_live(cli: CommandLine) -> None:
    cli.jobs.rmdir()
    planned = cli("plan", "--json")
    assert planned.code == Exit.FAILURE
    assert [problem["file"] for problem in planned.json["problems"]] == ["."]
    assert "is missing" in planned.json["problems"][0]["message"]


def test_a_database_that_is_not_ours_is_a_failure(cli: CommandLine) -> None:
    cli.file.write_text(NO_DATABASE)
    for command in ("plan", "apply", "jobs"):
        failed = cli(command)
        assert failed.code == Exit.FAILURE
        assert failed.err.startswith("schedsync: ")
        assert failed.err.count("\n") == 1
