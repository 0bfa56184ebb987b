"""Expressions: what is searched for, and that no expression can hold up the engine."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedsync.specs.expressions import Expression, ExpressionError, any_of, check_expression
from tests.unit.specs.strategies import REPRODUCIBLE


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"ORA-\d{5}", "at once ORA-00942: no table", True),
        (r"ORA-\d{5}", "ORA-942", False),
        (r"^ERROR", "no ERROR", False),
        (r"(?i)error$", "an Error", True),
        (r"größe", "die größe", True),
    ],
)
def test_an_expression_is_found_anywhere_in_a_text(pattern: str, text: str, found: bool) -> None:
    assert Expression(check_expression(pattern)).found_in(text) is found


@pytest.mark.parametrize("pattern", [r"(x+x+)+y", r"(a|aa)+$", r"(.*a){20}b", r"^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_expressions_that_explode_elsewhere_take_no_time(pattern: str) -> None:
    began = time.process_time()
    Expression(pattern).found_in("x" * 2_000 + "a" * 2_000 + "!")
    assert time.process_time() - began < 1  # where expressions backtrack, this would take longer than the universe


@REPRODUCIBLE
@given(st.lists(st.binary(min_size=1).filter(bytes.isascii), max_size=4), st.binary().filter(bytes.isascii))
def test_words_are_found_as_they_are_whatever_they_mean_in_expressions(words: list[bytes], text: bytes) -> None:
    anything = any_of(words)
    assert anything.found_in(text.decode()) is any(word in text for word in words)
    assert all(anything.found_in((text + word + text).decode()) for word in words)


def test_each_character_can_be_looked_for() -> None:
    for byte in range(128):
        assert any_of([bytes([byte])]).found_in(chr(byte))
        assert not any_of([bytes([byte])]).found_in(chr((byte + 1) % 128))


def test_words_outside_ascii_are_left_out() -> None:
    assert not any_of(["größe".encode()]).found_in("anything")


def test_a_refusal_knows_where_the_mistake_is() -> None:
    with pytest.raises(ExpressionError) as refused:
        Expression("größe[z-a]")
    assert refused.value.offset == 6
