"""Limits of the system that are too low for what is set are told before runs fail of them."""

import os
import subprocess
import sys

import pytest

from schedsync.executors.headroom import shortages
from schedsync.settings import RunnerSettings

ASK = "from schedsync.executors.headroom import shortages; print(*shortages(250), sep='\\n')"


def _said(*prlimit: str, as_somebody: bool = False) -> list[str]:
    """What a process under these limits says."""
    before = ("setpriv", "--reuid=65534", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    command = [*(before if as_somebody else ()), "prlimit", *prlimit, sys.executable, "-c", ASK]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().splitlines()


def test_enough_is_not_said() -> None:
    assert shortages(10) == []
    assert _said("--nofile=850") == []


def test_too_few_open_files_are_said_with_what_to_do() -> None:
    (said,) = _said("--nofile=849")
    need = "250 runs at once may need 850 open files, and the limit is 849"
    assert said == f"{need}; raise it (ulimit -n, LimitNOFILE), or lower runner.max_processes"


def test_too_few_processes_are_said_to_users_whom_that_limit_holds() -> None:
    root = os.geteuid() == 0
    (said,) = _said("--nofile=850", "--nproc=100", as_somebody=root)
    need = "250 runs at once may need 290 processes and threads, and the limit is 100"
    assert said == f"{need}; raise it (ulimit -u, LimitNPROC, TasksMax), or lower runner.max_processes"
    if root:
        assert _said("--nofile=850", "--nproc=100") == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the size of the table")
@pytest.mark.parametrize(("limit", "size"), [(2_000, 1_024), (300, 512), (100, 128)])
def test_room_for_open_files_is_made_as_far_as_the_limit_allows_and_nothing_stays_open(limit: int, size: int) -> None:
    ask = (
        "import os; from schedsync.executors.headroom import make_room; before = os.listdir('/proc/self/fd');"
        "make_room(250); assert os.listdir('/proc/self/fd') == before; print(open('/proc/self/status').read())"
    )
    command = ["prlimit", f"--nofile={limit}", sys.executable, "-c", ask]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"FDSize:\t{size}\n" in said


@pytest.mark.parametrize(("bound", "runs"), [(None, 298), (40, 40), (500, 298)])
def test_as_many_runs_are_counted_as_all_pools_together_may_have(bound: int | None, runs: int) -> None:
    assert RunnerSettings(max_runs=bound).most_runs == runs
