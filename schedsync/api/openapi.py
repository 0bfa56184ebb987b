"""The description of the API (OpenAPI 3.1), made of what stands on each view, so that it cannot say something else."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise
from typing import Any

from flask import Flask
from pydantic import BaseModel

from schedsync import __version__
from schedsync.access import Scope
from schedsync.api.answers import HEADER
from schedsync.api.endpoint import JSON, Endpoint, described
from schedsync.api.examples import EXAMPLES
from schedsync.api.following import DONE, NEXT
from schedsync.api.problems import MEDIA_TYPE, PLAIN, Kind, Problem
from schedsync.api.shapes import Mode, Schema, prose, reference, schemas

_TOKEN = "token"  # noqa: S105 - the name of a scheme
_MEANT = """\
Jobs come from files; this API says how they are, and lets operators pause, resume and run them. Times are RFC 3339 in
UTC. What is absent is null. Parameters and fields that are not listed are errors.

On an installation without tokens that only this machine knows and reaches, no token is asked for, but to write job
files. Elsewhere, what changes something needs a token of the scope `control`; whether reading needs one depends on the
settings.
"""
_TAGS = {
    "Jobs": (("/api/jobs", "/api/schedule-job", "/api/remove-job"), "What is scheduled, and pauses of it."),
    "Runs": (("/api/runs", "/api/queue"), "What happened, what happens and what waits."),
    "History": (("/api/syncs", "/api/audit"), "What steps changed, and what people decided."),
    "Service": (("/",), "How the service is, and what concerns all jobs."),
}
"""The paths of each group of operations; the first that fits counts."""
_IN_PATHS: dict[str, Schema] = {
    "job_id": {
        "description": "The id of a job.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$"},
        "example": "erp.nightly-dump",
    },
    "run_id": {
        "description": "The id of a run.",
        "schema": {"type": "string", "pattern": "^[0-9A-Za-z._-]{1,32}$"},
        "example": "019ab4c2e5d07f3a9c1b2d4e",
    },
}
_HEADERS: dict[str, Schema] = {
    "ETag": {"description": "A digest of what the answer says.", "schema": {"type": "string"}},
    HEADER: {
        "description": "When the store was looked at last, where the answer does not come from it.",
        "schema": {"type": "string", "format": "date-time"},
    },
    NEXT: {"description": "The byte to ask from next.", "schema": {"type": "integer"}},
    DONE: {
        "description": "Whether the run has ended and this is all.",
        "schema": {"type": "string", "enum": ["true", "false"]},
    },
    "Retry-After": {"description": "Seconds after which to ask again.", "schema": {"type": "string"}},
}
_AGED: Schema = {
    "type": "object",
    "description": "What an answer has besides while the database is away.",
    "properties": {"as_of": {"type": "string", "format": "date-time", "description": _HEADERS[HEADER]["description"]}},
}
_OF_ANY = (400, 403, 429, 503)


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path, and what stands on its view."""

    path: str
    method: str
    about: Endpoint
    meant: str
    """What the view says it does."""

    @property
    def name(self) -> str:
        """Its operationId, such as ``get_job_runs``: what is one of many is named in the singular."""
        parts = self.path.removeprefix("/api").split("/")[1:]
        named = [_one_of(part) if after.startswith("{") else part for part, after in pairwise([*parts, ""])]
        words = [part for part in named if part and not part.startswith("{")]
        return re.sub(r"\W", "_", "_".join([self.method, *words]))

    @property
    def tag(self) -> str:
        """The group that it belongs to."""
        return next(tag for tag, (paths, _) in _TAGS.items() if self.path.startswith(paths))


def operations(app: Flask) -> list[Operation]:
    """Return what the API of *app* can do, by path."""
    found = [operation for rule in app.url_map.iter_rules() for operation in _of_rule(app, rule)]
    return sorted(found, key=lambda operation: (operation.path, operation.method))


def document(app: Flask) -> Schema:
    """Return the OpenAPI document of *app*, without the address where it is served."""
    found = operations(app)
    known = schemas(_models(found))
    paths: Schema = {}
    for operation in found:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation, known)
    queries = {each.about.query.__name__ for each in found if each.about.query is not None}
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "schedsync",
            "version": __version__,
            "summary": "A folder of job files is the schedule.",
            "description": _MEANT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "tags": [{"name": name, "description": meant} for name, (_, meant) in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {name: _shown(name, known[name]) for name in sorted(known) if name not in queries}
            | {"Aged": _AGED},
            "headers": _HEADERS,
            "securitySchemes": {_TOKEN: _scheme()},
        },
    }


def _shown(name: str, schema: Schema) -> Schema:
    return {**schema, "examples": [EXAMPLES[name]]} if name in EXAMPLES else schema


def _of_rule(app: Flask, rule: Any) -> Iterator[Operation]:
    view: Callable[..., Any] = app.view_functions[rule.endpoint]
    about = described(view)
    if about is not None:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            yield Operation(path, method.lower(), about, prose(view.__doc__))


def _models(found: list[Operation]) -> Iterator[tuple[type[BaseModel], Mode]]:
    yield Problem, "serialization"
    for operation in found:
        about = operation.about
        yield from ((model, "validation") for model in (about.query, about.body) if model is not None)
        if about.answers is not None:
            yield about.answers, "serialization"


def _operation(operation: Operation, known: dict[str, Schema]) -> Schema:
    about = operation.about
    summary, *rest = re.split(r"\.(?:\s+|$)", operation.meant, maxsplit=1)
    shown: Schema = {"operationId": operation.name, "tags": [operation.tag], "summary": summary}
    shown |= {"description": rest[0]} if any(rest) else {}
    shown["security"] = _security(about.scope)
    parameters = [*_in_path(operation.path), *_in_query(about, known)]
    if parameters:
        shown["parameters"] = parameters
    if about.body is not None:
        shown["requestBody"] = {"required": about.body_needed, "content": {JSON: {"schema": reference(about.body)}}}
    return shown | {"responses": {str(status): _response(operation, status) for status in _statuses(operation)}}


def _in_path(path: str) -> Iterator[Schema]:
    for name in re.findall(r"{(\w+)}", path):
        yield {"name": name, "in": "path", "required": True} | _IN_PATHS[name]


def _in_query(about: Endpoint, known: dict[str, Schema]) -> Iterator[Schema]:
    shape = {} if about.query is None else known[about.query.__name__]
    for name, field in shape.get("properties", {}).items():
        schema = {key: value for key, value in field.items() if key != "description"}
        if not isinstance(schema.get("default"), int | str):
            schema.pop("default", None)  # what it becomes is not what could be written
        yield {"name": name, "in": "query", "description": field.get("description", ""), "schema": schema}


def _statuses(operation: Operation) -> list[int]:
    about = operation.about
    found = {about.status, *about.also, *about.alike, *_OF_ANY}
    if operation.method == "get":
        found.add(304)
    if about.scope is not Scope.OPEN:
        found.add(401)
    if about.body is not None:
        found |= {413, 415}
    return sorted(found)


def _response(operation: Operation, status: int) -> Schema:
    about, phrase = operation.about, HTTPStatus(status).phrase
    if status == HTTPStatus.NOT_MODIFIED:
        return {"description": "What `If-None-Match` names is still what would be answered.", "headers": _named("ETag")}
    if status >= HTTPStatus.BAD_REQUEST and status not in about.alike:
        return _problem(status, phrase)
    shown: Schema = {"description": phrase, "content": {about.media: {"schema": _answer(operation)}}}
    if operation.method == "get" and status == HTTPStatus.OK:
        shown["headers"] = _named("ETag", *([HEADER] if about.scope is Scope.READ else []), *about.headers)
    return shown


def _answer(operation: Operation) -> Schema:
    about = operation.about
    if about.answers is None:
        return {"type": "object" if about.media == JSON else "string"}
    if operation.method != "get" or about.scope is not Scope.READ:
        return reference(about.answers)
    return {"allOf": [reference(about.answers), {"$ref": "#/components/schemas/Aged"}]}


def _problem(status: int, phrase: str) -> Schema:
    kinds = [kind for kind in Kind if kind.status == status]
    means = {"type": {"enum": [*(kind.uri for kind in kinds), PLAIN]}, "status": {"const": status}}
    shown: Schema = {
        "description": ". ".join([*(kind.title for kind in kinds), *([] if kinds else [phrase])]),
        "content": {MEDIA_TYPE: {"schema": {"allOf": [reference(Problem), {"properties": means}]}}},
    }
    return shown | ({"headers": _named("Retry-After")} if status in {429, 503} else {})


def _named(*headers: str) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in headers}


def _security(scope: Scope) -> list[Schema]:
    if scope is Scope.OPEN:
        return []
    needed: Schema = {_TOKEN: [str(scope)]}
    return [needed, {}] if scope is Scope.READ else [needed]


def _scheme() -> Schema:
    return {"type": "http", "scheme": "bearer", "description": "Made by `schedsync token create`."}


def _one_of(name: str) -> str:
    return name.removesuffix("s")
