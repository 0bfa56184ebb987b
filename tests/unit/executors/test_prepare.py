"""From a run and its spec to what is started."""

from pathlib import Path
from typing import Any

import pytest

from schedsync.errors import UnresolvedReferenceError
from schedsync.executors.base import Launch
from schedsync.executors.prepare import inherited, prepare
from tests.builders import run, spec

ENVIRON = {
    "PATH": "/bin",
    "TOKEN": "t0k3n-4711",
    "SCHEDSYNC_DATABASE__PASSWORD": "hidden",
    "schedsync_Database__url": "hidden",
}


def _prepared(folder: Path = Path("/"), action: dict[str, Any] | None = None, **fields: Any) -> Launch:
    return prepare(run(id="r1"), spec(run={"shell": "true", **(action or {})}, **fields), folder, inherited(ENVIRON))


def test_values_come_from_where_the_job_says_and_are_secrets(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-a-file\n")
    launch = _prepared(tmp_path, {"env": {"A": "literal", "B": {"file": "secret"}, "C": {"env": "TOKEN"}}})
    assert {name: launch.env[name] for name in "ABC"} == {"A": "literal", "B": "from-a-file", "C": "t0k3n-4711"}
    assert launch.secrets == ("from-a-file", "t0k3n-4711")
    assert not any(secret in f"{launch!r}" for secret in launch.secrets)


def test_a_value_that_is_nowhere_is_said_with_the_variable_that_wants_it(tmp_path: Path) -> None:
    with pytest.raises(UnresolvedReferenceError) as refused:
        _prepared(tmp_path, {"env": {"A": {"file": "secret"}}})
    assert str(refused.value) == f'env.A: the file "{tmp_path}/secret" cannot be read: No such file or directory'


def test_of_the_variables_of_schedsync_a_run_has_its_marks_alone() -> None:
    own = {name for name in _prepared().env if name.upper().startswith("SCHEDSYNC_")}
    assert own == {"SCHEDSYNC_JOB_ID", "SCHEDSYNC_RUN_ID", "SCHEDSYNC_SCHEDULED_AT", "SCHEDSYNC_ATTEMPT"}


def test_what_success_is_goes_along() -> None:
    launch = _prepared(success_exit_codes=[3, 0], fail_on_output="ORA-")
    assert (launch.success_exit_codes, launch.fail_on_output) == (frozenset({0, 3}), "ORA-")


def test_a_job_that_asks_for_nothing_is_started_by_itself() -> None:
    confinement = _prepared().confinement
    assert (confinement.wrapper, confinement.owner, confinement.umask, confinement.limits) == ((), None, -1, {})
