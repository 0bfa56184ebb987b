"""The JSON schemas of what requests say and answers hold, described in the words that stand in the source.

The words are read from there when somebody asks, not when the models are made: only few processes ever show them.
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cache
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

Schema = dict[str, Any]
Mode = Literal["validation", "serialization"]
PLACE = "#/components/schemas/"


def schemas(models: Iterable[tuple[type[BaseModel], Mode]], place: str = PLACE) -> dict[str, Schema]:
    """Return the schemas of *models* and of all that they consist of, by name. They refer to each other at *place*."""
    generator = _Described(ref_template=place + "{model}")
    wanted = dict.fromkeys(models)
    _, found = generator.generate_definitions([(model, mode, model.__pydantic_core_schema__) for model, mode in wanted])
    return {name: _with_members(generator.enums.get(name), _mended(shown)) for name, shown in found.items()}


def reference(model: type[BaseModel]) -> Schema:
    """Return what stands for the schema of *model* where that is used."""
    return {"$ref": f"{PLACE}{model.__name__}"}


def prose(docstring: str | None) -> str:
    """Return what *docstring* says in sentences, as Markdown, without its lists of arguments and errors."""
    text = inspect.cleandoc(docstring or "").partition("\nRaises:")[0].partition("\nArgs:")[0]
    return re.sub(r"``(.+?)``", r"`\1`", text.strip())


class _Described(GenerateJsonSchema):
    """Adds what the source says of fields and members; leaves out titles, which say names again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.enums: dict[str, type[Enum]] = {}
        """Those that were met, by name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's name
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        return _with_words(schema["cls"], super().model_schema(schema))

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> Schema:
        return _with_words(schema["cls"], super().dataclass_schema(schema))

    def enum_schema(self, schema: core_schema.EnumSchema) -> Schema:
        self.enums[schema["cls"].__name__] = schema["cls"]
        return super().enum_schema(schema)


def _mended(shown: Any) -> Any:
    """Return *shown* with the lengths of lists: pydantic gives them as those of texts where other checks come first."""
    if isinstance(shown, list):
        return [_mended(each) for each in shown]
    if not isinstance(shown, dict):
        return shown
    names = {"minLength": "minItems"} if shown.get("type") == "array" else {}
    return {names.get(key, key): _mended(value) for key, value in shown.items()}


def _with_members(kind: type[Enum] | None, shown: Schema) -> Schema:
    if kind is None:
        return shown
    shown.pop("title", None)
    words = _words(kind)
    members = [f"- `{member.value}`: {words[member.name]}" for member in kind if member.name in words]
    return shown | {"description": "\n".join([f"{prose(kind.__doc__)}\n", *members]).strip()}


def _with_words(kind: type, shown: Schema) -> Schema:
    shown.pop("title", None)
    words = _words(kind)
    for name, field in shown.get("properties", {}).items():
        if name in words:
            field.setdefault("description", words[name])
        if field.get("default", ...) is None:
            del field["default"]  # it says no more than that the field may be absent
    return shown | {"description": prose(kind.__doc__)}


def _words(kind: type) -> dict[str, str]:
    """Return what the source says of the fields of *kind*, also of those that it has from others."""
    return {
        name: text
        for base in reversed(kind.__mro__)
        if base.__module__.startswith("schedsync.")
        for name, text in _classes(base.__module__).get(base.__name__, {}).items()
    }


@cache
def _classes(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: dict(_fields(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for statement, after in pairwise(node.body):
        match statement, after:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, prose(text)
