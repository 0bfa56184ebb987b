"""An edit of a schedule while a slot is due: it stays where both schedules have it, and nothing else is fired."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from schedsync.plan.diff import diff
from schedsync.plan.due import keep_due, overtaken
from schedsync.plan.ops import Plan
from schedsync.plan.state import PruneGuard
from tests.builders import HOUR, NOW, located, observed, snapshot, store

HOURLY = {"cron": "0 * * * *"}


def edited(before: dict[str, Any], after: dict[str, Any], *, due: datetime, known: bool = True, **more: Any) -> Plan:
    """Return the plan for an edit of a job whose slot *due* nobody has claimed."""
    live = located(schedule=before)
    wanted = located(schedule=after, **more)
    row = observed(job=live, anchor_at=NOW - 100 * HOUR, next_fire_at=due)
    plan = diff(snapshot(wanted), store(row), now=NOW, guard=PruneGuard())
    return keep_due(plan, {live.spec.id: live.spec} if known else {}, NOW)


def next_fire(plan: Plan) -> datetime | None:
    (update,) = plan.update
    return update.next_fire_at


@pytest.mark.parametrize("due", [NOW - 3 * HOUR, NOW])
@pytest.mark.parametrize(
    "after",
    [
        {**HOURLY, "exclude": {"dates": ["2028-01-01"]}},
        {**HOURLY, "end": "2030-01-01"},
        {"cron": "0 0-23 * * *"},
        {"every": "1h"},
    ],
    ids=["a day off of another year", "an end to come", "other words", "another kind"],
)
def test_what_both_schedules_have_up_to_now_stays_due(after: dict[str, Any], due: datetime) -> None:
    plan = edited(HOURLY, after, due=due)
    assert next_fire(plan) == due
    assert overtaken(plan, NOW) == ()


@pytest.mark.parametrize(
    "after",
    [
        {"cron": "*/15 * * * *"},
        {**HOURLY, "exclude": {"dates": [f"{NOW - HOUR:%Y-%m-%d}"]}},
        {"cron": "0 */2 * * *"},
        {**HOURLY, "start": f"{NOW - HOUR:%Y-%m-%dT%H:%M}"},
    ],
    ids=["more slots since", "none of them", "fewer", "a start since"],
)
def test_a_schedule_that_has_others_begins_after_now(after: dict[str, Any]) -> None:
    found = next_fire(edited(HOURLY, after, due=NOW - 3 * HOUR))
    assert found is not None
    assert found > NOW


def test_a_slot_that_is_no_slot_of_the_old_schedule_is_not_kept() -> None:
    """As that of a boot, or one that another hand has written."""
    found = next_fire(edited(HOURLY, {**HOURLY, "end": "2030-01-01"}, due=NOW - timedelta(minutes=7)))
    assert found == NOW + HOUR


def test_nothing_is_kept_where_the_live_spec_is_not_known() -> None:
    assert next_fire(edited(HOURLY, {"every": "1h"}, due=NOW - HOUR, known=False)) == NOW + HOUR


def test_a_slot_that_is_to_come_is_for_the_new_schedule() -> None:
    plan = edited(HOURLY, {"cron": "30 * * * *"}, due=NOW + HOUR)
    assert overtaken(plan, NOW) == ()
    assert next_fire(plan) == NOW + HOUR / 2
