"""Limits of the system that are too low for what is set are told before runs fail of them."""

import resource
import subprocess
import sys

import pytest

from schedsync.executors.headroom import shortages

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
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if soft == 0:
        pytest.skip("this user may have no process at all")
    assert _said("--nofile=9999", "--nproc=100") == []
    (said,) = _said("--nofile=9999", "--nproc=100", as_somebody=True)
    assert said.startswith(
        "250 runs at once may need 290 processes and threads, and the limit is 100; raise it (ulimit -u"
    )
