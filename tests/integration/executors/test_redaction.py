"""What a run prints of its secrets is nowhere: not in what is kept, the spool file, the reason, the log."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url

from schedsync.executors.base import Engine, Launch
from schedsync.executors.prepare import inherited, prepare
from schedsync.executors.python_call import python_argv
from schedsync.executors.python_call import request as python_request
from schedsync.executors.spool import OutputLimits, live, recover
from schedsync.executors.sql_call import Databases
from schedsync.runs.outcome import Outcome
from schedsync.runs.run import RunState
from schedsync.store.address import Address
from schedsync.store.targets import target_of
from tests.builders import run, spec
from tests.integration.executors.conftest import LIMITS, RUN, Remembering, bash
from tests.integration.runner.bench import eventually

SECRET = "hunter2-and-more"
ENV = {"PATH": os.environ["PATH"], "SCHEDSYNC_RUN_ID": RUN, "SECRET": SECRET}


def _launch(body: str, **more: str) -> Launch:
    return bash(body, env=ENV, secrets=(SECRET,), **more)


def _text(outcome: Outcome) -> str:
    return (outcome.output.head + outcome.output.tail).decode()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('echo "it is $SECRET."', "it is [redacted].\n"),
        ('printf "${SECRET:0:7}"; sleep 0.1; printf %s "${SECRET:7}"; sleep 0.1; echo', "[redacted]\n"),
        ('for i in {0..15}; do printf "${SECRET:i:1}"; sleep 0.01; done', "[redacted]"),
        ("set -x; : $SECRET", "+ : [redacted]\n"),
        ('printf "${SECRET:0:9}"', "[redacted]"),
        ("env | grep ^SECRET; exit 3", "SECRET=[redacted]\n"),
        ('echo "$SECRET" >&2; sleep 0.1; kill -9 $$', "[redacted]\n"),
    ],
    ids=["at once", "in two pieces", "letter by letter", "traced", "begun", "all variables", "killed"],
)
def test_a_secret_is_cut_out_of_what_a_run_prints(engine: Engine, listener: Remembering, body: str, text: str) -> None:
    engine.launch(_launch(body))
    outcome = listener.end()
    assert _text(outcome) == text
    assert outcome.output.total == len(text)


def test_a_secret_is_cut_out_wherever_the_borders_of_what_is_read_and_kept_are(
    make_engine: Callable[..., Engine], listener: Remembering, tmp_path: Path
) -> None:
    engine = make_engine(tmp_path, OutputLimits(file_limit=1 << 20, keep_head=70_001, keep_tail=30_011))
    engine.launch(_launch('for i in {1..20000}; do echo "$SECRET"; done'))
    outcome = listener.end()
    assert (outcome.state, outcome.output.total) == (RunState.SUCCEEDED, 20_000 * len("[redacted]\n"))
    kept = _text(outcome)
    assert set(kept) == set("[redacted]\n")


def test_a_secret_in_a_traceback_is_cut_out(engine: Engine, listener: Remembering, tmp_path: Path) -> None:
    (tmp_path / "leak.py").write_text("import os\ndef main():\n    raise KeyError(os.environ['SECRET'])\n")
    call = python_request("leak:main", [], {}, [str(tmp_path)])
    engine.launch(Launch(RUN, python_argv(), ENV, secrets=(SECRET,), stdin=call))
    outcome = listener.end()
    assert outcome.state is RunState.FAILED
    assert _text(outcome).endswith("KeyError: '[redacted]'\n")


def test_reasons_do_not_have_it_either(engine: Engine, listener: Remembering, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    engine.launch(_launch('echo "failed: login as $SECRET"; exit 1', failure_mark="failed: "))
    assert listener.end().reason == "exit code 1; login as [redacted]"
    engine.launch(_launch('echo "ORA-01017: $SECRET"', fail_on_output="ORA-"))
    assert listener.end().reason == 'output matches "ORA-": ORA-01017: [redacted]'
    env = ENV | {"PATH": f"/{SECRET}"}
    engine.launch(Launch(RUN, ("no-such-program",), env, secrets=(f"/{SECRET}",)))
    assert (listener.end().reason or "").endswith("the PATH is [redacted]")
    assert SECRET not in caplog.text


def test_what_others_can_read_while_it_runs_does_not_have_it(
    engine: Engine, listener: Remembering, tmp_path: Path
) -> None:
    file = live(tmp_path, RUN)
    engine.launch(
        _launch('echo "one $SECRET"; printf "two ${SECRET:0:9}"; read -t 10 <> <(:); printf %s "${SECRET:9}"')
    )
    eventually(lambda: file.exists() and file.read_bytes().endswith(b"two "))
    assert file.read_bytes() == b"one [redacted]\ntwo "
    output = engine.output(RUN)
    assert output is not None
    assert output.head == recover(file, LIMITS).head == b"one [redacted]\ntwo "
    engine.cancel(RUN, "the test has seen enough")
    assert _text(listener.end()) == "one [redacted]\ntwo [redacted]"


@pytest.mark.parametrize(
    "spelled", ["repr(s)", "json.dumps({'password': s})", "quote(s, safe='')", "s.replace(chr(10), ' ')"]
)
def test_the_ways_that_programs_spell_a_secret_are_cut_out(engine: Engine, listener: Remembering, spelled: str) -> None:
    secret = 'line "one"\nand/two\\three'
    code = f"import os, json; from urllib.parse import quote; s = os.environ['SECRET']; print({spelled})"
    engine.launch(Launch(RUN, (sys.executable, "-c", code), ENV | {"SECRET": secret}, secrets=(secret,)))
    text = _text(listener.end())
    assert "[redacted]" in text
    assert not any(word in text for word in ("one", "two", "three"))


@pytest.mark.parametrize("database", ["postgresql", "oracle"])
def test_a_statement_that_shows_the_password_of_its_connection_is_cut(
    engine: Engine, listener: Remembering, request: pytest.FixtureRequest, database: str, tmp_path: Path
) -> None:
    url = make_url(request.getfixturevalue(f"{database}_url"))
    url = url if url.password else url.set(password="s3cret-pg")
    target = target_of("connections.erp", Address(url=url.render_as_string(hide_password=False)))
    dual = " FROM dual" if database == "oracle" else ""
    job = spec(run={"sql": f"SELECT '{url.password}' AS told{dual}", "connection": "erp"})
    engine.launch(prepare(run(id=RUN), job, tmp_path, inherited(os.environ), Databases("here", {"erp": target})))
    outcome = listener.end()
    assert outcome.state is RunState.SUCCEEDED, _text(outcome)
    assert "[redacted]" in _text(outcome)
    assert str(url.password) not in _text(outcome)
