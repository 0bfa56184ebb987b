"""A job gets its secret, says it in every way, its service is killed: and the secret is nowhere but in its file."""

from pathlib import Path

import pytest

from tests.acceptance.harness import Folder, Service, eventually

SECRET = "tiger-4711-forever"
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

_ENV = "  env: {SECRET: {file: ../secret}}\n"
_SAYINGS = {
    "at-once": 'echo "login as $SECRET"',
    "in-pieces": 'printf "${SECRET:0:5}"; sleep 0.2; printf %s "${SECRET:5}"',
    "much": 'for i in {1..20000}; do echo "$SECRET"; done',
    "traced": "set -x; : $SECRET; exit 3",
    "matching": 'echo "ORA-01017: $SECRET"',
    "traceback": "python3 -c 'import os; raise KeyError(os.environ[\"SECRET\"])'",
}


def _files_with(text: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def _job(folder: Folder, name: str, body: str, more: str = "") -> None:
    folder.shell(name, body, more=f"{_ENV}retry: {{attempts: 2, delay: 1s}}\n{more}")


def test_a_secret_is_nowhere_but_in_its_file(service: Service, folder: Folder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    for name, body in _SAYINGS.items():
        _job(folder, name, body, "fail_on_output: ORA-\n")
    begins = f'echo "$SECRET"; printf "${{SECRET:0:9}}"; touch {tmp_path}/$SCHEDSYNC_JOB_ID-said'
    _job(folder, "killed", f"{begins}; sleep 60")
    ends = f'until [ -e {tmp_path}/go ]; do sleep 0.05; done; printf %s "${{SECRET:9}}"; echo " $SECRET"'
    _job(folder, "adopted", f"{begins}; {ends}", "orphan: adopt\n")
    service.start(LOG_LEVEL="DEBUG")
    for name in _SAYINGS:
        eventually(lambda name=name: service.ended(name, "succeeded") or service.ended(name, "failed"))  # type: ignore[misc] # the loop's own name
    (run,) = service.ended("killed", "running")
    (adopted,) = service.ended("adopted", "running")
    for one in (run, adopted):
        eventually((tmp_path / f"{one['job_id']}-said").exists)
        eventually(lambda one=one: service.ask(f"/api/runs/{one['id']}/log")[1] == "[redacted]\n")  # type: ignore[misc] # the loop's own name
    service.kill()
    assert _files_with(SECRET[:9], tmp_path) == [secret]
    assert _files_with("[redacted]\n", service.home)
    service.start(LOG_LEVEL="DEBUG")
    eventually(lambda: service.ended("killed", "lost"))
    (tmp_path / "go").touch()
    eventually(lambda: [one for one in service.ended("adopted", "succeeded") if one["id"] == adopted["id"]])
    assert service.get(f"/api/runs/{adopted['id']}/log") == "[redacted]\n[redacted] [redacted]\n"
    shown = [service.ask(path)[1] for path in ("/api/status", "/api/jobs?limit=500")]
    for name in ("killed", "adopted", *_SAYINGS):
        shown += [service.job(name), service.runs(name), service.cli("jobs", name).stdout]
        shown += [service.ask(f"/api/runs/{run['id']}/log")[1] for run in service.runs(name)]
    service.end()
    assert "[redacted]" in str(shown)
    assert SECRET[:9] not in str(shown)
    assert SECRET[:9] not in "\n".join(service.log)
    assert _files_with(SECRET[:9], tmp_path) == [secret]


def test_a_secret_that_is_not_there_fails_the_run_and_one_that_changes_is_seen(
    service: Service, folder: Folder, tmp_path: Path
) -> None:
    _job(folder, "rotated", '[ "$SECRET" = new-one ]')
    service.start()
    (run, *_) = eventually(lambda: service.ended("rotated", "failed"))
    told = f'the file "{folder.path}/../secret" cannot be read: No such file or directory'
    assert run["reason"] == f"cannot be started: env.SECRET: {told}"
    assert run["started_at"] is None
    (tmp_path / "secret").write_text("new-one\n")
    eventually(lambda: service.ended("rotated", "succeeded"))


def test_jobs_can_name_variables_of_the_service_but_not_those_that_hold_its_passwords(
    service: Service, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_SECRET", "hunter2-of-erp")
    monkeypatch.setenv("ORDERS_TOKEN", SECRET)
    folder.shell("orders", 'echo "token $MINE"', more="  env: {MINE: {env: ORDERS_TOKEN}}\n")
    folder.shell("nosy", "true", more="  env: {MINE: {env: ERP_SECRET}}\n")
    service.start(CONNECTIONS__ERP__URL="postgresql://me@127.0.0.1:1/erp", CONNECTIONS__ERP__PASSWORD_ENV="ERP_SECRET")
    orders = eventually(lambda: service.ended("orders", "succeeded"))[0]
    assert service.get(f"/api/runs/{orders['id']}/log") == "token [redacted]\n"
    nosy = eventually(lambda: service.ended("nosy", "failed"))[0]
    hint = "set it where schedsync is started, or name another"
    assert nosy["reason"] == f'cannot be started: env.MINE: the service has no variable "ERP_SECRET" for jobs; {hint}'
