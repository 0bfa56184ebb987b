"""As whom and within which bounds real processes run, and what is said when that cannot be had."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schedsync.errors import UnavailableConfinementError, UnresolvedReferenceError
from schedsync.executors.base import Engine, Launch
from schedsync.executors.kept import keep
from schedsync.executors.prepare import inherited, prepare
from schedsync.runs.outcome import Outcome
from schedsync.runs.run import RunState
from tests.builders import run, spec
from tests.integration.executors.conftest import LIMITS, RUN, Remembering

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
NOT_AS_ROOT = pytest.mark.skipif(os.geteuid() == 0, reason="root may do anything")
HERE = {"PATH": os.environ["PATH"], "HOME": "/root"}


def _prepared(folder: Path, environ: Mapping[str, str] = HERE, **action: Any) -> Launch:
    return prepare(run(id=RUN), spec(run=action, kill_grace="1s"), folder, inherited(environ))


@pytest.fixture
def execute(engine: Engine, listener: Remembering, tmp_path: Path) -> Any:
    def execute(shell: str, **options: Any) -> Outcome:
        engine.launch(_prepared(tmp_path, shell=shell, **options))
        return listener.end()

    return execute


def _text(outcome: Outcome) -> str:
    return outcome.output.head.decode()


def test_limits_niceness_and_mask_are_set_at_once(execute: Any, tmp_path: Path) -> None:
    limits = {"memory": "1GiB", "cpu": "10m", "files": 99, "file_size": "1GiB", "core": 0}
    words = (
        "ulimit -Sv; ulimit -Hv; ulimit -St; ulimit -Ht; ulimit -Sn; ulimit -Hn; ulimit -Sf; ulimit -Hc; nice; umask"
    )
    outcome = execute(words, limits=limits, nice=5, umask="027")
    assert outcome.state is RunState.SUCCEEDED
    niceness, words = os.nice(0) + 5, "1048576 1048576 600 605 99 99 1048576 0"
    assert _text(outcome).split() == [*words.split(), str(niceness), "0027"]


def test_the_run_is_the_process_itself_and_sees_its_marks(execute: Any) -> None:
    outcome = execute("echo $SCHEDSYNC_RUN_ID; ps -o comm= -p $PPID; exit 3", nice=1, limits={"files": 64})
    assert _text(outcome).splitlines()[0] == RUN
    assert "nice" not in _text(outcome)
    assert (outcome.exit_code, outcome.reason) == (3, "exit code 3")


@pytest.mark.parametrize(
    ("body", "limits", "words"),
    [
        ("while :; do :; done", {"cpu": "1s"}, "ended by signal 24 (SIGXCPU); its limits.cpu of 1s is used up"),
        ("(while :; do :; done)", {"cpu": "1s"}, "exit code 152; its limits.cpu of 1s is used up"),
        (
            "exec head -c 100000 /dev/zero > file",
            {"file_size": "4KiB"},
            "ended by signal 25 (SIGXFSZ); its limits.file_size of 4KiB is used up",
        ),
        (
            f"exec {sys.executable} -c 'x = bytes(1 << 30)'",
            {"memory": "256MiB"},
            "exit code 1; by its output, its limits.memory of 256MiB is used up",
        ),
        (
            f"exec {sys.executable} -c 'x = [open(\"/dev/null\") for _ in range(100)]'",
            {"files": 32},
            "exit code 1; by its output, its limits.files of 32 is used up",
        ),
    ],
    ids=["cpu", "cpu of a child", "file size", "memory", "files"],
)
def test_a_run_that_meets_a_limit_says_which(
    execute: Any, tmp_path: Path, body: str, limits: dict[str, Any], words: str
) -> None:
    outcome = execute(body, limits=limits, cwd=str(tmp_path))
    assert (outcome.state, outcome.reason) == (RunState.FAILED, words)


@pytest.fixture
def _groups() -> Iterator[None]:
    """Give this process groups that nobody else should get."""
    before = os.getgroups()
    os.setgroups([0, 4])
    yield
    os.setgroups(before)


@AS_ROOT
@pytest.mark.usefixtures("_groups")
def test_a_run_of_another_user_has_nothing_of_root(execute: Any) -> None:
    words = "id -u; id -g; id -G; echo $HOME $USER $LOGNAME; umask; grep -h CapEff /proc/self/status"
    outcome = execute(words, user="daemon", umask="077", limits={"files": 64, "processes": 4_000})
    assert outcome.state is RunState.SUCCEEDED
    assert _text(outcome).split() == [
        *("1", "1", "1", "/usr/sbin", "daemon", "daemon", "0077", "CapEff:", "0000000000000000")
    ]


@AS_ROOT
def test_the_group_may_be_another_one_and_variables_of_the_job_win(execute: Any) -> None:
    outcome = execute("id -u; id -g; echo $HOME", user="daemon:tty", env={"HOME": "/here"})
    assert _text(outcome).split() == ["1", "5", "/here"]


@AS_ROOT
def test_another_user_can_open_its_own_outputs(execute: Any) -> None:
    outcome = execute("echo one > /dev/stderr; echo two > /dev/stdout", user="daemon")
    assert (outcome.state, _text(outcome)) == (RunState.SUCCEEDED, "one\ntwo\n")


@AS_ROOT
def test_a_run_of_another_user_is_ended_with_all_that_left_its_group(
    engine: Engine, listener: Remembering, tmp_path: Path
) -> None:
    body = "setsid sleep 987.1239 & trap '' TERM; sleep 987.1239"
    engine.launch(
        prepare(
            run(id=RUN),
            spec(run={"shell": body, "user": "daemon"}, timeout="1s", kill_grace="1s"),
            tmp_path,
            inherited(HERE),
        )
    )
    outcome = listener.end()
    assert outcome.state is RunState.TIMED_OUT
    assert outcome.reason == "timeout of 1s exceeded; ended by SIGKILL after a grace of 1s"
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if b"987.1239" in _read(path)]
    assert left == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.fixture
def folder_of_daemon() -> Iterator[Path]:
    """A folder that another user may write to, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, 1, 1)
        yield Path(name)


@AS_ROOT
@pytest.mark.parametrize("kept", [False, True], ids=["engine", "keeper"])
def test_no_variable_of_a_job_of_another_user_steers_what_runs_as_root(
    engine: Engine, listener: Remembering, folder_of_daemon: Path, tmp_path: Path, *, kept: bool
) -> None:
    """The loader writes a file, as whoever it is, where these variables say so: the library would be as easy."""
    trace = {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": f"{folder_of_daemon}/trace"}
    launch = _prepared(tmp_path, shell="id -u", user="daemon", nice=1, limits={"files": 64}, env=trace)
    engine.launch(keep(launch, tmp_path, LIMITS, HERE) if kept else launch)
    assert _text(listener.end()) == "1\n"
    traces = list(folder_of_daemon.iterdir())
    assert traces
    assert {path.stat().st_uid for path in traces} == {1}


@AS_ROOT
def test_a_job_of_another_user_is_given_no_file_that_this_user_chose(folder_of_daemon: Path) -> None:
    secret, planted = folder_of_daemon / "secret", folder_of_daemon / "planted"
    secret.write_text("root's alone")
    planted.symlink_to(secret)
    action: dict[str, Any] = {"shell": "true", "env": {"A": {"file": str(planted)}}}
    with pytest.raises(UnresolvedReferenceError, match=f'env.A: .*"{folder_of_daemon}" belongs to "daemon"'):
        _prepared(Path("/"), **action, user="daemon")
    assert _prepared(Path("/"), **action).env["A"] == "root's alone"


@AS_ROOT
def test_a_run_of_another_user_has_each_variable_as_it_was(
    engine: Engine, listener: Remembering, tmp_path: Path
) -> None:
    odd = {"BASH_FUNC_f%%": "() { :; }", "O'DD\\ #": "1", "-x": "2", "_0": "3", "SP LIT": "4"}
    values = {"QUOTES": "'\"`\\", "DOLLAR": "${HOME} $HOME", "LINES": "a\n\n b ", "NONE": "", "LAST": "größer\udcff"}
    launch = _prepared(tmp_path, HERE | odd | values, command=["env", "-0"], user="daemon")
    engine.launch(launch)
    printed = listener.end().output.head.decode(errors="surrogateescape")
    assert sorted(printed.split("\0")[:-1]) == sorted(f"{name}={value}" for name, value in launch.env.items())


@AS_ROOT
def test_a_program_of_another_user_may_have_any_name(
    engine: Engine, listener: Remembering, folder_of_daemon: Path
) -> None:
    script = folder_of_daemon / "a=b c"
    script.write_text("#!/bin/sh\nid -u\n")
    script.chmod(0o755)
    engine.launch(_prepared(folder_of_daemon, command=["./a=b c"], user="daemon", cwd="."))
    assert _text(listener.end()) == "1\n"


@AS_ROOT
def test_no_program_of_the_job_s_folder_is_taken_for_one_of_the_system(
    engine: Engine, listener: Remembering, folder_of_daemon: Path
) -> None:
    mine = folder_of_daemon / "setpriv"
    mine.write_text("#!/bin/sh\necho caught\n")
    mine.chmod(0o755)
    before = Path.cwd()
    os.chdir(folder_of_daemon)  # the service's own folder, too, or it would not be found there
    try:
        launch = _prepared(folder_of_daemon, {"PATH": f".:{HERE['PATH']}"}, shell="id -u", user="daemon", cwd=".")
    finally:
        os.chdir(before)
    engine.launch(launch)
    assert _text(listener.end()) == "1\n"


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("nosuch", 'user: this machine has no user "nosuch"; create it, or correct the job'),
        ("65500", 'user: this machine has no user "65500"; create it, or correct the job'),
        ("root:nosuch", 'user: this machine has no group "nosuch"; create it, or correct the job'),
    ],
)
def test_a_user_that_there_is_not_is_said(tmp_path: Path, user: str, words: str) -> None:
    with pytest.raises(UnavailableConfinementError) as refused:
        _prepared(tmp_path, shell="true", user=user)
    assert str(refused.value) == words


def test_the_service_s_own_user_needs_no_program(tmp_path: Path) -> None:
    launch = _prepared(tmp_path, {"PATH": "/nowhere"}, shell="true", user=f"{os.geteuid()}:{os.getegid()}")
    assert (launch.confinement.wrapper, launch.confinement.owner) == ((), None)
    assert launch.env["HOME"] == os.path.expanduser(f"~{launch.env['USER']}")  # noqa: PTH111 - of a user by name


@AS_ROOT
def test_without_root_it_is_said_what_to_do(tmp_path: Path) -> None:
    """A process that has given up root cannot return to it, so another one tries."""
    tries = """
import sys
from tests.integration.executors.test_confinement import _prepared
from pathlib import Path
from schedsync.errors import UnavailableConfinementError
for action in ({"user": "daemon"}, {"nice": -5}, {"limits": {"files": 1000}}):
    try:
        _prepared(Path("/"), shell="true", **action)
    except UnavailableConfinementError as refused:
        print(refused)
"""
    import subprocess  # noqa: PLC0415 - of this test alone

    command = ["prlimit", "--nofile=500:500", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = subprocess.run(
        [*command, sys.executable, "-c", tries],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == [
        'user: only root can run a job as "daemon", and the service is user 65534; start it as root, or as that user',
        "nice: only root can put a job before others; write 0 or more instead of -5",
        "limits.files: 1000 is wanted, and the service itself may have 500 at most; raise its own limit, or write less",
    ], done.stderr


def test_a_program_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedsync.executors.confinement._ALSO", ())
    with pytest.raises(UnavailableConfinementError) as refused:
        _prepared(tmp_path, {"PATH": str(tmp_path)}, shell="true", limits={"files": 64})
    words = 'limits: the program "prlimit" is needed for it, and is missing; install util-linux'
    assert str(refused.value) == words


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["no-such-program"], 'cannot start "no-such-program": no such program; install it, or write its whole path;'),
        (["./none.sh"], 'cannot start "./none.sh": no such file; it was looked for as "'),
        (["./plain.sh"], 'cannot start "./plain.sh": it is not executable; run "chmod +x '),
        (["./no-interpreter.sh"], "exit code 127; /usr/bin/nice: "),
    ],
)
def test_a_program_that_cannot_be_started_is_told_as_ever(
    engine: Engine, listener: Remembering, tmp_path: Path, command: list[str], words: str
) -> None:
    (tmp_path / "plain.sh").write_text("echo\n")
    (tmp_path / "no-interpreter.sh").write_text("#!/no/such/program\n")
    (tmp_path / "no-interpreter.sh").chmod(0o755)
    engine.launch(_prepared(tmp_path, command=command, nice=1, cwd="."))
    outcome = listener.end()
    assert outcome.state is RunState.FAILED
    assert (outcome.reason or "").startswith(words)


def test_time_limits_and_output_are_those_of_any_run(engine: Engine, listener: Remembering, tmp_path: Path) -> None:
    launch = _prepared(tmp_path, shell="echo said; sleep 60", nice=1, limits={"memory": "1GiB"})
    engine.launch(Launch(RUN, launch.argv, launch.env, confinement=launch.confinement, timeout=timedelta(seconds=0.5)))
    outcome = listener.end()
    assert (outcome.state, _text(outcome)) == (RunState.TIMED_OUT, "said\n")
    assert outcome.reason == "timeout of 0.5s exceeded; ended by SIGTERM"
