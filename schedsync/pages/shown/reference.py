"""The description of the API as people read it: what there is to ask for, in groups, and the shapes of it."""

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
_REF = "#/components/schemas/"
_WORDS = {"date-time": "time", "string": "text", "boolean": "true or false", "integer": "whole number"}
_LIMITS = {"minimum": "from {}", "maximum": "to {}", "maxLength": "at most {} characters", "default": "default {}"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a sentence or of the name of a type."""

    text: str
    code: bool = False
    shape: str = ""
    """The name of the shape that it leads to, if it does."""


Prose = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a shape."""

    name: str
    place: str
    """"path", "query" or, of a field, nothing."""
    required: bool
    kind: Prose
    meant: Prose
    limits: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A way to answer."""

    status: str
    meant: Prose
    kind: Prose


@dataclass(frozen=True, slots=True)
class Operation:
    """Something to ask for."""

    name: str
    method: str
    path: str
    summary: Prose
    meant: Prose
    scope: str
    """What a token has to allow; nothing where none is ever needed."""
    fields: tuple[Field, ...]
    body: Prose
    body_needed: bool
    answers: tuple[Answer, ...]
    curl: str


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that belong together."""

    title: str
    meant: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of JSON."""

    name: str
    meant: tuple[Prose, ...]
    """In lines."""
    fields: tuple[Field, ...]
    values: tuple[str, ...]
    """Of a closed set."""
    example: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The whole description."""

    meant: tuple[Prose, ...]
    """In paragraphs."""
    groups: tuple[Group, ...]
    shapes: tuple[Shape, ...]


def reference(document: Schema, address: str) -> Reference:
    """Lay out an OpenAPI document of a service that is reached at *address*."""
    shapes = document["components"]["schemas"]
    return Reference(
        tuple(prose(" ".join(part.split())) for part in document["info"]["description"].strip().split("\n\n")),
        tuple(_group(document, tag, address) for tag in document["tags"]),
        tuple(_shape(name, shapes[name]) for name in sorted(shapes)),
    )


def prose(text: str) -> Prose:
    """Return *text* in pieces: what stands between backticks is code."""
    parts = enumerate(re.split(r"`(.+?)`", text))
    return tuple(Piece(part, code=bool(number % 2)) for number, part in parts if part)


def kind(schema: Schema) -> Prose:
    """Return the type that *schema* allows, in pieces."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        return (Piece(name, code=True, shape=name),)
    if "anyOf" in schema or "allOf" in schema:
        between = Piece(" or " if "anyOf" in schema else " with ")
        return _joined([kind(each) for each in schema.get("anyOf") or schema["allOf"]], between)
    if schema.get("type") == "array":
        return (Piece("list of "), *kind(schema["items"]))
    return (Piece(_plain(schema)),)


def _joined(kinds: list[Prose], between: Piece) -> Prose:
    unlike = list(dict.fromkeys(kinds))
    return tuple(piece for each in unlike for piece in (between, *each))[1:]


def _plain(schema: Schema) -> str:
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    name = str(schema.get("format") or schema.get("type") or "anything")
    return _WORDS.get(name, name)


def _group(document: Schema, tag: Schema, address: str) -> Group:
    found = (
        _operation(path, method, shown, document, address)
        for path, methods in document["paths"].items()
        for method, shown in methods.items()
        if tag["name"] in shown["tags"]
    )
    return Group(tag["name"], tag["description"], tuple(found))


def _operation(path: str, method: str, shown: Schema, document: Schema, address: str) -> Operation:
    body = shown.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return Operation(
        name=shown["operationId"],
        method=method.upper(),
        path=path,
        summary=prose(shown["summary"]),
        meant=prose(" ".join(shown.get("description", "").split())),
        scope=next((scope for need in shown["security"] for scope in need.get("token", ())), ""),
        fields=tuple(_parameter(each) for each in shown.get("parameters", ())),
        body=kind(body) if body else (),
        body_needed=shown.get("requestBody", {}).get("required", False),
        answers=tuple(_answer(status, each) for status, each in shown["responses"].items()),
        curl=_curl(path, method, shown, document, address),
    )


def _parameter(shown: Schema) -> Field:
    schema = shown["schema"]
    limits = ", ".join(words.format(schema[key]) for key, words in _LIMITS.items() if key in schema)
    meant = prose(shown["description"])
    return Field(shown["name"], shown["in"], bool(shown.get("required")), kind(schema), meant, limits)


def _answer(status: str, shown: Schema) -> Answer:
    content: Schema = shown.get("content", {})
    media = next(iter(content), "")
    if media == "application/problem+json":
        return Answer(status, prose(shown["description"]), (Piece("Problem", code=True, shape="Problem"),))
    whole = content.get(media, {}).get("schema", {})
    schema = whole.get("allOf", [whole])[0]  # what it has besides while the database is away is said elsewhere
    return Answer(status, prose(shown["description"]), kind(schema) if "$ref" in schema else prose(media))


def _curl(path: str, method: str, shown: Schema, document: Schema, address: str) -> str:
    examples = {each["name"]: each.get("example", "") for each in shown.get("parameters", ())}
    url = address + re.sub(r"{(\w+)}", lambda part: examples[part[1]], path)
    words = ["curl", *(["-X", method.upper()] if method != "get" else [])]
    if any("token" in need for need in shown["security"]) and {} not in shown["security"]:
        words += ["-H", "Authorization: Bearer TOKEN"]
    words += _body(shown, document)
    return shlex.join([*words, url])


def _body(shown: Schema, document: Schema) -> list[str]:
    schema = shown.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").removeprefix(_REF)
    examples = document["components"]["schemas"].get(name, {}).get("examples", ())
    if not any(examples):
        return []
    return ["-H", "Content-Type: application/json", "-d", json.dumps(examples[0])]


def _shape(name: str, schema: Schema) -> Shape:
    required = schema.get("required", ())
    examples = schema.get("examples", ())
    return Shape(
        name,
        tuple(prose(line) for line in schema.get("description", "").splitlines() if line),
        tuple(_field(each, shown, each in required) for each, shown in schema.get("properties", {}).items()),
        tuple(str(value) for value in schema.get("enum", ())),
        json.dumps(examples[0], indent=2) if any(examples) else "",
    )


def _field(name: str, schema: Schema, required: bool) -> Field:  # noqa: FBT001 - one of its columns
    return Field(name, "", required, kind(schema), prose(schema.get("description", "")), "")
