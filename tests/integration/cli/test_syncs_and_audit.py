"""`schedsync syncs` and `schedsync audit`: what changed, and who decided what."""

import getpass
import re

from schedsync.cli.exits import Exit
from schedsync.status.logs import DecisionView, SyncView
from tests.integration.cli.harness import HOURLY, CommandLine

WHO = f"cli:{getpass.getuser()}"


def _cells(cli: CommandLine, *args: str) -> list[list[str]]:
    """The cells of each row behind the time, none of which is empty or has two spaces in it."""
    return [re.split("  +", line)[1:] for line in cli(*args).out.splitlines()[1:]]


def test_each_step_says_which_jobs_it_changed(cli: CommandLine) -> None:
    cli.applied(a=HOURLY, b=HOURLY, c=HOURLY, d=HOURLY, e=HOURLY)
    cli.write("a.yaml", HOURLY.replace("1h", "2h"))
    (cli.jobs / "b.yaml").unlink()
    cli.write("new.yaml", f"renamed_from: c\n{HOURLY}")
    (cli.jobs / "c.yaml").unlink()
    assert cli("apply").code == Exit.OK
    assert [cells[2] for cells in _cells(cli, "syncs")] == ["~ a; ~ c -> new; - b", "+ a, b, c and 2 more"]


def test_a_step_that_only_found_mistakes_changed_nothing(cli: CommandLine) -> None:
    cli.write("a.yaml", "schedule: {every: 1x}\n")
    cli("apply")
    (cells,) = _cells(cli, "syncs")
    assert cells[2:] == ["nothing", "2", "-"]


def test_a_list_ends_where_it_is_told_to_and_in_json_says_how_to_go_on(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    cli.applied(b=HOURLY)
    view = cli("syncs", "-n", "1", "--json").json
    (sync,) = view["syncs"]
    assert set(sync) == set(SyncView.model_fields)
    assert (sync["changes"]["added"], sync["counts"]["added"], sync["complete"]) == (["b"], 1, True)
    assert view["next_cursor"]
    assert cli("syncs", "--json").json["next_cursor"] is None


def test_decisions_are_listed_with_who_and_why(cli: CommandLine) -> None:
    cli.applied(a=HOURLY, b=HOURLY)
    cli("pause", "a", "--reason", "close of books")
    cli("pause", "--all")
    cli("resume", "a")
    newest_first = [[WHO, "resume", "a", "-"], [WHO, "pause", "-", "-"], [WHO, "pause", "a", "close of books"]]
    assert _cells(cli, "audit") == newest_first


def test_decisions_over_one_job_in_json(cli: CommandLine) -> None:
    cli.applied(a=HOURLY, b=HOURLY)
    cli("pause", "a")
    cli("pause", "b")
    cli("resume", "a")
    view = cli("audit", "--job", "a", "-n", "1", "--json").json
    (entry,) = view["entries"]
    assert set(entry) == set(DecisionView.model_fields)
    assert (entry["job_id"], entry["action"], entry["actor"]) == ("a", "resume", WHO)
    assert view["next_cursor"]
    assert cli("audit", "--job", "nobody", "--json").json == {"entries": [], "next_cursor": None}
