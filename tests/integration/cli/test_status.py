"""`schedsync status`: how the service is, and whether a revision is live yet."""

import threading
from collections.abc import Callable

import pytest

from schedsync.cli import status
from schedsync.cli.exits import Exit
from schedsync.cli.options import Options
from schedsync.parts import reconciler
from schedsync.status.views import StatusView
from tests.integration.cli.harness import HOURLY, CommandLine
from tests.integration.cli.serving import app_of, serving


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "BETWEEN", 0.01)
    monkeypatch.setattr(status, "SETTLED", 0.05)


def revision(cli: CommandLine) -> str:
    return str(cli("status", "--json").json["revision"]["attempted"])


def test_what_the_rows_say_is_shown(cli: CommandLine) -> None:
    cli.applied(a=HOURLY, b=HOURLY)
    cli("pause", "--all", "--reason", "close of books")
    told = cli("status")
    assert told.code == Exit.OK
    names = [line.partition(":")[0] for line in told.out.splitlines()]
    assert names == ["service", "revision", "paused", "jobs", "runs"]
    assert f"revision:  {revision(cli)} is live, last change " in told.out
    assert told.out.count("Z: close of books\n") == 1


def test_in_json_it_is_the_status_of_the_api(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    assert set(cli("status", "--json").json) == set(StatusView.model_fields)


def test_problems_and_held_removals_are_named(cli: CommandLine) -> None:
    cli.applied(**{f"job-{number:02}": HOURLY for number in range(12)})
    for path in cli.jobs.glob("job-*.yaml"):
        path.unlink()
    cli.write("bad.yaml", f"{HOURLY}tiemout: 5m\n")
    cli("apply")
    told = cli("status").out
    assert 'bad.yaml:3:1: unknown key "tiemout"' in told
    assert "! job-00  removal held: " in told
    assert "is not wholly live; the last that was: sha256:" in told


def test_a_revision_that_is_live_is_waited_for_no_longer(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    sha = revision(cli)
    waited = cli("status", "--wait", "--revision", sha)
    assert (waited.code, waited.out, waited.err) == (Exit.OK, f"{sha} is live\n", "")
    assert cli("status", "--wait", "--revision", sha[: len("sha256:") + 7], "--json").json["live"] is True


def test_the_label_of_a_revision_names_none(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    refused = cli("status", "--wait", "--revision", "sha256:")
    assert refused.code == Exit.USAGE
    assert "at least 7 characters behind sha256:" in refused.err


def test_a_revision_that_becomes_live_ends_the_wait(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    old = revision(cli)
    cli.applied(a=f"description: New\n{HOURLY}")
    new = revision(cli)
    cli.applied(a=HOURLY)
    assert revision(cli) == old
    applied = threading.Timer(0.2, _apply(cli, f"description: New\n{HOURLY}"))
    applied.start()
    waited = cli.as_is("status", "--wait", "--revision", new, "--timeout", "30s", *cli.options)
    applied.join()
    assert (waited.code, f"{new} is live" in waited.out) == (Exit.OK, True)


def _apply(cli: CommandLine, text: str) -> Callable[[], None]:
    """Return what makes the folder live as a service does, without printing."""

    def apply() -> None:
        cli.write("a.yaml", text)
        settings = Options(jobs=cli.jobs, database=cli.database).settings()
        with cli.store() as store:
            reconciler(settings, store).step()

    return apply


def test_a_revision_with_problems_ends_the_wait_as_a_failure_that_names_them(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    cli.write("a.yaml", f"{HOURLY}tiemout: 5m\n")
    cli("apply")
    sha = revision(cli)
    failed = cli("status", "--wait", "--revision", sha, "--timeout", "1h")
    assert failed.code == Exit.FAILURE
    assert failed.out.startswith('a.yaml:3:1: unknown key "tiemout"')
    assert failed.err == f"schedsync: {sha} has been looked at and is not wholly live, for 1 problem\n"
    told = cli("status", "--wait", "--revision", sha, "--json")
    assert (told.code, told.json["live"], len(told.json["status"]["problems"])) == (Exit.FAILURE, False, 1)


def test_the_time_is_over_some_day(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    late = cli("status", "--wait", "--revision", "0123456789", "--timeout", "1s")
    assert late.code == Exit.FAILURE
    assert late.err == f"schedsync: 0123456789 is not live after 1.0s; live is {revision(cli)}\n"


def test_a_database_that_is_not_there_yet_is_waited_for(cli: CommandLine) -> None:
    late = cli("status", "--wait", "--revision", "0123456789", "--timeout", "1s")
    assert late.code == Exit.FAILURE
    assert "is not live after 1.0s; there is no database at " in late.err
    assert not cli.file.exists()


def test_a_service_elsewhere_is_waited_for(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    with cli.store() as store, serving(app_of(cli, store)) as url:
        waited = cli.as_is("status", "--wait", "--revision", revision(cli), "--server", url)
        assert waited.code == Exit.OK
    late = cli.as_is("status", "--wait", "--revision", "0123456789", "--timeout", "1s", "--server", url)
    assert late.code == Exit.FAILURE
    assert "connection refused" in late.err


@pytest.mark.parametrize(
    "args", [["--wait"], ["--revision", "0123456789"], ["--wait", "--revision", "0123"], ["--timeout", "soon"]]
)
def test_what_does_not_go_together_is_wrong_usage(cli: CommandLine, args: list[str]) -> None:
    assert cli("status", *args).code == Exit.USAGE
