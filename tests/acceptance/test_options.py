"""What success is, and as whom and within which bounds jobs run, on a real service."""

import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.acceptance.harness import Folder, Service, eventually

_JOB = "id: {name}\nschedule: {{every: 1s}}\n{fields}run:\n  {action}\n"


def _put(folder: Folder, name: str, action: str, fields: str = "") -> None:
    folder.write(f"{name}.yaml", _JOB.format(name=name, action=action, fields=fields))


def _run_of_sleepers() -> set[str]:
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"987.4321" in (process / "cmdline").read_bytes():
                environment = dict(
                    entry.split(b"=", 1) for entry in (process / "environ").read_bytes().split(b"\0")[:-1]
                )
                found.add(environment[b"SCHEDSYNC_RUN_ID"].decode())
    return found


def test_a_run_succeeds_and_fails_as_its_job_says(service: Service, folder: Folder) -> None:
    _put(folder, "warned", "shell: exit 3", "success_exit_codes: [0, 3]\n")
    _put(folder, "matched", "shell: 'echo \"ORA-00942: no table\"'", "fail_on_output: 'ORA-\\d{5}'\n")
    _put(folder, "burning", "shell: 'while :; do :; done'\n  limits: {cpu: 1s}")
    service.start()
    warned = eventually(partial(service.ended, "warned", "succeeded"))[0]
    assert (warned["exit_code"], warned["reason"]) == (3, None)
    matched = eventually(partial(service.ended, "matched", "failed"))[0]
    assert matched["exit_code"] == 0
    assert matched["reason"] == 'output matches "ORA-\\d{5}": ORA-00942: no table'
    burning = eventually(partial(service.ended, "burning", "failed"))[0]
    assert burning["reason"] == "ended by signal 24 (SIGXCPU); its limits.cpu of 1s is used up"
    assert service.job("burning")["spec"]["run"]["limits"]["cpu"] == "1s"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_run_of_another_user_is_that_user_and_dies_with_a_killed_service(service: Service, folder: Folder) -> None:
    marks = Path(mkdtemp())  # the folders of pytest are for nobody else
    marks.chmod(0o777)
    body = f"shell: 'id -un > {marks}/$SCHEDSYNC_RUN_ID; exec sleep 987.4321'\n  user: daemon\n  umask: \"077\""
    _put(folder, "other", body, "retry: {attempts: 2, delay: 0s}\n")
    service.start()
    (first,) = eventually(lambda: [path for path in marks.iterdir() if path.read_text()])
    assert (first.read_text(), first.owner(), first.stat().st_mode & 0o777) == ("daemon\n", "daemon", 0o600)
    service.kill()
    service.start()
    lost = eventually(partial(service.ended, "other", "lost"))[0]
    assert lost["id"] == first.name
    second = eventually(partial(service.ended, "other", "running"))[0]
    assert second["attempt"] == 2
    eventually(lambda: _run_of_sleepers() == {second["id"]})
