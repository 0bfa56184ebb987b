"""Blackouts and sync windows on the command line: what waits, what is skipped, and what the doctor says of them."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schedsync.cli.exits import Exit
from schedsync.clock import rfc3339, utc_now
from tests.integration.cli.harness import HOURLY, CommandLine
from tests.integration.cli.test_doctor import finding

DAY = timedelta(days=1)


def configure(**groups: dict[str, Any]) -> None:
    """Write settings: each name is of a window, with ``__`` between its group and its own."""
    lines = []
    for name, values in groups.items():
        lines.append(f"[{name.replace('__', '.')}]")
        lines += [f"{field} = {json.dumps(value)}" for field, value in values.items()]
    Path("schedsync.toml").write_text("\n".join(lines) + "\n")


def span(begins: timedelta, ends: timedelta) -> dict[str, str]:
    now = utc_now().replace(microsecond=0)
    return {"from": rfc3339(now + begins), "to": rfc3339(now + ends)}


@pytest.fixture
def closed(cli: CommandLine) -> str:
    """A window that opens tomorrow for jobs of the ERP; return how that is said."""
    opens = span(DAY, 2 * DAY)
    configure(sync_windows__nights={"kind": "allow", "jobs": ["erp.*"], **opens})
    return f'waits for the sync window "nights", which opens {opens["from"]}'


def test_a_plan_shows_what_waits_and_until_when(cli: CommandLine, closed: str) -> None:
    cli.write("a.yaml")
    cli.write("erp/close.yaml")
    planned = cli("plan")
    assert planned.code == Exit.CHANGES
    assert planned.out.splitlines() == [
        "+ a  (a.yaml:1)",
        f"! erp.close  addition held: {closed}",
        "Plan: 1 to add, 1 held.",
    ]
    assert cli("plan", "--json").json["hold"] == [
        {"id": "erp.close", "file": "erp/close.yaml", "change": "addition", "window": "nights", "why": closed}
    ]


def test_what_waits_is_not_applied_until_a_person_says_so(cli: CommandLine, closed: str) -> None:
    cli.write("a.yaml")
    cli.write("erp/close.yaml")
    applied = cli("apply")
    assert applied.code == Exit.OK
    assert applied.out.splitlines()[1:] == [f"! erp.close  addition held: {closed}"]
    assert [row[0] for row in cli("jobs").rows] == ["a"]
    status = cli("status")
    assert f"! erp.close  addition held: {closed}" in status.out
    assert "is not wholly live" in status.out
    assert cli("status", "--json").json["held"][0]["window"] == "nights"
    assert cli("apply", "--ignore-windows").out.endswith(": 1 added, 1 unchanged.\n")
    assert [row[0] for row in cli("jobs").rows] == ["a", "erp.close"]
    assert "held" not in cli("status").out


def test_who_waits_for_a_revision_is_told_what_is_held(cli: CommandLine, closed: str) -> None:
    cli.write("erp/close.yaml")
    revision = cli("apply", "--json").json["revision"]
    waited = cli("status", "--wait", "--revision", revision, "--timeout", "30s")
    assert waited.code == Exit.FAILURE
    assert closed in waited.out
    assert "is not wholly live, for 1 held change" in waited.err


def test_a_blackout_in_force_is_one_line_of_the_status(cli: CommandLine) -> None:
    times = span(-DAY, DAY)
    configure(
        blackouts__year_end={**times, "reason": "books are closed", "jobs": ["erp.*"]},
        blackouts__later={**span(DAY, 2 * DAY)},
    )
    cli.applied(a=HOURLY)
    until = times["to"].replace("T", " ")
    assert f"blackout:  year_end until {until}, erp.*: books are closed" in cli("status").out
    assert cli("status", "--json").json["blackouts"] == [
        {"name": "year_end", "reason": "books are closed", "until": times["to"], "jobs": ["erp.*"], "tags": []}
    ]


def test_slots_that_a_blackout_skips_are_said_to_be(cli: CommandLine) -> None:
    configure(
        blackouts__backup={
            "cron": "0 2 * * *",
            "duration": "1h",
            "tags": ["erp"],
            "reason": "files are copied",
        }
    )
    cli.write("a.yaml", "tags: [erp]\nschedule: {cron: '30 1-3 * * *'}\nrun: {shell: a}\n")
    cli.write("b.yaml", "schedule: {cron: '30 2 * * *'}\nrun: {shell: a}\n")
    since = ("--from", "2026-11-24T00:00:00Z")
    assert cli("next", "-n", "3", *since).out.splitlines() == [
        "a  (30 1-3 * * *)",
        "  Tue 2026-11-24 01:30:00Z",
        "  Tue 2026-11-24 02:30:00Z  skipped: blackout backup: files are copied",
        "  Tue 2026-11-24 03:30:00Z",
        "b  (30 2 * * *)",
        "  Tue 2026-11-24 02:30:00Z",
        "  Wed 2026-11-25 02:30:00Z",
        "  Thu 2026-11-26 02:30:00Z",
    ]
    a, b = cli("next", "-n", "2", "--json", *since).json["jobs"]
    assert a["skipped"] == [{"at": "2026-11-24T02:30:00Z", "blackout": "backup"}]
    assert "skipped" not in b


def test_the_doctor_lists_windows_and_warns_of_those_that_do_nothing(cli: CommandLine) -> None:
    now, past, ahead = span(-DAY, DAY), span(-2 * DAY, -DAY), span(DAY, 2 * DAY)
    configure(
        blackouts__now={**now, "reason": "books are closed"},
        blackouts__past=past,
        blackouts__ever={"cron": "0 * * * *", "duration": "2h"},
        sync_windows__ahead={"kind": "allow", **ahead, "jobs": ["a*"]},
        sync_windows__nobody={"kind": "deny", **ahead, "jobs": ["erp.*"], "tags": ["books"]},
    )
    cli.write("a.yaml")
    found = finding(cli("doctor", "--json"), "windows")
    ends, opens = now["to"].replace("T", " "), ahead["from"].replace("T", " ")
    assert found["verdict"] == "warning"
    assert found["says"] == [
        f"now: blackout, all jobs; in force until {ends} (books are closed)",
        "past: blackout, all jobs; it is over and does not come any more; remove it",
        "ever: blackout, all jobs; in force, and no end of that is in sight",
        f"ahead: sync window that allows, a*; comes {opens}",
        f"nobody: sync window that denies, erp.*, tag books; no job of the folder is among them; comes {opens}",
    ]
    assert found["details"]["windows"][0] == {
        "name": "now",
        "kind": "blackout",
        "in_force": True,
        "ends_at": now["to"],
        "opens_at": None,
        "jobs": 1,
    }


def test_where_there_are_no_windows_the_doctor_says_so(cli: CommandLine) -> None:
    cli.write("a.yaml")
    assert finding(cli("doctor", "--json"), "windows")["says"] == ["none"]
