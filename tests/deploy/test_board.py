"""The Grafana board: it imports, and each panel is about metrics that exist."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.expressions import check_expression, exported
from tests.scrape import promtool

BOARD = json.loads((Path(__file__).parents[2] / "deploy/grafana/schedsync.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
TITLES = [panel["title"] for panel in PANELS]
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
VARIABLES = {"$__rate_interval": "5m", "$__range": "6h", "$job": "schedsync"}


def expressions(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


@pytest.mark.parametrize("panel", PANELS, ids=TITLES)
def test_each_panel_is_about_metrics_and_labels_that_exist(panel: dict[str, Any]) -> None:
    for expression in expressions(panel):
        check_expression(expression)


@pytest.mark.parametrize("panel", PANELS, ids=TITLES)
def test_each_panel_says_what_it_shows_of_the_data_source_that_is_chosen(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"]
    assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [DATASOURCE] * (
        1 + len(panel["targets"])
    )
    assert all('job=~"$job"' in expression for expression in expressions(panel))


def test_each_expression_is_valid(tmp_path: Path) -> None:
    rules = []
    for number, expression in enumerate(each for panel in PANELS for each in expressions(panel)):
        valid = expression
        for variable, value in VARIABLES.items():
            valid = valid.replace(variable, value)
        assert "$" not in valid
        rules.append({"record": f"panel:{number}", "expr": valid})
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "board", "rules": rules}]}))
    promtool("check", "rules", tmp_path / "rules.yaml")


def test_the_data_source_and_the_installation_are_chosen_on_the_board() -> None:
    variables = {variable["name"]: variable["type"] for variable in BOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "job": "query"}
    assert "id" not in BOARD  # Grafana gives one; with an id it would take the place of another board


def test_panels_have_numbers_of_their_own_and_do_not_lie_upon_each_other() -> None:
    everything = BOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    places = [panel["gridPos"] for panel in everything]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert [cell for cell, count in Counter(cells).items() if count > 1] == []
    assert max(x for x, _ in cells) < 24


def test_no_metric_of_ours_is_forgotten() -> None:
    shown = " ".join(expression for panel in PANELS for expression in expressions(panel))
    ours = {name for name in exported() if name.startswith("schedsync_") and not name.endswith(("_sum", "_count"))}
    assert {name for name in ours if name not in shown} == {"schedsync_leader_lease_token", "schedsync_stopping"}
