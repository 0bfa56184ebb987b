"""How a job stands that has no slot by a clock."""

from typing import Any

import pytest

from schedsync.runs.pause import Pause
from schedsync.status.standing import standing
from schedsync.status.views import standing_view
from schedsync.store.jobs import StoredJob
from tests.builders import NOW, located, observed

REBOOT = {"schedule": {"cron": "@reboot"}}
AT_ONCE = {"schedule": {"at": "2020-01-01"}}


@pytest.mark.parametrize(
    ("job", "paused", "state"),
    [
        pytest.param(REBOOT, False, "active", id="it waits for the service to start"),
        pytest.param(REBOOT, True, "paused", id="a pause"),
        pytest.param({**REBOOT, "suspend": True}, False, "suspended", id="suspended"),
        pytest.param({"after": {"other": "succeeded"}}, False, "active", id="it runs after another one"),
        pytest.param(AT_ONCE, False, "finished", id="its only time has passed"),
        pytest.param({"schedule": [{"at": "2020-01-01"}, {"cron": "@reboot"}]}, False, "active", id="that, and a boot"),
    ],
)
def test_it_is_finished_only_if_nothing_else_starts_it(job: dict[str, Any], state: str, *, paused: bool) -> None:
    place = located(**job)
    stored = StoredJob(observed(job=place, next_fire_at=None), place.spec, "r1")
    pauses = {"job": Pause("job", "ann", NOW)} if paused else {}
    view = standing_view(standing(stored, pauses), NOW)
    assert (view.state, view.next_fire_at) == (state, None)
    assert view.at_boot is ("@reboot" in str(job))
