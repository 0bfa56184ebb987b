"""A person runs a job now: from the command line or over HTTP, also one that is paused, and also across a crash."""

from tests.acceptance.harness import Folder, Service, eventually

YEARLY = "{cron: '0 0 1 1 *'}"


def test_a_paused_job_is_run_by_hand_and_stays_paused(service: Service, folder: Folder) -> None:
    folder.shell("job", 'echo "by hand"', schedule=YEARLY)
    service.start()
    eventually(service.job_ids)
    service.post("/api/jobs/job/pause", {"reason": "the export is broken"})
    status, asked = service.ask("/api/jobs/job/run", {"reason": "it is mended"}, "POST")
    assert (status, asked["state"], asked["cause"]) == (202, "queued", "manual")
    (ran,) = eventually(lambda: service.ended("job", "succeeded"), within=5.0)
    assert (ran["id"], ran["ask_reason"]) == (asked["id"], "it is mended")
    waited = service.cli("trigger", "job", "--wait", "--reason", "once more")
    assert (waited.returncode, waited.stdout.split()[-1]) == (0, "succeeded"), waited.stderr
    assert "once more" in service.cli("runs", "job").stdout
    assert service.job("job")["state"] == "paused"


def test_what_is_asked_for_while_no_service_runs_waits_for_the_next_one(service: Service, folder: Folder) -> None:
    folder.shell("job", "echo done", schedule=YEARLY)
    service.start()
    eventually(service.job_ids)
    service.kill()
    assert service.cli("trigger", "job").returncode == 0
    assert " queued " in service.cli("runs", "job").stdout
    service.start()
    eventually(lambda: service.ended("job", "succeeded"))
    assert len(service.runs("job")) == 1
