"""Calls made up from the description of the API are answered as it says, and change nothing for those who may not."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import schemathesis.openapi
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, load_all_checks, not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from schedsync.access import Scope, new_token
from schedsync.filing import Filing
from schedsync.runs.outcome import Output
from schedsync.runs.run import RunState
from schedsync.sources.job_files import JobFiles
from schedsync.status.knowledge import refresh
from schedsync.status.mirror import Mirror
from tests.builders import located
from tests.integration.api.conftest import Installation

CALLS = 5_000
ALWAYS_THE_SAME = 20
"""Calls of an operation that can be called in one way only."""
PLAIN = {"Accept-Encoding": "identity"}
"""It unpacks nothing that comes without a server."""
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass(frozen=True)
class Filled:
    """What there is to ask for."""

    job_ids: list[str]
    run_ids: list[str]


@pytest.fixture
def filled(here: Installation) -> Filled:
    """Fill the store with what there may be."""
    jobs = [located(id=f"team.job-{number}", description="copies", tags=["a"], owner="me") for number in range(12)]
    here.vitals.ticked(here.clock.now, leading=True, leader="here")
    here.vitals.database(here.clock.now, error=None)
    here.apply(*jobs, revision="r0")
    here.vitals.stepped(here.apply(*jobs[:10], revision="r1"))
    runs = []
    for number, state in enumerate([RunState.RUNNING, RunState.QUEUED, RunState.SKIPPED] * 4):
        here.clock.forward(seconds=1)
        runs.append(here.claim(f"team.job-{number % 10}", here.clock.now - timedelta(minutes=5), state))
    here.end(runs[0], Output(b"printed\n" * 400, total=3_200))
    here.end(runs[3], Output(b"\xff\x00", total=2), exit_code=1)
    here.live[runs[6].id] = Output(b"so far", total=6)
    here.backend.control.pause("team.job-1", by="somebody", reason="maintenance")
    return Filled([f"team.job-{number}" for number in range(10)], [run.id for run in runs])


class Caller:
    """Calls an app with what schemathesis makes up, helped to ids that there are, and checks each answer."""

    def __init__(
        self, here: Installation, app: Flask, filled: Filled, *, token: str | None = None, away: bool = False
    ) -> None:
        load_all_checks()
        self._here = here
        self._headers = PLAIN if token is None else {"Authorization": f"Bearer {token}", **PLAIN}
        self._checks = [check for check in CHECKS if not (away and check is not_a_server_error)]
        self._schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
        self._filled = filled
        self.answers: Counter[int] = Counter()
        self.operations: Counter[str] = Counter()

    def call(self, calls: int) -> None:
        """Make so many calls, at least."""
        operations = [found.ok() for found in self._schema.get_all_operations() if isinstance(found, Ok)]
        fixed = [each for each in operations if not [*each.iter_parameters(), *each.body]]
        share = -(-(calls - ALWAYS_THE_SAME * len(fixed)) // (2 * (len(operations) - len(fixed))))
        for operation in operations:
            if operation in fixed:
                self._run(operation, GenerationMode.POSITIVE, ALWAYS_THE_SAME)
            else:
                self._run(operation, GenerationMode.POSITIVE, share)
                self._run(operation, GenerationMode.NEGATIVE, share)

    def _run(self, operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, calls: int) -> None:
        examples = partial(settings, deadline=None, database=None, phases=[Phase.generate])

        @seed(len(operation.label))
        @examples(max_examples=calls, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode), salt=st.integers(0, 1 << 32))
        def run(case: Case[Any], salt: int) -> None:
            self._call(case, salt)

        run()

    def _call(self, case: Case[Any], salt: int) -> None:
        if salt % 3:
            self._aim(case, salt)
        if salt % 2:
            case.headers.pop("Authorization", None)  # no token at all, and not one that is made up
        self._here.clock.forward(seconds=0.001)
        response = case.call(headers=self._headers)
        self.operations[case.operation.label] += 1
        self.answers[response.status_code] += 1
        case.validate_response(response, checks=self._checks)

    def _aim(self, case: Case[Any], salt: int) -> None:
        """Let *case* ask for what there is: ids that are made up meet nothing."""
        there = {"job_id": self._filled.job_ids, "run_id": self._filled.run_ids}
        if "wait" in case.query:
            case.query["wait"] = 0
        for name in case.path_parameters:
            case.path_parameters[name] = there[name][salt % len(there[name])]


def _rows(here: Installation) -> list[str]:
    """Return all rows of all tables, as they are."""
    with closing(sqlite3.connect(str(here.store.database.engine.url.database))) as connection:
        return list(connection.iterdump())


def _token(here: Installation, scope: Scope) -> str:
    token, text = new_token(f"may-{scope}", scope, by="cli:ann", now=here.clock.now)
    here.store.tokens.create(token)
    return text


def _writing(here: Installation, tmp_path: Path) -> FlaskClient:
    """Return a client of an app that other machines reach, and that writes job files."""
    (tmp_path / "jobs.d").mkdir()
    return here.client(exposed=True, filing=Filing(here.store, JobFiles(tmp_path / "jobs.d"), here.clock))


def _said(caller: Caller) -> None:
    print(f"{sum(caller.answers.values())} calls:", dict(sorted(caller.answers.items())))  # noqa: T201 - for -s


@pytest.mark.timeout(600)
def test_calls_are_answered_as_the_description_says(here: Installation, filled: Filled, tmp_path: Path) -> None:
    token = _token(here, Scope.CONTROL)
    caller = Caller(here, _writing(here, tmp_path).application, filled, token=token)
    before = _rows(here)
    caller.call(CALLS)
    _said(caller)
    assert sum(caller.answers.values()) >= CALLS
    assert {200, 202, 400, 404} <= set(caller.answers)
    assert not {status for status in caller.answers if status >= 500}
    assert _rows(here) != before


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("scope", "calls"), [(None, CALLS), (Scope.READ, CALLS // 10)])
def test_calls_without_a_token_for_control_change_no_row(
    here: Installation, filled: Filled, tmp_path: Path, scope: Scope | None, calls: int
) -> None:
    token = _token(here, scope or Scope.CONTROL)
    caller = Caller(here, _writing(here, tmp_path).application, filled, token=token if scope else None)
    # What a running service writes of its own accord, of tokens that were used or refused, is tried in test_tokens.
    before = _rows(here)
    caller.call(calls)
    _said(caller)
    assert sum(caller.answers.values()) >= calls
    assert _rows(here) == before
    assert not {status for status in caller.answers if status >= 500} | {202} & set(caller.answers)


@pytest.mark.timeout(600)
def test_calls_while_the_database_is_away_are_answered_as_the_description_says(
    here: Installation, filled: Filled
) -> None:
    mirror = Mirror()
    refresh(mirror, here.store, here.clock.now, wholly=True)
    here.vitals.database(here.clock.now, error="no route to host")
    caller = Caller(here, here.client(mirror=mirror).application, filled, away=True)
    caller.call(CALLS // 10)
    _said(caller)
    assert {200, 503} <= set(caller.answers)
