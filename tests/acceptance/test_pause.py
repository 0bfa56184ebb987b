"""An operator pauses; the pause outlives edits and restarts, and ends by itself."""

from datetime import UTC, datetime, timedelta

from tests.acceptance.harness import Folder, Service, eventually


def test_a_pause_survives_an_edit_and_a_restart_and_ends_at_its_time(service: Service, folder: Folder) -> None:
    folder.shell("job", "echo one")
    began = datetime.now(UTC)
    service.start()
    eventually(lambda: service.ended("job", "succeeded"))
    took = datetime.now(UTC) - began  # a restart within the pause takes as long again, or longer on a busy machine
    until = (datetime.now(UTC) + timedelta(seconds=6) + 3 * took).replace(microsecond=0)
    paused = service.post(
        "/api/jobs/job/pause", {"reason": "storage is being moved", "until": until.isoformat().replace("+00:00", "Z")}
    )
    assert paused["state"] == "paused"
    folder.shell("job", "echo two")
    eventually(lambda: service.job("job")["spec"]["run"]["shell"].strip() == "echo two")
    service.end()
    service.start()
    job = service.job("job")
    assert job["state"] == "paused"
    assert job["pause"]["reason"] == "storage is being moved"
    assert datetime.fromisoformat(job["pause"]["until"]) == until
    eventually(lambda: [r for r in service.runs("job") if r["state"] == "skipped" and r["reason"] == "paused"])
    eventually(lambda: datetime.now(UTC) >= until, within=(until - began).total_seconds())
    resumed = eventually(
        lambda: [r for r in service.ended("job", "succeeded") if datetime.fromisoformat(r["scheduled_at"]) >= until]
    )
    assert service.job("job")["state"] == "active"
    assert resumed
    inside = [
        r
        for r in service.runs("job")
        if datetime.fromisoformat(job["pause"]["since"]) < datetime.fromisoformat(r["scheduled_at"]) < until
    ]
    assert {r["state"] for r in inside} == {"skipped"}
    assert len(inside) >= 6


def test_everything_can_be_paused_from_the_command_line_and_resumed_over_http(service: Service, folder: Folder) -> None:
    folder.shell("job", "true")
    service.start()
    eventually(lambda: service.ended("job", "succeeded"))
    assert service.cli("pause", "--all", "--reason", "night shift").returncode == 0
    eventually(lambda: [r for r in service.runs("job") if r["reason"] == "paused"])
    status = service.get("/api/status")
    assert status["paused"]["reason"] == "night shift"
    assert status["counts"]["paused"] == 1
    service.post("/api/resume")
    seen = len(service.ended("job", "succeeded"))
    eventually(lambda: len(service.ended("job", "succeeded")) > seen)
    assert service.get("/api/status")["paused"] is None
