"""A plan as text and as JSON."""

import json

import pytest

from schedsync.plan.changes import FieldChange, changes
from schedsync.plan.diff import diff
from schedsync.plan.ops import Plan
from schedsync.plan.render import summary, to_json, to_text
from schedsync.plan.state import PruneGuard, UnknownPath
from tests.builders import NOW, located, observed, snapshot, spec, store


@pytest.fixture
def plan() -> Plan:
    """A plan with everything that a plan can have."""
    folder = snapshot(
        located(id="added", line=3),
        located(id="edited", timeout="5m", tags=["erp"]),
        located(id="renamed", renamed_from="old", description="new name"),
        located(id="moved", file="sub/moved.yaml", line=9),
        located(id="stale"),
        located(id="same"),
        unknown=(UnknownPath("broken.yaml"),),
    )
    live = [observed(job=located(id=name)) for name in ("edited", "old", "moved", "same", "gone", "broken")]
    held = observed(job=located(id="precious", prune="confirm"))
    return diff(folder, store(*live, held, observed(job=located(id="stale"), stale=True)), now=NOW, guard=PruneGuard())


OLD = {"edited": spec(id="edited", timeout="1m"), "old": spec(id="old")}
HELD = "its last good spec says prune: confirm; `schedsync apply --allow-prune` removes it"


def test_a_plan_is_read_line_by_line(plan: Plan) -> None:
    assert to_text(plan, OLD) == [
        "+ added  (added.yaml:3)",
        "~ edited",
        '    tags: (default) -> ["erp"]',
        '    timeout: "1m" -> "5m"',
        "~ moved  now at sub/moved.yaml:9",
        "~ old -> renamed",
        '    id: "old" -> "renamed"',
        '    description: (default) -> "new name"',
        '    renamed_from: (default) -> "old"',
        "~ stale  to be as its file says again",
        "- gone  (gone.yaml)",
        f"! precious  removal held: {HELD}",
        "= broken  keeps its last good spec (broken.yaml)",
        "Plan: 1 to add, 1 to update, 1 to rename, 1 to move, 1 to heal, 1 to remove, 1 held, 1 stale, 1 unchanged.",
    ]


def test_a_plan_is_read_by_programs(plan: Plan) -> None:
    shown = to_json(plan, OLD)
    assert json.loads(json.dumps(shown)) == shown
    assert shown == {
        "revision": "r1",
        "add": ["added"],
        "update": [
            {
                "id": "edited",
                "fields": [
                    {"field": "tags", "old": None, "new": ["erp"]},
                    {"field": "timeout", "old": "1m", "new": "5m"},
                ],
            }
        ],
        "rename": [
            {
                "from": "old",
                "to": "renamed",
                "fields": [
                    {"field": "id", "old": "old", "new": "renamed"},
                    {"field": "description", "old": None, "new": "new name"},
                    {"field": "renamed_from", "old": None, "new": "old"},
                ],
            }
        ],
        "move": [{"id": "moved", "from": "moved.yaml", "to": "sub/moved.yaml"}],
        "heal": ["stale"],
        "remove": ["gone"],
        "hold": [{"id": "precious", "file": "precious.yaml", "change": "removal", "window": None, "why": HELD}],
        "keep": ["broken"],
        "unchanged": 1,
    }


def test_an_update_whose_old_spec_cannot_be_read_has_no_fields(plan: Plan) -> None:
    assert "~ edited" in to_text(plan, {})
    assert to_json(plan, {})["update"] == [{"id": "edited", "fields": []}]


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [(Plan(), "Plan: nothing to do."), (Plan(unchanged=3), "Plan: 3 unchanged.")],
    ids=["an empty folder", "nothing new"],
)
def test_a_plan_that_changes_nothing_says_so(plan: Plan, sentence: str) -> None:
    assert (summary(plan), to_text(plan, {})) == (sentence, [sentence])


def test_changes_are_named_field_by_field_in_the_order_of_the_model() -> None:
    old = spec(timeout="1m", schedule={"every": "1h"}, suspend=True)
    new = spec(description="x", timeout="60s", schedule={"cron": "@daily"})
    assert changes(old, new) == [
        FieldChange("description", None, "x"),
        FieldChange("schedule", [{"every": "1h"}], [{"cron": "@daily"}]),
        FieldChange("suspend", True, None),
    ]
