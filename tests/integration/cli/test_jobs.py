"""`schedsync jobs`: what is live."""

import pytest

from schedsync.cli import jobs, runs, spec_text
from schedsync.cli.exits import Exit
from schedsync.runs.run import Cause, RunState
from schedsync.status.selection import Sort
from schedsync.status.standing import STATES
from schedsync.status.views import JobDetail, JobView
from tests.integration.cli.harness import HOURLY, SLOT, CommandLine

NIGHTLY = """\
description: Dump the schema
owner: dba@example.com
tags: [erp, backup]
schedule:
  - {cron: "30 2 * * mon-fri", timezone: Europe/Berlin}
  - {every: 90m}
  - {at: "2030-01-01T00:00:00", timezone: Europe/Berlin}
run:
  shell: |
    set -e
    echo "go"
retry: {attempts: 3, delay: 30s}
timeout: 30m
"""


def test_the_table_is_aligned(cli: CommandLine) -> None:
    cli.applied(
        **{"a-long-name": NIGHTLY, "b": "schedule: {at: 2030-01-01T00:00:00}\nrun: {shell: a}\nsuspend: true\n"}
    )
    cli.ran("b", RunState.FAILED, started_at=SLOT, finished_at=SLOT, exit_code=1)
    listed = cli("jobs")
    assert listed.code == Exit.OK
    heading, long, short = listed.out.splitlines()
    assert heading.split() == ["ID", "STATE", "NEXT", "FIRE", "LAST", "RUN", "SCHEDULE", "FILE"]
    assert long.startswith("a-long-name  active     20")
    assert "  30 2 * * mon-fri Europe/Berlin | every 1h30m | at 2029-12-31T23:00:00Z  a-long-name.yaml" in long
    assert short.startswith("b            suspended  -    ")
    assert "  failed 2026-11-24 02:30:00Z  at 2030-01-01T00:00:00Z  " in short
    assert heading.index("FILE") == long.index("a-long-name.yaml") == short.index("b.yaml")


def test_json_is_the_shape_of_the_api(cli: CommandLine) -> None:
    cli.applied(a=HOURLY, b=NIGHTLY)
    cli.ran("a", finished_at=SLOT, exit_code=0)
    listed = cli("jobs", "--json").json
    assert set(listed) == {"jobs", "total", "next_cursor"}
    assert [job["id"] for job in listed["jobs"]] == ["a", "b"]
    assert set(listed["jobs"][0]) == set(JobView.model_fields)
    assert listed["jobs"][0]["last_run"]["finished_at"] == "2026-11-24T02:30:00Z"
    assert listed["next_cursor"] is None


def test_a_limit_says_that_there_is_more(cli: CommandLine) -> None:
    cli.applied(a=HOURLY, b=HOURLY, c=HOURLY)
    listed = cli("jobs", "--limit", "2")
    assert [row[0] for row in listed.rows] == ["a", "b"]
    assert listed.err == "schedsync: there are 3 jobs; --limit shows more\n"
    assert cli("jobs", "--limit", "2", "--json").json["next_cursor"] is not None
    assert cli("jobs", "--limit", "3").err == ""


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        (["--state", "paused"], ["a"]),
        (["--tag", "erp"], ["b"]),
        (["--owner", "dba@example.com"], ["b"]),
        (["--q", "SCHEMA"], ["b"]),
        (["--stale"], []),
        (["--group", "none"], []),
        (["--sort", "-id"], ["b", "a"]),
        (["--state", "active", "--q", "a"], ["b"]),
        (["--tag", ""], ["a", "b"]),
    ],
    ids=" ".join,
)
def test_jobs_are_chosen_and_sorted(cli: CommandLine, filters: list[str], ids: list[str]) -> None:
    cli.applied(a=HOURLY, b=NIGHTLY)
    cli("pause", "a")
    assert [row[0] for row in cli("jobs", *filters).rows] == ids


def test_filters_are_for_lists(cli: CommandLine) -> None:
    assert cli("jobs", "a", "--tag", "erp").code == Exit.USAGE
    refused = cli("jobs", "--state", "broken")
    assert (refused.code, "'active', 'paused', 'suspended', 'finished'" in refused.err) == (Exit.USAGE, True)


def test_the_words_of_the_options_are_those_of_jobs_and_runs() -> None:
    assert jobs._STATES == STATES
    assert set(jobs._KEYS) == set(Sort)
    assert set(runs._STATES) == set(RunState)
    assert set(runs._CAUSES) == set(Cause)


def test_a_broken_file_shows_as_stale(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    cli.write("a.yaml", "x: [")
    assert cli("apply").code == Exit.FAILURE
    assert "active, stale" in cli("jobs").out


def test_one_job_is_shown_with_its_spec(cli: CommandLine) -> None:
    cli.applied(**{"erp.dump": NIGHTLY})
    cli("pause", "erp.dump", "--reason", "close of books")
    shown = cli("jobs", "erp.dump")
    assert shown.code == Exit.OK
    head, _, spec = shown.out.partition("\n\n")
    assert [line.partition(":")[0] for line in head.splitlines()] == [
        "id", "description", "owner", "tags", "state", "paused", "file", "revision",
    ]  # fmt: skip
    assert "paused:       by cli:" in head
    assert head.partition("paused:")[2].splitlines()[0].endswith("Z: close of books")
    assert spec.startswith("id: erp.dump\ndescription: Dump the schema\ntags: [erp, backup]\n")
    assert 'run:\n  shell: |\n    set -e\n    echo "go"\n' in spec
    assert 'schedule:\n  - timezone: Europe/Berlin\n    cron: "30 2 * * mon-fri"\n' in spec


def test_one_job_in_json_is_the_detail_of_the_api(cli: CommandLine) -> None:
    cli.applied(a=NIGHTLY)
    shown = cli("jobs", "a", "--json").json
    assert set(shown) == set(JobDetail.model_fields)
    assert shown["spec"]["timeout"] == "30m"


def test_an_unknown_job_is_a_failure(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    failed = cli("jobs", "b", "--json")
    assert (failed.code, failed.out, failed.err) == (Exit.FAILURE, "", 'schedsync: no job has the id "b"\n')


def test_a_table_is_cut_to_the_terminal(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.applied(a=NIGHTLY)
    monkeypatch.setattr("schedsync.cli.output.columns", lambda: 60)
    heading, row = cli("jobs").out.splitlines()
    assert len(heading) <= len(row) == 60
    assert row.endswith("...")


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"a": "plain text"}, ["a: plain text"]),
        ({"a": "true", "b": True, "c": None, "d": 1}, ['a: "true"', "b: true", "c: null", "d: 1"]),
        ({"a": "0755", "b": "2h", "c": "-1.5e3", "e": "e"}, ['a: "0755"', "b: 2h", 'c: "-1.5e3"', "e: e"]),
        ({"a": 'say "it\'s"'}, ["a: 'say \"it''s\"'"]),
        ({"a": "x: y"}, ['a: "x: y"']),
        ({"a": "one\ntwo\n"}, ["a: |", "  one", "  two"]),
        ({"a": "tab\there"}, ['a: "tab\\there"']),
        ({"a": ["x", ["y", {"z": 1}]]}, ["a: [x, [y, {z: 1}]]"]),
        ({"a": [{"x": 1, "y": {"z": 2}}, {}]}, ["a:", "  - x: 1", "    y:", "      z: 2", "  - {}"]),
        ({"a": {}, "b": [], "": ""}, ["a: {}", "b: []", '"": ""']),
    ],
    ids=str,
)
def test_a_spec_reads_like_its_file(value: dict[str, object], lines: list[str]) -> None:
    assert list(spec_text.lines(value)) == lines


def test_a_job_that_waits_for_the_service_to_start_says_so_in_the_place_of_its_next_slot(cli: CommandLine) -> None:
    cli.write("a.yaml", 'schedule: {cron: "@reboot"}\nrun: {shell: a}\n')
    planned = cli("plan")
    assert planned.out == "+ a  (a.yaml:1)\nPlan: 1 to add.\n"
    assert cli("apply").code == 0
    assert cli("plan").out == "Plan: 1 unchanged.\n"
    assert "a   active  when the service starts  -" in cli("jobs").out
    assert "next fire:  when the service starts" in cli("jobs", "a").out
    cli("pause", "a")
    assert "when the service starts" not in cli("jobs").out
