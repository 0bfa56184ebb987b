"""How schemas are said in words."""

from typing import Any

import pytest

from schedsync.pages.shown.reference import Piece, kind, prose

KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "whole number": {"type": "integer"},
    "a | b": {"type": "string", "enum": ["a", "b"]},
    "text or null": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "list of text": {"type": "array", "items": {"type": "string"}},
    "list of Run": {"type": "array", "items": {"$ref": "#/components/schemas/Run"}},
    "Run with Aged": {"allOf": [{"$ref": "#/components/schemas/Run"}, {"$ref": "#/components/schemas/Aged"}]},
    "anything": {},
}


@pytest.mark.parametrize(("said", "schema"), KINDS.items())
def test_a_type_is_said_in_words(said: str, schema: dict[str, Any]) -> None:
    assert "".join(piece.text for piece in kind(schema)) == said


def test_a_shape_is_a_link() -> None:
    assert kind({"$ref": "#/components/schemas/Run"}) == (Piece("Run", code=True, shape="Run"),)


def test_what_stands_between_backticks_is_code() -> None:
    assert prose("Made by `schedsync token`.") == (
        Piece("Made by "),
        Piece("schedsync token", code=True),
        Piece("."),
    )
    assert prose("") == ()
