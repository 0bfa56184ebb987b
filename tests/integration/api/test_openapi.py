"""The description of the API is valid, whole and true. Whether answers are as it says, the acceptance tests try."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.routing import Rule

from schedsync.api.app import create_app
from schedsync.api.endpoint import described
from schedsync.api.examples import EXAMPLES
from schedsync.api.paging import LONGEST
from schedsync.api.parsing import RUN_ID
from schedsync.api.problems import Kind
from schedsync.runs.run import RunState
from schedsync.specs.ids import check_id
from tests.integration.api.conftest import Installation


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    return dict(client.get("/openapi.json").get_json())


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["operationId"]: each for methods in document["paths"].values() for each in methods.values()}


def validator(document: dict[str, Any], name: str) -> OAS31Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return OAS31Validator(schema, format_checker=OAS31Validator.FORMAT_CHECKER)


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def _is_described(here: Installation, rule: Rule) -> bool:
    return described(create_app(here.backend).view_functions[rule.endpoint]) is not None


def test_each_view_of_the_api_says_what_it_takes_and_answers(here: Installation) -> None:
    rules = [rule for rule in create_app(here.backend).url_map.iter_rules() if rule.rule.startswith("/api")]
    assert len(rules) > 10
    assert [rule.rule for rule in rules if not _is_described(here, rule)] == []


def test_each_path_and_each_method_is_in_the_document(here: Installation, document: dict[str, Any]) -> None:
    rules = [rule for rule in create_app(here.backend).url_map.iter_rules() if _is_described(here, rule)]
    served = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == {(path, method) for path, methods in document["paths"].items() for method in methods}


def test_operations_are_told_apart_by_their_names(document: dict[str, Any]) -> None:
    names = operations(document)
    assert len(names) == sum(len(methods) for methods in document["paths"].values())
    assert {"get_jobs", "get_job", "get_job_runs", "post_job_pause", "get_run_log", "post_pause"} <= set(names)
    tags = {tag["name"] for tag in document["tags"]}
    assert all(set(each["tags"]) <= tags for each in names.values())


def test_everything_that_can_be_said_is_described_and_has_a_type(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        assert operation["summary"], name
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (name, parameter)
            assert {"type", "enum", "anyOf", "$ref"} & set(parameter["schema"]), (name, parameter)
    for name in (name for name, shape in document["components"]["schemas"].items() if "Wish" in name):
        fields = document["components"]["schemas"][name]["properties"]
        assert all(field["description"] and len(field) > 1 for field in fields.values()), name


def test_limits_defaults_and_closed_sets_are_said(document: dict[str, Any]) -> None:
    limit = operations(document)["get_jobs"]["parameters"][0]
    assert (limit["name"], limit["in"]) == ("limit", "query")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": LONGEST, "default": 100}
    schemas = document["components"]["schemas"]
    assert schemas["RunState"]["enum"] == [state.value for state in RunState]
    assert "`lost`: Its instance ended" in schemas["RunState"]["description"]
    assert schemas["JobView"]["properties"]["state"]["enum"] == ["active", "paused", "suspended", "finished"]
    assert schemas["RunView"]["properties"]["scheduled_at"]["format"] == "date-time"
    assert schemas["JobView"]["properties"]["stale"]["description"].startswith("Whether its file is broken")
    assert schemas["Problem"]["properties"]["type"]["enum"] == [*(kind.uri for kind in Kind), "about:blank"]


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "a" * 200])
def test_ids_have_the_pattern_that_is_said(document: dict[str, Any], name: str) -> None:
    (parameter,) = operations(document)["get_job"]["parameters"]
    check = OAS31Validator(parameter["schema"])
    assert check.is_valid(check_id(name))
    assert not any(check.is_valid(bad) for bad in ("", "-a", "a b", "a" * 201, "ä"))
    (parameter,) = operations(document)["get_run"]["parameters"]
    assert parameter["schema"]["pattern"] == f"^{RUN_ID.pattern}$"


def test_each_shape_that_is_answered_or_taken_has_an_example_that_fits(document: dict[str, Any]) -> None:
    shapes = {operation_shape(each) for each in operations(document).values()} - {None}
    assert shapes <= set(EXAMPLES)
    for name in EXAMPLES:
        (example,) = document["components"]["schemas"][name]["examples"]
        assert list(validator(document, name).iter_errors(example)) == [], name


def operation_shape(operation: dict[str, Any]) -> str | None:
    contents = [answer.get("content", {}) for status, answer in operation["responses"].items() if status < "300"]
    schema = contents[0].get("application/json", {}).get("schema", {})
    shown: str | None = schema.get("allOf", [schema])[0].get("$ref")
    return shown and shown.rpartition("/")[2]


def test_who_may_ask_is_said(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    found = operations(document)
    assert found["get_health"]["security"] == []
    assert found["get_jobs"]["security"] == [{"token": ["read"]}, {}]
    assert found["post_job_run"]["security"] == [{"token": ["control"]}]
    assert "401" not in found["get_health"]["responses"]


def test_what_is_not_well_is_answered_by_health_in_its_own_shape(document: dict[str, Any]) -> None:
    for name in ("get_health", "get_ready"):
        answers = operations(document)[name]["responses"]
        assert answers["503"]["content"] == answers["200"]["content"]


def test_the_address_of_the_server_has_the_prefix_under_which_it_is_served(client: FlaskClient) -> None:
    assert client.get("/openapi.json").get_json()["servers"] == [{"url": "/"}]
    prefixed = client.get("/openapi.json", environ_overrides={"SCRIPT_NAME": "/schedule"})
    assert prefixed.get_json()["servers"] == [{"url": "/schedule"}]
