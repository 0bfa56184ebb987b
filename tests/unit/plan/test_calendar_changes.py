"""An edit of a calendar, as a plan shows it: what has changed, and not all that is in it."""

from typing import Any

import pytest

from schedsync.plan.diff import diff
from schedsync.plan.ops import Update
from schedsync.plan.render import to_json, to_text
from schedsync.plan.state import Located, Observed, PruneGuard, Source
from schedsync.specs.calendars import CONTEXT, Calendar, Calendars
from schedsync.specs.fingerprint import schedule_digest, spec_digest
from schedsync.specs.job import JobSpec
from tests.builders import NOW, document, observed, snapshot

WEEKEND: dict[str, Any] = {"weekdays": ["sat", "sun"]}


def job(rules: dict[str, Any], **schedule: Any) -> Located:
    """Return a job that a calendar "holidays" and one that includes it concern."""
    holidays = Calendar.model_validate({"name": "holidays", **rules})
    known = {"holidays": holidays, "free": Calendar(name="free", include=(holidays,)), "weekend": Calendar(**WEEKEND)}
    given = {"cron": "0 6 * * *", "exclude": ["free"], **schedule}
    spec = JobSpec.model_validate(document(schedule=given), context={CONTEXT: Calendars(known)})
    return Located(spec, Source("job.yaml", 1), spec_digest(spec), schedule_digest(spec))


def shown(before: Located, after: Located) -> list[str]:
    plan = diff(snapshot(after), Observed({"job": observed(job=before)}), now=NOW, guard=PruneGuard())
    assert all(isinstance(update, Update) for update in plan.update)
    assert bool(to_json(plan, {"job": before.spec})["update"][0]["fields"])
    return to_text(plan, {"job": before.spec})[1:-1]


CASES: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"yearly": ["12-25"]}, {"yearly": ["12-25", "12-26"]}, "calendar holidays: yearly + 12-26"),
    ({"dates": ["2026-12-24"]}, {"weekdays": ["fri"]}, "calendar holidays: dates - 2026-12-24; weekdays + fri"),
    (
        {"ranges": [{"from": "2026-12-24", "to": "2026-12-31"}]},
        {"ranges": [{"from": "2026-12-23", "to": "2026-12-31"}]},
        "calendar holidays: ranges + 2026-12-23 to 2026-12-31 - 2026-12-24 to 2026-12-31",
    ),
    (
        {"dates": ["2026-12-24"]},
        {"dates": ["2026-12-24"], "exclude": [{"dates": ["2027-12-24"]}]},
        'calendar holidays: exclude + {"dates": ["2027-12-24"]}',
    ),
    (
        {"dates": ["2026-12-24"]},
        {"dates": [f"2026-12-{day}" for day in range(10, 25)]},
        "calendar holidays: dates + 2026-12-10, 2026-12-11, 2026-12-12, 2026-12-13, 2026-12-14, 2026-12-15 and 8 more",
    ),
]


@pytest.mark.parametrize(("before", "after", "line"), CASES, ids=[line for _, _, line in CASES])
def test_what_has_changed_in_a_calendar_is_shown(before: dict[str, Any], after: dict[str, Any], line: str) -> None:
    assert shown(job(before), job(after)) == [f"    {line}"]


def test_a_schedule_is_shown_with_the_names_of_its_calendars() -> None:
    rules = {"yearly": ["12-25"]}
    assert shown(job(rules), job({"yearly": ["12-26"]}, cron="0 7 * * *")) == [
        '    schedule: [{"exclude": ["free"], "cron": "0 6 * * *"}] -> [{"exclude": ["free"], "cron": "0 7 * * *"}]',
        "    calendar holidays: yearly + 12-26 - 12-25",
    ]
