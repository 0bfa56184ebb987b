"""Jobs: what they are by default, and what they may be."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from schedsync.specs.actions import (
    CommandAction,
    HttpAction,
    PlsqlAction,
    PythonAction,
    ScriptAction,
    ShellAction,
    SqlAction,
)
from schedsync.specs.ids import check_id
from schedsync.specs.job import JobSpec
from schedsync.specs.policy import MisfirePolicy, Overlap, Prune, RetryOn
from tests.builders import document, spec


def test_defaults_are_complete() -> None:
    job = spec()
    assert (job.description, job.tags, job.owner, job.timeout, job.renamed_from, job.suspend) == (
        "",
        (),
        None,
        None,
        None,
        False,
    )
    assert (job.kill_grace, job.overlap, job.prune) == (timedelta(seconds=10), Overlap.SKIP, Prune.AUTO)
    assert (job.retry.attempts, job.retry.delay, job.retry.on) == (1, timedelta(seconds=30), tuple(RetryOn))
    assert (job.misfire.policy, job.misfire.grace) == (MisfirePolicy.LATEST, timedelta(hours=1))
    assert (job.group, job.max_queued, job.misfire.limit, job.retry.jitter) == (None, 100, 100, timedelta(0))
    assert (job.history.keep, job.history.days) == (200, 90)
    assert (job.schedule[0].timezone, job.schedule[0].jitter) == ("UTC", timedelta(0))


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        spec().description = "x"  # type: ignore[misc]


@pytest.mark.parametrize("job_id", ["a", "7", "erp.nightly-dump", "A_b", "a" * 200, "a..b", "a-"])
def test_good_ids(job_id: str) -> None:
    assert check_id(job_id) == job_id


@pytest.mark.parametrize("job_id", ["", "*", ".a", "-a", "_a", "a b", "a/b", "é", "a\n", "a" * 201])
def test_bad_ids(job_id: str) -> None:
    with pytest.raises(ValueError, match="cannot be an id: use up to 200 letters"):
        check_id(job_id)


@pytest.mark.parametrize("name", ["erp", "e", "erp-load", "erp_load", "erp2"])
def test_good_groups(name: str) -> None:
    assert spec(group=name).group == name


@pytest.mark.parametrize("name", ["", "ERP", "2erp", "_erp", "erp__load", "erp_", "erp.load", "é"])
def test_bad_groups(name: str) -> None:
    with pytest.raises(ValidationError, match="cannot be a group"):
        spec(group=name)


def test_an_id_that_looks_like_a_number_is_text() -> None:
    assert spec(id=42).id == "42"


@pytest.mark.parametrize(
    ("given", "text"), [(8080, "8080"), (-1, "-1"), (True, "true"), (False, "false"), ("0755", "0755"), ("", "")]
)
def test_plain_words_are_text(given: object, text: str) -> None:
    assert spec(description=given).description == text


@pytest.mark.parametrize(
    ("run", "kind"),
    [
        ({"command": ["rsync", "-a", 5]}, CommandAction),
        ({"shell": "echo"}, ShellAction),
        ({"script": "a.sh", "args": ["--full", True]}, ScriptAction),
        ({"python": "a.b:c.d", "args": [1, None], "kwargs": {"x": [1.5]}}, PythonAction),
        ({"sql": "DELETE FROM a WHERE b < :c", "connection": "erp", "binds": {"c": "2026-01-01"}}, SqlAction),
        ({"plsql": {"file": "close.sql"}, "connection": "erp", "out": {"total": "number"}}, PlsqlAction),
        ({"http": {"url": "https://erp.example.com/close", "method": "POST", "json": {"month": 1}}}, HttpAction),
    ],
)
def test_an_action_is_told_by_its_key(run: dict[str, Any], kind: type) -> None:
    assert type(spec(run=run).run) is kind


@pytest.mark.parametrize(
    ("schedule", "kinds"),
    [
        ({"cron": "@daily"}, "Cron"),
        ([{"every": "1h"}, {"at": "2027-01-01"}, {"cron": "0 0 * * *"}], "Every At Cron"),
    ],
)
def test_a_trigger_is_told_by_its_key(schedule: Any, kinds: str) -> None:
    found = [type(trigger).__name__.removesuffix("Trigger") for trigger in spec(schedule=schedule).schedule]
    assert found == kinds.split()


def test_python_arguments_come_back_as_they_were() -> None:
    args: list[Any] = [None, True, 1, -1.5, "text", [], {"a": [{"b": None}]}]
    action = spec(run={"python": "a:b", "args": args, "kwargs": {"args": args}}).run
    assert isinstance(action, PythonAction)
    assert (list(action.args), action.kwargs) == (args, {"args": args})


def test_a_request_is_written_in_more_than_one_way() -> None:
    def request(**fields: Any) -> Any:
        return spec(run={"http": {"url": "https://a", **fields}}).run

    assert request(method="post") == request(method="POST")
    assert request(expect={"status": 200}) == request(expect={"status": ["200"]})
    assert request(expect={"status": "200-299"}) == request(expect={}) == request()
    assert request(headers={"X": 5}).http.headers == {"X": "5"}


def test_binds_come_back_as_they_were() -> None:
    binds: dict[str, Any] = {"a": None, "b": True, "c": 1, "d": -1.5, "e": "07"}
    action = spec(run={"sql": "x", "connection": "erp", "binds": binds}).run
    assert isinstance(action, SqlAction)
    assert repr(action.binds) == repr(binds)


def test_python_arguments_may_be_nested_as_deep_as_yaml_may() -> None:
    def nested(levels: int) -> Any:
        return [nested(levels - 1)] if levels else "end"

    spec(run={"python": "a:b", "args": nested(40)})
    with pytest.raises(ValidationError, match="is nested more than 50 levels deep; hand over a file instead"):
        spec(run={"python": "a:b", "args": nested(52)})


def test_a_mapping_that_contains_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    with pytest.raises(ValidationError, match="is nested more than 50 levels deep"):
        spec(run={"python": "a:b", "kwargs": endless})


def test_a_delay_that_is_longer_than_the_longest_is_no_mistake() -> None:
    """Waits stop growing at max_delay; who writes a delay of two hours means two hours."""
    assert spec(retry={"attempts": 3, "delay": "2h"}).retry.delay == timedelta(hours=2)


def test_retries_may_follow_at_once() -> None:
    assert spec(retry={"attempts": 3, "delay": "0s"}).retry.delay == timedelta(0)


def test_a_spec_may_be_made_of_what_it_dumps() -> None:
    job = spec(timeout="5m", schedule={"at": "2027-01-01", "end": "2028-01-01"})
    assert JobSpec.model_validate(job.model_dump()) == job
    assert JobSpec.model_validate(job.model_dump(mode="json")) == job


def test_the_models_have_a_json_schema_that_describes_each_field() -> None:
    schema = JobSpec.model_json_schema()
    properties = [
        *schema["properties"].values(),
        *(p for d in schema["$defs"].values() for p in d.get("properties", {}).values()),
    ]
    assert [field for field in properties if not field.get("description")] == []
    assert schema["additionalProperties"] is False
    assert document().keys() == {*schema["required"], "schedule"}
    assert schema["oneOf"] == [{"required": ["schedule"]}, {"required": ["after"]}]
