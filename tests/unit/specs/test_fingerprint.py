"""Digests: what changes them, what does not, and that a stored spec is the one that was written."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schedsync.specs.fingerprint import ascii_json, canonical, from_canonical, schedule_digest, spec_digest
from schedsync.specs.following import End
from schedsync.specs.job import JobSpec
from tests.builders import document, spec
from tests.unit.specs.strategies import REPRODUCIBLE, documents


@REPRODUCIBLE
@given(documents)
def test_a_spec_survives_its_canonical_text(value: dict[str, Any]) -> None:
    job = JobSpec.model_validate(value)
    restored = from_canonical(canonical(job))
    assert restored == job
    assert (spec_digest(restored), schedule_digest(restored)) == (spec_digest(job), schedule_digest(job))
    assert canonical(restored) == canonical(job)


@REPRODUCIBLE
@given(documents, st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_no_digest(value: dict[str, Any], shuffling: Any) -> None:
    def shuffled(part: Any) -> Any:
        if isinstance(part, list):
            return [shuffled(item) for item in part]
        if not isinstance(part, dict):
            return part
        keys = list(part)
        shuffling.shuffle(keys)
        return {key: shuffled(part[key]) for key in keys}

    assert spec_digest(JobSpec.model_validate(shuffled(value))) == spec_digest(JobSpec.model_validate(value))


@REPRODUCIBLE
@given(documents)
@example(document())
def test_spelled_out_defaults_change_no_digest(value: dict[str, Any]) -> None:
    job = JobSpec.model_validate(value)
    spelled_out = JobSpec.model_validate(job.model_dump(mode="json"))
    assert (spec_digest(spelled_out), schedule_digest(spelled_out)) == (spec_digest(job), schedule_digest(job))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"schedule": {"every": "1h"}}, {"schedule": [{"every": "60m"}]}, id="a list of one, other units"),
        pytest.param({"timeout": "90s"}, {"timeout": "PT1M30S"}, id="ISO 8601"),
        pytest.param({"schedule": {"at": "2027-01-01T00:00Z"}}, {"schedule": {"at": "2027-01-01 00:00:00+00:00"}}),
        pytest.param({"retry": {"backoff": 2}}, {"retry": {"backoff": 2.0}}, id="a whole number as a factor"),
        pytest.param({"retry": {"on": ["lost", "failed"]}}, {"retry": {"on": ["failed", "lost", "lost"]}}),
        pytest.param({"retry": {"on": ["lost", "timed_out", "failed"]}}, {}, id="a default in another order"),
        pytest.param({"success_exit_codes": [3, 0, 3]}, {"success_exit_codes": [0, 3]}, id="a set"),
        pytest.param(
            {"run": {"shell": "a", "umask": "0027", "limits": {"memory": "1024MiB"}}},
            {"run": {"shell": "a", "umask": "027", "limits": {"memory": "1GiB"}}},
            id="other spellings",
        ),
        pytest.param({"success_exit_codes": [0], "fail_on_output": None}, {}, id="the usual success"),
        pytest.param({"after": {"a": "any"}}, {"after": {"a": [end.value for end in reversed(End)]}}, id="any end"),
        pytest.param({"after": {"a": "lost", "b": "any"}}, {"after": {"b": "any", "a": ["lost", "lost"]}}, id="a set"),
        pytest.param({"run": {"shell": "a", "env": {"A": 1}}}, {"run": {"shell": "a", "env": {"A": "1"}}}, id="text"),
    ],
)
def test_two_ways_to_write_one_job_have_one_digest(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert spec_digest(spec(**one)) == spec_digest(spec(**other))


EDITS: list[dict[str, Any]] = [
    {"id": "another"},
    {"description": "x"},
    {"tags": ["x"]},
    {"owner": "x"},
    {"run": {"command": ["true"]}},
    {"run": {"shell": "true", "env": {"A": "b"}}},
    {"run": {"shell": "true", "cwd": "/"}},
    {"timeout": "1m"},
    {"kill_grace": "0s"},
    {"success_exit_codes": [0, 3]},
    {"fail_on_output": "x"},
    {"run": {"shell": "true", "env": {"A": {"file": "a"}}}},
    {"run": {"shell": "true", "env": {"A": {"env": "a"}}}},
    {"run": {"shell": "true", "user": "oracle"}},
    {"run": {"shell": "true", "umask": "027"}},
    {"run": {"shell": "true", "nice": 10}},
    {"run": {"shell": "true", "limits": {"memory": "2GiB"}}},
    {"retry": {"attempts": 2}},
    {"retry": {"on": []}},
    {"retry": {"jitter": "1s"}},
    {"overlap": "queue"},
    {"group": "erp"},
    {"max_queued": 20},
    {"misfire": {"limit": 50}},
    {"misfire": {"policy": "all"}},
    {"orphan": "adopt"},
    {"late_after": "30m"},
    {"max_time_since_success": "26h"},
    {"notify": {"to": ["ops-mail"]}},
    {"healthcheck": "https://hc.example.com/uuid"},
    {"prune": "never"},
    {"renamed_from": "x"},
    {"suspend": True},
    {"history": {"keep": 1}},
]
RESCHEDULES: list[dict[str, Any]] = [
    {"schedule": {"every": "2h"}},
    {"schedule": {"every": "1h", "timezone": "Europe/Rome"}},
    {"schedule": {"every": "1h", "jitter": "1s"}},
    {"schedule": {"every": "1h", "start": "2027-01-01"}},
    {"schedule": {"every": "1h", "end": "2027-01-01"}},
    {"schedule": [{"every": "1h"}, {"at": "2027-01-01"}]},
    {"after": {"another": "failed"}},
]


@pytest.mark.parametrize("edit", EDITS, ids=json.dumps)
def test_an_edit_beside_the_schedule_changes_the_specs_digest_only(edit: dict[str, Any]) -> None:
    assert spec_digest(spec(**edit)) != spec_digest(spec())
    assert schedule_digest(spec(**edit)) == schedule_digest(spec())


@pytest.mark.parametrize("edit", RESCHEDULES, ids=json.dumps)
def test_an_edit_of_the_schedule_changes_both_digests(edit: dict[str, Any]) -> None:
    assert spec_digest(spec(**edit)) != spec_digest(spec())
    assert schedule_digest(spec(**edit)) != schedule_digest(spec())


def test_the_tables_of_edits_name_every_field() -> None:
    assert {field for edit in [*EDITS, *RESCHEDULES] for field in edit} == set(JobSpec.model_fields)


def test_a_stored_digest_stays_what_it_was() -> None:
    """Whoever changes this makes every job of every installation look edited."""
    assert canonical(spec()) == '{"id":"job","run":{"shell":"true"},"schedule":[{"every":"1h"}]}'
    assert spec_digest(spec())[:16] == "f3fa487a2dcd7202"


@REPRODUCIBLE
@given(st.text())
def test_json_in_ascii_means_the_same(text: str) -> None:
    written = json.dumps({"text": text}, ensure_ascii=False)
    assert ascii_json(written).isascii()
    assert json.loads(ascii_json(written)) == {"text": text}
