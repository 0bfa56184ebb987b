"""The alert rules: valid, about metrics that exist, each with a test and a page of what to do."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.expressions import check_expression
from tests.scrape import promtool

REPOSITORY = Path(__file__).parents[2]
PROMETHEUS = REPOSITORY / "deploy/prometheus"
RULES = PROMETHEUS / "schedsync.rules.yaml"
TESTS = sorted((PROMETHEUS / "tests").glob("*.yaml"))


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


NAMES = [rule["alert"] for rule in alerts()]


def expectations() -> list[tuple[str, bool]]:
    """Which alert is expected to fire, and which not to, in all tests together."""
    tests = [test for path in TESTS for test in yaml.safe_load(path.read_text())["tests"]]
    expected = [each for test in tests for each in test["alert_rule_test"]]
    return [(each["alertname"], bool(each["exp_alerts"])) for each in expected]


def test_promtool_finds_no_fault_with_the_rules() -> None:
    promtool("check", "rules", RULES)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_rules_fire_when_they_should_and_only_then(path: Path) -> None:
    promtool("test", "rules", path)


@pytest.mark.parametrize("name", NAMES)
def test_each_rule_is_tested_firing_and_not_firing(name: str) -> None:
    assert {fires for alert, fires in expectations() if alert == name} == {True, False}


@pytest.mark.parametrize("rule", alerts(), ids=NAMES)
def test_each_rule_is_about_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    check_expression(rule["expr"])


@pytest.mark.parametrize("rule", alerts(), ids=NAMES)
def test_each_rule_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    document, _, anchor = rule["annotations"]["runbook"].partition("#")
    sections = re.findall(r"^### (\w+)\n\n(.+)", (REPOSITORY / document).read_text(), re.MULTILINE)
    assert anchor == rule["alert"].lower()
    assert [name.lower() for name, text in sections if text].count(anchor) == 1


def test_the_runbook_has_no_alert_that_does_not_exist() -> None:
    sections = re.findall(r"^### (Schedsync\w+)$", (REPOSITORY / "docs/howto/monitor.md").read_text(), re.MULTILINE)
    assert sections == NAMES


def test_the_example_of_how_to_scrape_is_valid(tmp_path: Path) -> None:
    shown = (PROMETHEUS / "scrape.yaml").read_text()
    config = shown.replace("/etc/prometheus/schedsync.rules.yaml", str(RULES))
    assert config != shown
    (tmp_path / "prometheus.yml").write_text(config)
    promtool("check", "config", tmp_path / "prometheus.yml")
