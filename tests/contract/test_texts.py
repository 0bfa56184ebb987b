"""Texts of any size and content come back as they went in: specs, outputs, and what is said about mistakes."""

from typing import Any

import pytest

from schedsync.plan.ops import Plan
from schedsync.runs.outcome import Output
from schedsync.runs.run import RunState
from schedsync.specs.problem import Problem
from schedsync.store.leases import Lease
from schedsync.store.runs import RunChanges
from schedsync.store.store import Store
from tests.contract.builders import add, apply, claim, ended, report, run, settle

TEXTS = {
    "empty": "",
    "a blank": " ",
    "4,000 bytes": "x" * 4_000,
    "4,001 bytes": "x" * 4_001,
    "4,000 characters of four bytes": "🎉" * 4_000,
    "32,768 bytes": "y" * 32_768,
    "5 MB": "0123456789äöü🎉\n" * 250_000,
    "NUL": "before\0after",
    "line ends": "one\r\ntwo\rthree\n\n",
    "what SQL reads": '\'; DROP TABLE x; -- :name %s %(a)s ? {} \\ "q" &amp',
    "what nobody sees": "\u200b\ufeff\u202e\x1b[31m",
    "the last character": "\U0010ffff",
}
pytestmark = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)


def test_a_spec_comes_back(store: Store, text: str) -> None:
    described: dict[str, Any] = {"run": {"python": "a:b", "kwargs": {"text": text}}}
    new = add("a", **described)
    apply(store, Plan(add=(new,), revision="r1"))
    assert store.jobs.load(["a"])["a"].spec == new.job.spec
    assert store.jobs.specs({"a": new.job.digest}) == {"a": new.job.spec}


def test_an_output_comes_back(store: Store, lease: Lease, text: str) -> None:
    running = run()
    claim(store, lease, running)
    settle(store, ended(running, RunState.FAILED), output=text.encode())
    kept = store.runs.output(running.id)
    assert text.replace("\0", "\ufffd") == (kept.head if kept else "")


def test_a_problem_comes_back(store: Store, text: str) -> None:
    problem = Problem("a.yaml", 1, 2, text, found=text or None)
    store.syncs.record(report(problems=(problem,)))
    latest = store.syncs.latest()
    assert latest is not None
    assert latest.problems == (problem,)


def test_a_reason_comes_back_and_a_long_one_is_cut_where_it_can_be_seen(store: Store, lease: Lease, text: str) -> None:
    claim(store, lease, said := run(state=RunState.FAILED, reason=text or None))
    reason = store.runs.get(said.id).reason
    clean = text.replace("\0", "\ufffd")
    assert reason == (clean if len(clean) <= 1_000 else clean[:997] + "...") or (not clean and reason is None)


def test_output_that_is_no_utf8_comes_back_with_marks_in_its_place(store: Store, lease: Lease, text: str) -> None:
    running = run()
    claim(store, lease, running)
    printed = b"\xff\xfe" + text.encode() + b"\xc3"
    store.runs.record(RunChanges(settled=[(ended(running), Output(printed, total=len(printed)))]), None)
    kept = store.runs.output(running.id)
    assert kept is not None
    assert kept.head == printed.decode(errors="replace").replace("\0", "\ufffd")
