"""Scopes and tokens."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedsync.access import Rules, Scope, id_in, is_this_machine, new_token
from tests.builders import NOW


def test_a_scope_includes_those_below_it() -> None:
    assert Scope.CONTROL.scopes == {Scope.OPEN, Scope.READ, Scope.CONTROL}
    assert Scope.READ.scopes == {Scope.OPEN, Scope.READ}
    assert Scope.OPEN.scopes == {Scope.OPEN}


def test_a_token_is_known_by_its_text_of_which_only_a_digest_is_kept() -> None:
    token, text = new_token("ci", Scope.READ, by="ann", now=NOW)
    assert re.fullmatch(r"sst_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", text)
    assert id_in(text) == token.id
    assert token.is_text(text)
    assert text.split("_", 2)[2] not in repr(token)


@given(st.data())
def test_a_token_with_one_other_sign_is_none(data: st.DataObject) -> None:
    token, text = new_token("ci", Scope.READ, by="ann", now=NOW)
    place = data.draw(st.integers(0, len(text) - 1))
    sign = data.draw(st.characters().filter(lambda drawn: drawn != text[place]))
    assert not token.is_text(text[:place] + sign + text[place + 1 :])


@given(st.text())
def test_what_is_no_token_has_no_id(text: str) -> None:
    assert id_in(text) is None


def test_no_two_tokens_are_alike() -> None:
    assert len({new_token("ci", Scope.READ, by="ann", now=NOW)[1] for _ in range(100)}) == 100


def test_a_token_is_active_until_its_end_or_until_it_is_revoked() -> None:
    token, _ = new_token("ci", Scope.READ, by="ann", now=NOW, expires_at=NOW + timedelta(days=1))
    assert [token.state(NOW + timedelta(hours=hours)) for hours in (0, 23, 24)] == ["active", "active", "expired"]


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a\n", "ü", "a" * 64, "a/b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a token's name has 1 to 63 of the characters"):
        new_token(name, Scope.READ, by="ann", now=NOW)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_a_name_of_this_machine_makes_it_known_nowhere_else(name: str) -> None:
    assert is_this_machine(name)
    assert not Rules(hosts=frozenset({name, "localhost"})).known_elsewhere


@pytest.mark.parametrize("name", ["sched.example", "10.0.0.1", "::", "localhost.example", "0.0.0.0", "127.0.0.1.x"])
def test_another_name_makes_it_known_elsewhere(name: str) -> None:
    assert not is_this_machine(name)
    assert Rules(hosts=frozenset({name, "localhost"})).known_elsewhere
