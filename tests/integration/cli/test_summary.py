"""`schedsync` alone: how things are, and what to do next."""

from datetime import timedelta

from schedsync.cli import summary
from schedsync.cli.exits import Exit
from schedsync.clock import utc_now
from schedsync.executors.identity import this_instance
from schedsync.runs.run import RunState
from tests.integration.cli.harness import HOURLY, NO_DATABASE, CommandLine
from tests.integration.cli.serving import app_of, serving

KEYS = {"status", "running", "failed", "next"}


def paragraphs(text: str) -> dict[str, list[str]]:
    """Return the lines below each title; those of the first paragraph below ``""``."""
    first, *others = text.strip().split("\n\n")
    return {"": first.splitlines()} | {part.splitlines()[0]: part.splitlines()[1:] for part in others}


def test_where_nothing_is_yet_it_says_how_to_begin_and_makes_nothing(cli: CommandLine) -> None:
    cli.jobs.rmdir()
    said = cli()
    assert (said.code, said.err) == (Exit.OK, "")
    assert said.out.startswith(f"There are no job files in {cli.jobs} yet, and no service has run here. To begin, ")
    assert f"write {cli.jobs}/hello.yaml" in said.out
    assert "schedsync run" in said.out
    assert list(cli.home.iterdir()) == []
    assert cli("--json").json == {"status": None, "running": [], "failed": [], "next": []}


def test_the_example_to_begin_with_is_a_valid_job(cli: CommandLine) -> None:
    cli.write("hello.yaml", summary.EXAMPLE)
    assert cli("validate").out == "1 job is valid\n"


def test_job_files_that_no_service_has_seen_are_counted(cli: CommandLine) -> None:
    cli.write("a.yaml")
    cli.write("b.yaml", "x: [")
    said = cli()
    assert said.code == Exit.OK
    assert said.out.splitlines()[0] == (
        f"{cli.jobs} has 2 job files, and nothing of them is live yet: no service has run here."
    )
    assert not cli.file.exists()


def test_it_says_who_leads_what_is_wrong_what_runs_what_failed_and_what_comes(cli: CommandLine) -> None:
    cli.applied(a=HOURLY, b=HOURLY, late="schedule: {at: 2999-01-01T00:00:00}\nrun: {shell: a}\n")
    cli.write("a.yaml", f"{HOURLY}tiemout: 5m\n")
    cli("apply")
    now = utc_now()
    cli.ran("a", RunState.FAILED, slot=now - timedelta(hours=1), finished_at=now, reason="exit code 3")
    cli.ran("a", RunState.FAILED, slot=now - timedelta(days=2), finished_at=now, reason="long ago")
    cli.ran("b", RunState.RUNNING, slot=now, started_at=now)
    with cli.store() as store:
        store.leases.end("tests")
        store.leases.acquire(this_instance("anode"), timedelta(minutes=1))
    told = cli()
    assert (told.code, told.err) == (Exit.OK, "")
    said = paragraphs(told.out)
    assert said[""][0] == "service:   well: anode leads"
    assert "jobs:      3: 3 active, 1 stale" in said[""]
    assert said["Problems"] == ['a.yaml:3:1: unknown key "tiemout"; did you mean "timeout"?']
    assert [line.split()[0] for line in said["Running"]] == ["JOB", "b"]
    assert [line.split()[:2] for line in said["Failed in the last 24 hours"][1:]] == [["a", "failed"]]
    assert [line.split()[0] for line in said["Next"][1:]] == ["a", "b", "late"]
    assert "schedsync logs a  " in told.out
    assert "schedsync validate  " in told.out
    assert "schedsync run  " not in told.out
    assert list(said) == ["", "Problems", "Running", "Failed in the last 24 hours", "Next", *list(said)[5:]]


def test_a_service_that_died_does_not_lead(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    node = cli("status", "--json").json["node"]
    alive = this_instance(node)
    machine, pid, started = alive.removeprefix(f"{node}/").split("/")
    with cli.store() as store:
        store.leases.acquire(f"{node}/{machine}/{pid}/{int(started) + 1}", timedelta(minutes=1))
    said = cli()
    assert said.out.startswith("service:   no instance leads, so nothing is fired\n")
    assert "schedsync run  " in said.out


def test_in_json_it_has_the_shapes_of_the_api(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    cli.ran("a", RunState.RUNNING, slot=utc_now())
    told = cli("--json").json
    assert set(told) == KEYS
    assert told["status"]["counts"]["jobs"] == 1
    assert [run["job_id"] for run in told["running"]] == ["a"]
    assert [job["id"] for job in told["next"]] == ["a"]


def test_many_problems_are_counted(cli: CommandLine) -> None:
    for number in range(8):
        cli.write(f"a{number}.yaml", "x: [")
    cli("apply")
    problems = paragraphs(cli().out)["Problems"]
    assert len(problems) == summary.MOST + 1
    assert problems[-1] == "... and 3 more problems; `schedsync status` shows them"


def test_it_is_told_of_a_service_elsewhere_too(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    with cli.store() as store, serving(app_of(cli, store)) as url:
        said = cli.as_is("--server", url)
    assert said.code == Exit.OK
    assert said.out.startswith("service:   well: there leads, its last tick ")


def test_a_database_that_is_not_ours_is_a_failure(cli: CommandLine) -> None:
    cli.file.write_text(NO_DATABASE)
    failed = cli()
    assert (failed.code, failed.out) == (Exit.FAILURE, "")
    assert failed.err.startswith("schedsync: ")
