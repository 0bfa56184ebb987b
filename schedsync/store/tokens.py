"""Tokens, each decision about them with its line in the audit log. Their texts are nowhere here."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, insert, or_, select, update

from schedsync.access import Scope, Token
from schedsync.clock import rfc3339
from schedsync.store import tables
from schedsync.store.database import Database
from schedsync.store.rows import LAST, update_for_each
from schedsync.store.syncs import insert_audit

_tokens = tables.tokens.c
_COLUMNS = tuple(_tokens[field.name] for field in fields(Token))


class TokenTable:
    """The tokens, also those that are over. Each method is one transaction and may raise DatabaseUnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Token]:
        """Return all tokens, oldest first."""
        statement = select(*_COLUMNS).order_by(_tokens.created_at, _tokens.id)
        with self._database.read() as connection:
            return [_token(row) for row in connection.execute(statement)]

    def create(self, token: Token) -> None:
        """Keep a new token."""
        self._database.retrying(lambda: self._create(token))

    def revoke(self, token_id: str, *, by: str, now: datetime) -> Token | None:
        """End a token, and return it as it is then; one that was revoked before stays as it was. None: there is none.

        Args:
            token_id: which one.
            by: who decides.
            now: the time (UTC).
        """
        return self._database.retrying(lambda: self._revoke(token_id, by, now))

    def used(self, times: Mapping[str, datetime]) -> None:
        """Note when tokens were used last (id -> UTC); a later time that is written already stays."""
        rows = [{"b_id": token_id, "b_at": at, "last_used_at": at} for token_id, at in times.items()]
        if rows:
            self._database.retrying(lambda: self._used(rows))

    def _create(self, token: Token) -> None:
        with self._database.write() as connection:
            _audit(connection, token, "token_create", by=token.created_by, at=token.created_at)
            connection.execute(insert(tables.tokens), asdict(token), execution_options=LAST)

    def _revoke(self, token_id: str, by: str, now: datetime) -> Token | None:
        same = _tokens.id == token_id
        valid = update(tables.tokens).where(same, _tokens.revoked_at.is_(None)).values(revoked_at=now)
        with self._database.write() as connection:
            revoked = connection.execute(valid).rowcount > 0
            row = connection.execute(select(*_COLUMNS).where(same)).one_or_none()
            token = None if row is None else _token(row)
            if revoked and token is not None:
                _audit(connection, token, "token_revoke", by=by, at=now)
        return token

    def _used(self, rows: list[dict[str, Any]]) -> None:
        at: ColumnElement[Any] = bindparam("b_at", type_=_tokens.last_used_at.type)
        earlier = or_(_tokens.last_used_at.is_(None), _tokens.last_used_at < at)
        statement, values = update_for_each(tables.tokens, rows, _tokens.id == bindparam("b_id"), earlier)
        with self._database.write() as connection:
            connection.execute(statement, values, execution_options=LAST)


def _audit(connection: Connection, token: Token, action: str, *, by: str, at: datetime) -> None:
    until = "" if token.expires_at is None else f", until {rfc3339(token.expires_at)}"
    reason = f"{token.name} ({token.id}), scope {token.scope.value}{until}"
    insert_audit(connection, at=at, actor=by, action=action, job_id=None, reason=reason)


def _token(row: Row[Any]) -> Token:
    given: dict[str, Any] = dict(zip((column.name for column in _COLUMNS), row, strict=True))
    return Token(**given | {"scope": Scope(given["scope"])})
