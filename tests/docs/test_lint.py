"""The reference of findings: each rule has a row, what the row shows is found, and what it advises is not."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schedsync.lint.finding import Rule
from schedsync.lint.folder import of_job
from tests.builders import spec

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
TEXT = (Path(__file__).parents[2] / "docs/reference/lint.md").read_text()
ROWS = {
    cells[1].strip(" `"): cells[2:-1]
    for line in TEXT.splitlines()
    if len(cells := line.split("|")) == 7 and cells[1].startswith(" `")
}
CRON = re.compile(r"`([*0-9H](?:[^ `]* ){4,5}[^ `]+)`")


def crons(column: int) -> list[tuple[Rule, str]]:
    """Return the expressions in a column, each with the rule of its row; those of herds are no herd alone."""
    rows = ((Rule(name), cells) for name, cells in ROWS.items() if name != Rule.HERD)
    return [(rule, text) for rule, cells in rows for text in CRON.findall(cells[column])]


def rules(cron: str) -> set[Rule]:
    return {found.rule for found in of_job(spec(schedule={"cron": cron, "timezone": "Europe/Berlin"}), NOW)}


def test_each_rule_has_a_row_and_each_row_is_a_rule() -> None:
    assert list(ROWS) == [rule.value for rule in Rule]


@pytest.mark.parametrize(("rule", "cron"), crons(1))
def test_what_is_shown_is_found(rule: Rule, cron: str) -> None:
    assert rule in rules(cron)


@pytest.mark.parametrize(("rule", "cron"), [each for each in crons(3) + crons(2) if each[1] != "0 0 1-7 * mon"])
def test_what_is_advised_is_not(rule: Rule, cron: str) -> None:
    assert rule not in rules(cron)
