"""Tokens in the store: kept without their texts, each decision in the audit log."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from schedsync.access import Scope, Token, new_token
from schedsync.store import tables
from schedsync.store.store import Store
from tests.contract.builders import MINUTE, NOW


def made(store: Store, name: str = "ci", scope: Scope = Scope.CONTROL, **more: timedelta) -> Token:
    ends = NOW + more["lasts"] if "lasts" in more else None
    token, _ = new_token(name, scope, by="cli:ann", now=NOW, expires_at=ends)
    store.tokens.create(token)
    return token


def audit(store: Store) -> list[tuple[str, str, str]]:
    """Action, actor and reason of each decision, in their order."""
    columns = tables.audit.c
    with store.database.read() as connection:
        rows = connection.execute(select(tables.audit).order_by(columns.happened_at, columns.id))
        return [(row.action, row.actor, row.reason) for row in rows]


def test_a_token_comes_back_as_it_was_made(store: Store) -> None:
    one, other = made(store, lasts=90 * timedelta(days=1)), made(store, "wall", Scope.READ)
    assert {token.id: token for token in store.tokens.all()} == {one.id: one, other.id: other}


def test_the_text_of_a_token_is_nowhere_in_the_database(store: Store) -> None:
    token, text = new_token("ci", Scope.READ, by="ann", now=NOW)
    store.tokens.create(token)
    secret = text.split("_", 2)[2]
    with store.database.read() as connection:
        for table in tables.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                assert secret[:20] not in str(tuple(row)), table.name


def test_two_tokens_of_one_id_cannot_be(store: Store) -> None:
    token = made(store)
    with pytest.raises(IntegrityError):
        store.tokens.create(replace(token, name="other"))
    assert store.tokens.all() == [token]


def test_a_revoked_token_stays_as_it_was_revoked_first(store: Store) -> None:
    token, other = made(store), made(store, "other")
    revoked = replace(token, revoked_at=NOW + MINUTE)
    assert store.tokens.revoke(token.id, by="bob", now=NOW + MINUTE) == revoked
    assert store.tokens.revoke(token.id, by="cy", now=NOW + 2 * MINUTE) == revoked
    assert {each.id: each for each in store.tokens.all()} == {token.id: revoked, other.id: other}


def test_revoking_what_there_is_not_changes_nothing(store: Store) -> None:
    token = made(store)
    assert store.tokens.revoke("0" * 12, by="bob", now=NOW) is None
    assert store.tokens.all() == [token]


def test_each_decision_is_in_the_audit_log_once(store: Store) -> None:
    token = made(store, lasts=timedelta(days=1))
    for _ in range(2):
        store.tokens.revoke(token.id, by="bob", now=NOW + MINUTE)
    said = f"ci ({token.id}), scope control, until 2026-"
    assert [(action, actor) for action, actor, _ in audit(store)] == [
        ("token_create", "cli:ann"),
        ("token_revoke", "bob"),
    ]
    assert all(reason.startswith(said) for _, _, reason in audit(store))


def test_when_tokens_were_used_last_is_kept_and_does_not_go_back(store: Store) -> None:
    one, other, third = made(store), made(store, "other"), made(store, "third")
    store.tokens.used({one.id: NOW + MINUTE, other.id: NOW + MINUTE})
    store.tokens.used({one.id: NOW, other.id: NOW + 2 * MINUTE, "0" * 12: NOW})
    store.tokens.used({})
    times = {token.id: token.last_used_at for token in store.tokens.all()}
    assert times == {one.id: NOW + MINUTE, other.id: NOW + 2 * MINUTE, third.id: None}
