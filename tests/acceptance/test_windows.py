"""The installation says when slots are not run, and when changes of the folder may become live."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.harness import Folder, Service, eventually


def test_slots_in_a_blackout_are_skipped_and_the_status_says_which_is_in_force(
    service: Service, folder: Folder
) -> None:
    service.settings = {
        "BLACKOUTS__CLOSING__CRON": "* * * * *",
        "BLACKOUTS__CLOSING__DURATION": "5m",
        "BLACKOUTS__CLOSING__JOBS": "erp.*",
        "BLACKOUTS__CLOSING__REASON": "books are closed",
    }
    folder.shell("erp.dump", "true")
    folder.shell("crm.dump", "true")
    service.start()
    eventually(lambda: service.ended("crm.dump", "succeeded"))
    (reason,) = eventually(lambda: {run["reason"] for run in service.runs("erp.dump")})
    assert reason == "blackout closing: books are closed"
    assert service.ended("erp.dump", "skipped") != []
    assert [blackout["name"] for blackout in service.get("/api/status")["blackouts"]] == ["closing"]
    assert service.ask("/api/jobs/erp.dump/run", {}, "POST")[0] == 202
    eventually(lambda: service.ended("erp.dump", "succeeded"))


@pytest.mark.timeout(240)
def test_a_change_waits_for_its_window_and_becomes_live_by_itself_when_it_opens(
    service: Service, folder: Folder
) -> None:
    folder.shell("job", "echo one")
    began = datetime.now(UTC)
    assert service.cli("apply").returncode == 0
    service.start()
    assert service.end() == 0
    # On a busy machine a start takes long; what is looked at before the window opens takes no longer than all of that.
    now = datetime.now(UTC).replace(microsecond=0)
    opens = now + timedelta(seconds=5) + 2 * (now - began)
    service.settings = {
        "JOBS__RESCAN": "1s",
        "SYNC_WINDOWS__NIGHT__KIND": "allow",
        "SYNC_WINDOWS__NIGHT__FROM": opens.isoformat(),
        "SYNC_WINDOWS__NIGHT__TO": (opens + timedelta(hours=1)).isoformat(),
    }
    service.start()
    folder.shell("job", "echo two")
    (held,) = eventually(lambda: service.get("/api/status")["held"])
    assert (held["job_id"], held["change"], held["window"]) == ("job", "update", "night")
    status = service.get("/api/status")
    assert status["revision"]["live"] != status["revision"]["attempted"]
    assert service.job("job")["spec"]["run"]["shell"].strip() == "echo one"
    eventually(lambda: service.job("job")["spec"]["run"]["shell"].strip() == "echo two", within=120)
    assert datetime.now(UTC) >= opens
    status = eventually(lambda: (found := service.get("/api/status"))["held"] == [] and found)
    assert status["revision"]["live"] == status["revision"]["attempted"]
    assert not [line for line in service.log if "another hand" in line]
