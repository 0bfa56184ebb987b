"""What a dead service leaves is found by the run's id, and ended."""

import os
import subprocess
import sys
from datetime import timedelta

from schedsync.executors.identity import is_known_dead, this_instance
from schedsync.executors.orphans import processes_of, terminate


def _sleeper(run_id: str, text: str = "echo up; exec sleep 60") -> subprocess.Popen[bytes]:
    environ = {"PATH": os.environ["PATH"], "SCHEDSYNC_RUN_ID": run_id}
    process = subprocess.Popen(["bash", "-c", text], env=environ, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    with process.stdout as output:
        output.readline()
    return process


def test_processes_are_found_by_the_run_they_belong_to() -> None:
    first, second = _sleeper("orphan-1"), _sleeper("orphan-2")
    assert processes_of(["orphan-1", "orphan-2", "orphan-3"]) == {"orphan-1": [first.pid], "orphan-2": [second.pid]}
    assert terminate(["orphan-1"], timedelta(seconds=5)) == {"orphan-1": 1}
    assert first.wait(5) == -15
    assert second.poll() is None
    assert terminate(["orphan-2"], timedelta(seconds=5)) == {"orphan-2": 1}
    second.wait(5)


def test_one_that_ignores_sigterm_is_killed_after_the_grace() -> None:
    stubborn = _sleeper("orphan-4", "trap '' TERM; echo up; while :; do sleep 0.1; done")
    assert terminate(["orphan-4"], timedelta(seconds=0.3))["orphan-4"] >= 1
    assert stubborn.wait(5) == -9


def test_a_process_is_known_dead_only_after_it_has_ended() -> None:
    code = "from schedsync.executors.identity import this_instance; print(this_instance('here'), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        owner = other.stdout.readline().strip()
        assert not is_known_dead(owner, "here")
        assert not is_known_dead(owner, "elsewhere")
    assert is_known_dead(owner, "here")
    assert not is_known_dead(owner, "elsewhere")
    assert not is_known_dead(this_instance("here"), "here")
    assert not is_known_dead("no instance", "here")
