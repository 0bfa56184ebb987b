"""`schedsync schema`: what editors check and complete job files with, against the files themselves."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given

from schedsync.cli.exits import Exit
from schedsync.cli.schema import KINDS
from schedsync.cli.schemas import schema_of
from schedsync.sources.yaml_text import build, compose
from tests.integration.cli.harness import CommandLine
from tests.unit.specs.strategies import REPRODUCIBLE, documents

ROOT = Path(__file__).parents[3]
VALIDATORS = {kind: jsonschema_rs.Draft202012Validator(schema_of(kind), validate_formats=True) for kind in KINDS}
JOB: dict[str, Any] = {"schedule": {"cron": "30 2 * * *"}, "run": {"shell": "true"}}


def kind_of(file: Path) -> str:
    return "defaults" if file.name.startswith("_defaults") else "calendar" if file.parent.name == "calendars" else "job"


def files() -> Iterator[Path]:
    for folder in ("jobs.d", "examples"):
        yield from (file for file in (ROOT / folder).rglob("*.yaml") if file.name != "compose.yaml")


def mistakes(kind: str, value: object) -> list[str]:
    return [error.message for error in VALIDATORS[kind].iter_errors(value)]


@REPRODUCIBLE
@given(documents)
def test_what_is_a_job_is_one_by_the_schema(document: dict[str, Any]) -> None:
    as_yaml = json.loads(json.dumps(document))
    assert mistakes("job", as_yaml) == []
    assert mistakes("job", {"jobs": [as_yaml, as_yaml]}) == []
    assert mistakes("defaults", {key: as_yaml[key] for key in as_yaml.keys() - {"id", "renamed_from", "after"}}) == []


@pytest.mark.parametrize("file", [*files()], ids=lambda file: str(file.relative_to(ROOT)))
def test_the_examples_are_files_by_the_schema(file: Path) -> None:
    nodes = compose(file.read_text(), file.name)
    assert isinstance(nodes, list)
    assert [mistakes(kind_of(file), build(node)) for node in nodes] == [[]] * len(nodes)


@pytest.mark.parametrize(
    "change",
    [
        {"timout": "5m"},
        {"overlap": "sometimes"},
        {"retry": {"attempts": "many"}},
        {"schedule": {"cron": "@daily", "every": "5m"}},
        {"schedule": []},
        {"schedule": {"cron": "@daily", "exclude": 5}},
        {"after": {"other": "sometimes"}},
        {"run": {"shell": "a", "script": "b"}},
        {"run": "true"},
        {"jobs": []},
    ],
    ids=str,
)
def test_what_is_no_job_is_none_by_the_schema(change: dict[str, Any]) -> None:
    assert mistakes("job", JOB) == []
    assert mistakes("job", JOB | change) != []


def test_defaults_may_hold_a_part_of_anything_but_what_is_of_one_job() -> None:
    part = {"schedule": {"timezone": "Europe/Berlin"}, "run": {"env": {"A": 1}}, "retry": {"attempts": 3}}
    assert mistakes("defaults", part) == []
    for more in ({"id": "a"}, {"after": {"a": "any"}}, {"retry": {"attemps": 3}}, {"schedule": {"zone": "UTC"}}):
        assert mistakes("defaults", part | more) != []


def test_a_calendar_has_files_of_others_and_no_name() -> None:
    calendar = {
        "ical": ["de.ics"],
        "include": "company",
        "weekdays": ["Sat", "sun"],
        "exclude": {"dates": ["2026-12-24"]},
    }
    assert mistakes("calendar", calendar) == []
    wrong: list[dict[str, Any]] = [{"name": "a"}, {"weekdays": ["caturday"]}, {"dates": ["24.12.2026"]}, {"ical": {}}]
    for more in wrong:
        assert mistakes("calendar", calendar | more) != []


def test_every_field_says_what_it_is() -> None:
    def silent(schema: Any, path: str) -> Iterator[str]:
        for name, field in schema.get("properties", {}).items():
            if "description" not in field and "const" not in field:
                yield f"{path}.{name}"

    for kind in KINDS:
        whole = schema_of(kind)
        parts = {kind: whole, **whole["$defs"]}
        found = [each for name, part in parts.items() for each in silent(part, name) if each != "job.jobs"]
        assert found == []


def test_it_is_printed_as_json_and_that_of_a_job_without_a_word(cli: CommandLine) -> None:
    for kind in KINDS:
        assert cli("schema", kind).json == schema_of(kind)
        jsonschema_rs.meta.validate(schema_of(kind))
    assert cli("schema").json == schema_of("job")
    assert cli("schema", "jobs").code == Exit.USAGE
