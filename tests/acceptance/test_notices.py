"""People are told of the first failure and of the recovery: by a real service, over crashes and hanging servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.harness import Folder, Service, eventually
from tests.listeners import free_port, silent_listener
from tests.receivers import Web, web_server

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql", "oracle"], indirect=True)


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as server:
        yield server


def _ends_as_the_file_says(folder: Folder, job_id: str, more: str) -> Path:
    """Put a job there that fails while a file exists, and return that file."""
    failing = folder.path.parent / f"{job_id}-fails"
    failing.touch()
    folder.shell(job_id, f"echo told you so; ! test -e {failing}", more=more)
    return failing


def _events(web: Web) -> list[str]:
    return [each.json["event"] for each in web.received]


def test_several_failures_and_a_recovery_are_two_notices_also_over_a_restart(
    service: Service, folder: Folder, web: Web
) -> None:
    failing = _ends_as_the_file_says(folder, "job", "notify: {to: hook}\n")
    service.settings = {"CHANNELS__HOOK__URL": web.url, "API__PUBLIC_URL": "https://sched.example.com"}
    service.start()
    eventually(lambda: len(service.ended("job", "failed")) >= 2)
    service.kill()
    service.start()
    before = len(service.ended("job", "failed"))
    eventually(lambda: len(service.ended("job", "failed")) > before)
    failing.unlink()
    eventually(lambda: len(service.ended("job", "succeeded")) >= 2 and len(web.received) >= 2)
    assert _events(web) == ["failed", "recovered"]
    said = web.received[0].json
    first = min(service.ended("job", "failed"), key=lambda run: run["scheduled_at"])
    assert (said["run"], said["slot"], said["reason"]) == (first["id"], first["scheduled_at"], first["reason"])
    assert said["url"] == f"https://sched.example.com/api/runs/{first['id']}"
    assert "told you so" in said["body"]


def test_what_was_settled_and_not_sent_before_kill_9_is_sent_by_the_next_start(
    service: Service, folder: Folder
) -> None:
    port = free_port()
    _ends_as_the_file_says(folder, "job", "notify: {to: hook}\n")
    service.settings = {"CHANNELS__HOOK__URL": f"http://127.0.0.1:{port}"}
    service.start()
    eventually(lambda: service.get("/api/status")["notices"] == {"pending": 1, "failed": 0})
    eventually(lambda: [line for line in service.log if "takes no notices" in line])
    service.kill()
    with web_server(port) as web:
        service.start()
        eventually(lambda: web.received, within=60)
        eventually(lambda: service.get("/api/status")["notices"] == {"pending": 0, "failed": 0})
        assert _events(web) == ["failed"]


def test_who_leads_next_tells_nothing_again_and_does_not_forget_the_recovery(
    service: Service, folder: Folder, web: Web, tmp_path: Path
) -> None:
    failing = _ends_as_the_file_says(folder, "job", "notify: {to: hook}\n")
    service.settings = {"CHANNELS__HOOK__URL": web.url, "LEASE__TTL": "3s", "NODE": "first"}
    service.start()
    eventually(lambda: web.received)
    (tmp_path / "other").mkdir()
    other = Service(tmp_path / "other", folder.path, service.database)
    other.settings = service.settings | {"NODE": "second"}
    try:
        other.start()
        service.kill()
        before = len(other.ended("job", "failed"))
        eventually(lambda: len(other.ended("job", "failed")) > before, within=30)
        failing.unlink()
        eventually(lambda: len(other.ended("job", "succeeded")) >= 2 and len(web.received) >= 2)
    finally:
        other.close()
    assert _events(web) == ["failed", "recovered"]


def test_a_channel_that_hangs_delays_neither_jobs_nor_other_channels(
    service: Service, folder: Folder, web: Web
) -> None:
    with silent_listener() as port:
        service.settings = {
            "CHANNELS__HANGS__URL": f"http://127.0.0.1:{port}",
            "CHANNELS__HANGS__TIMEOUT": "2s",
            "CHANNELS__HOOK__URL": web.url,
        }
        for name in ("a", "b"):
            _ends_as_the_file_says(folder, name, "notify: {to: [hangs, hook]}\n")
        service.start()
        eventually(lambda: sorted(each.json["job"] for each in web.received) == ["a", "b"])
        eventually(lambda: len(service.ended("a", "failed")) >= 4)
        eventually(lambda: [line for line in service.log if "takes no notices" in line])
        assert service.end() == 0
    assert len([line for line in service.log if "takes no notices" in line]) == 1


def test_a_channel_that_there_is_not_is_said_with_what_to_write(service: Service, folder: Folder) -> None:
    _ends_as_the_file_says(folder, "job", "notify: {to: nosuch}\n")
    service.start()
    eventually(lambda: [line for line in service.log if "notices are given up" in line])
    eventually(lambda: service.get("/api/status")["notices"] == {"pending": 0, "failed": 1})
    listed = service.cli("notify", "list", "--state", "failed").stdout
    assert 'the settings have no channel "nosuch" (they have none); write [channels.nosuch]' in listed


def test_a_slot_that_does_not_end_in_time_and_a_job_that_does_not_succeed_are_told_once(
    service: Service, folder: Folder, web: Web
) -> None:
    service.settings = {"CHANNELS__HOOK__URL": web.url}
    notify = "notify: {to: hook, on: [late]}\n"
    folder.shell("slow", "sleep 60", schedule="{every: 1s}", more=f"kill_grace: 1s\nlate_after: 2s\n{notify}")
    failing = _ends_as_the_file_says(folder, "vain", f"max_time_since_success: 1s\n{notify}")
    service.start()
    eventually(lambda: {each.json["job"] for each in web.received} >= {"slow"})
    (running,) = service.ended("slow", "running")
    assert running["late"] is True
    assert "running, late" in service.cli("runs", "slow").stdout
    service.kill()  # who leads next looks at the jobs at once
    service.start()
    eventually(lambda: service.job("vain")["overdue_since"])
    eventually(lambda: {each.json["job"] for each in web.received} == {"slow", "vain"})
    assert "active, overdue" in service.cli("jobs").stdout
    said = {each.json["job"]: each.json for each in web.received}
    assert said["slow"]["reason"] == "it has not ended 2s after its time"
    assert said["vain"]["reason"].startswith("it has not succeeded for 1s, not since ")
    failing.unlink()
    eventually(lambda: service.job("vain")["overdue_since"] is None)
    slots = [each.json["slot"] for each in web.received if each.json["job"] == "slow"]
    assert len(slots) == len(set(slots))
    assert [each.json["job"] for each in web.received].count("vain") == 1


def test_what_fails_during_the_grace_of_a_stop_is_told_before_the_service_has_gone(
    service: Service, folder: Folder, web: Web
) -> None:
    service.settings = {"CHANNELS__HOOK__URL": web.url}
    ends = folder.path.parent / "ends"
    wait = f"while ! test -e {ends}; do sleep 0.1; done; sleep 1; exit 3"
    folder.shell("job", wait, schedule="{every: 1s}", more="notify: {to: hook}\n")
    folder.shell("other", "sleep 4", schedule="{every: 1s}")
    service.start(RUNNER__SHUTDOWN_GRACE="20s")
    eventually(lambda: service.ended("job", "running") and service.ended("other", "running"))
    ends.touch()
    assert service.end() == 0
    assert _events(web) == ["failed"]


def test_a_run_that_somebody_asked_for_is_late_as_a_slot_is(service: Service, folder: Folder, web: Web) -> None:
    service.settings = {"CHANNELS__HOOK__URL": web.url}
    more = "kill_grace: 1s\nlate_after: 1s\nnotify: {to: hook}\n"
    folder.shell("asked", "sleep 60", schedule="{every: 1h}", more=more)
    service.start()
    eventually(lambda: "asked" in service.job_ids())
    assert service.cli("trigger", "asked").returncode == 0
    eventually(lambda: _events(web) == ["late"])
    (running,) = service.ended("asked", "running")
    assert (running["late"], running["cause"]) == (True, "manual")


def test_a_monitor_is_pinged_at_the_start_and_at_the_end_and_by_the_next_start_for_what_was_lost(
    service: Service, folder: Folder, web: Web
) -> None:
    (folder.path / "hc").write_text(f"{web.url}/lost\n")
    folder.shell("good", "echo fine", more=f"healthcheck: {web.url}/good\n")
    folder.shell("bad", "exit 3", more=f"healthcheck: {web.url}/bad\nretry: {{attempts: 2, delay: 0s}}\n")
    folder.shell("lost", "sleep 60", more="healthcheck: {file: hc}\n")
    service.start()

    def told() -> set[str]:
        return {path.partition("?")[0] for path in web.paths}

    eventually(lambda: told() >= {"/good/start", "/good", "/bad/start", "/bad/fail", "/lost/start"})
    bodies = {each.path.partition("?")[0]: each.body for each in web.received}
    assert (bodies["/good"], bodies["/bad/fail"]) == (b"fine\n", b"exit code 3; gave up after 2 attempts")
    eventually(lambda: len([run for run in service.ended("bad", "failed") if run["attempt"] == 2]) >= 2)
    fails = [path for path in web.paths if path.startswith("/bad/fail")]
    starts = [path for path in web.paths if path.startswith("/bad/start")]
    assert len(fails) <= len(starts) / 2 + 1
    assert "/lost/fail" not in told()
    service.kill()
    service.start()
    eventually(lambda: "/lost/fail" in told())
