"""What a dead service leaves is found by the run's id, and ended."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from schedsync.executors import identity, orphans
from schedsync.executors.identity import is_known_dead, process_name, this_instance
from schedsync.executors.orphans import processes_of, send, terminate


def _named(name: str) -> str:
    """Return an id of this test session's own: processes are ended by their run's id, wherever they come from."""
    return f"{name}-{os.getpid()}"


@contextmanager
def _sleeper(run_id: str, text: str = "echo up; exec sleep 60") -> Iterator[subprocess.Popen[bytes]]:
    environ = {"PATH": os.environ["PATH"], "SCHEDSYNC_RUN_ID": run_id}
    process = subprocess.Popen(["bash", "-c", text], env=environ, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    with process.stdout as output:
        output.readline()
        try:
            yield process
        finally:
            process.kill()
            process.wait(5)


def test_processes_are_found_by_the_run_they_belong_to() -> None:
    with _sleeper(_named("orphan-1")) as first, _sleeper(_named("orphan-2")) as second:
        wanted = [_named("orphan-1"), _named("orphan-2"), _named("orphan-3")]
        assert processes_of(wanted) == {_named("orphan-1"): [first.pid], _named("orphan-2"): [second.pid]}
        assert terminate([_named("orphan-1")], timedelta(seconds=5)) == {_named("orphan-1"): 1}
        assert first.wait(5) == -15
        assert second.poll() is None
        assert terminate([_named("orphan-2")], timedelta(seconds=5)) == {_named("orphan-2"): 1}


def test_a_run_is_found_by_its_whole_id_only() -> None:
    with _sleeper(_named("orphan-11")):
        whole = _named("orphan-11")
        assert processes_of([whole[:-1], whole[1:], f"{whole}1"]) == {}


def test_children_that_left_the_session_are_found_and_zombies_are_not() -> None:
    with _sleeper(_named("orphan-5"), "(exec setsid sleep 60) & echo up; exec sleep 60") as leader:
        leader.kill()
        os.waitid(os.P_PID, leader.pid, os.WEXITED | os.WNOWAIT)
        assert len(processes_of([_named("orphan-5")])[_named("orphan-5")]) == 1
        assert terminate([_named("orphan-5")], timedelta(seconds=5)) == {_named("orphan-5"): 1}
        assert processes_of([_named("orphan-5")]) == {}


def test_the_session_of_a_run_counts_whatever_its_environment() -> None:
    text = "set -m; env -i bash -c 'echo up; exec sleep 60' & exec sleep 60"
    with _sleeper(_named("orphan-6"), text) as leader:
        assert len(processes_of([_named("orphan-6")])[_named("orphan-6")]) == 1
        found = processes_of([_named("orphan-6")], {leader.pid: _named("orphan-6")})[_named("orphan-6")]
        assert len(found) == 2
        send(found, _named("orphan-6"), signal.SIGKILL, leader.pid)
        deadline = time.monotonic() + 5
        while processes_of([_named("orphan-6")], {leader.pid: _named("orphan-6")}):
            assert time.monotonic() < deadline


def test_a_process_that_is_not_of_the_run_is_not_signalled() -> None:
    with _sleeper(_named("orphan-7")) as other:
        send([other.pid], _named("orphan-8"), signal.SIGKILL)
        assert processes_of([_named("orphan-7")]) == {_named("orphan-7"): [other.pid]}


def test_this_process_is_never_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    with _sleeper(_named("orphan-9")) as other:
        monkeypatch.setattr(os, "getpid", lambda: other.pid)
        assert processes_of([_named("orphan-9")]) == {}


def test_one_that_ignores_sigterm_is_killed_after_the_grace() -> None:
    with _sleeper(_named("orphan-4"), "trap '' TERM; echo up; while :; do sleep 0.1; done") as stubborn:
        assert terminate([_named("orphan-4")], timedelta(seconds=0.3))[_named("orphan-4")] >= 1
        assert stubborn.wait(5) == -9


def test_without_pidfds_processes_are_signalled_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    with _sleeper(_named("orphan-10")) as process:
        assert terminate([_named("orphan-10")], timedelta(seconds=5)) == {_named("orphan-10"): 1}
        assert process.wait(5) == -15


@contextmanager
def _without_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_out_of_descriptors_is_not_the_same_as_nobody_there() -> None:
    with _without_descriptors(), pytest.raises(OSError, match="Too many open files"):
        processes_of([_named("orphan-1")])


def test_where_there_is_no_proc_nothing_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(orphans, "_PROC", tmp_path)
    assert processes_of([_named("orphan-1")]) == {}
    assert terminate([_named("orphan-1")], timedelta(0)) == {}


@contextmanager
def _instance() -> Iterator[str]:
    """The name of an instance that lives until the block ends."""
    code = "from schedsync.executors.identity import this_instance; print(this_instance('here'), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        yield other.stdout.readline().strip()


def test_a_process_is_known_dead_only_after_it_has_ended() -> None:
    with _instance() as owner:
        assert not is_known_dead(owner, "here")
        assert not is_known_dead(owner, "elsewhere")
    assert is_known_dead(owner, "here")
    assert not is_known_dead(owner, "elsewhere")
    assert not is_known_dead(this_instance("here"), "here")
    assert not is_known_dead("no instance", "here")
    assert not is_known_dead("here/a machine/no pid/1", "here")


def test_a_process_whose_pid_has_gone_to_another_one_is_known_dead() -> None:
    name, started = this_instance("here").rsplit("/", 1)
    assert is_known_dead(f"{name}/{int(started) - 1}", "here")


def test_a_process_that_its_parent_has_not_asked_about_yet_is_known_dead() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        owner = f"here/{process_name(child.pid)}"
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert is_known_dead(owner, "here")


def test_a_process_of_another_boot_may_live_on_another_machine_of_the_same_name() -> None:
    with _instance() as owner:
        pass
    node, machine, *process = owner.split("/")
    namespace = machine.partition(".")[2]
    assert not is_known_dead("/".join([node, f"01234567.{namespace}", *process]), "here")


def test_nobody_is_known_dead_by_who_is_out_of_descriptors() -> None:
    with _instance() as owner, _without_descriptors():
        assert not is_known_dead(owner, "here")


def test_what_could_not_be_read_when_a_name_was_made_proves_no_death() -> None:
    with _without_descriptors():
        owner = this_instance("here")
        assert not is_known_dead(owner, "here")
    assert not is_known_dead(owner, "here")
    machine = this_instance("here").split("/")[1]
    assert not is_known_dead(f"here/{machine}/{os.getpid()}/0", "here")


def test_a_process_that_is_hidden_from_others_is_known_dead_only_after_it_has_ended(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    boot_id = tmp_path / "sys/kernel/random/boot_id"
    boot_id.parent.mkdir(parents=True)
    boot_id.write_bytes(Path("/proc/sys/kernel/random/boot_id").read_bytes())
    (tmp_path / "self").symlink_to("/proc/self")
    with _instance() as owner:
        monkeypatch.setattr(identity, "_PROC", tmp_path)
        assert not is_known_dead(owner, "here")
    assert is_known_dead(owner, "here")
