"""`schedsync queue`: what waits, as the rows say it."""

from datetime import timedelta

import pytest

from schedsync.cli.exits import Exit
from schedsync.runs.run import RunState
from schedsync.status.queue import QueuedRunView
from tests.integration.cli.harness import HOURLY, SLOT, CommandLine

GROUP = HOURLY + "group: erp\noverlap: queue\n"


@pytest.fixture
def waiting(cli: CommandLine) -> CommandLine:
    """A run of a group that is at it, two that wait for it, and one that waits for a place."""
    cli.applied(a=GROUP, b=GROUP, c=HOURLY)
    cli.ran("a", RunState.RUNNING)
    cli.ran("b", RunState.QUEUED, slot=SLOT + timedelta(hours=1))
    cli.ran("a", RunState.QUEUED, slot=SLOT + timedelta(hours=2))
    cli.ran("c", RunState.QUEUED)
    return cli


def test_what_waits_is_listed_with_what_it_waits_for(waiting: CommandLine) -> None:
    listed = waiting("queue")
    assert listed.code == Exit.OK
    heading, *rows = listed.out.splitlines()
    assert heading.split() == ["RUN", "JOB", "SCHEDULED", "ATTEMPT", "SINCE", "WAITS", "FOR"]
    assert [row.split()[1] for row in rows] == ["c", "b", "a"]
    assert rows[0].endswith("a place in processes")
    assert rows[1].endswith(" (a)")
    assert rows[2].endswith(" (a), 1 before it")


def test_a_group_with_more_places_by_the_settings_keeps_fewer_waiting(
    waiting: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDSYNC_GROUPS__ERP__MAX_RUNS", "2")
    kinds = [run["waiting_for"]["kind"] for run in waiting("queue", "--json").json["queue"]]
    assert kinds == ["capacity", "capacity", "overlap"]


def test_the_queue_in_json_is_the_shape_of_the_api(waiting: CommandLine) -> None:
    view = waiting("queue", "-n", "1", "--json").json
    assert (view["told_by"], view["total"], len(view["queue"])) == ("rows", 3, 1)
    assert set(view["queue"][0]) == set(QueuedRunView.model_fields)


def test_a_list_that_is_cut_says_how_many_there_are(waiting: CommandLine) -> None:
    assert waiting("queue", "-n", "1").err == "schedsync: 3 runs wait; -n shows more\n"


def test_nothing_waits(cli: CommandLine) -> None:
    cli.applied(a=HOURLY)
    assert cli("queue").rows == []
