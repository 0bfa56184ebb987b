"""The token that a request carries, and whether it is one. What is refused is counted, and told the audit log later."""

import logging
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn, cast

from flask import Flask, Response, current_app, g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import TooManyRequests, Unauthorized

from schedsync.access import Token, id_in
from schedsync.api.attempts import EACH, Attempts
from schedsync.api.backend import Backend, backend
from schedsync.api.keyring import Keyring
from schedsync.clock import rfc3339
from schedsync.errors import MissingRightError

log = logging.getLogger(__name__)

COOKIE = "schedsync_token"
REFUSED = "auth_failed"
"""The action in the audit log."""
_KEY = "schedsync-tokens"
_BEARER = "bearer "
_NOT_VALID = (
    "This token is not valid: it is unknown, has expired or was revoked. `schedsync token list` shows those that there"
    " are, `schedsync token create NAME --scope read` (or control) makes one."
)


@dataclass(frozen=True, slots=True)
class _State:
    keyring: Keyring
    attempts: Attempts


def register(app: Flask, parts: Backend) -> None:
    """Give *app* its memory of tokens and refusals."""
    keyring = Keyring(parts.store.tokens.all, parts.clock, lambda: _why_away(parts))
    app.extensions[_KEY] = _State(keyring, Attempts(parts.clock))
    app.after_request(_forget_bad_cookie)


def bearer() -> str | None:
    """Return the token in the header of the current request; other kinds of credentials are for others to judge."""
    header = request.headers.get("Authorization", "")
    return header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else None


def carried() -> str | None:
    """Return the token of the current request, from its header or else its cookie."""
    found = bearer()
    return request.cookies.get(COOKIE) if found is None else found


def challenge(**more: str) -> WWWAuthenticate:
    """Return what says that a token is wanted, with *more* about why."""
    said = {"realm": "schedsync", **more}
    # As one piece, since Werkzeug leaves out quotation marks where it may, and RFC 9110 wants them around a realm.
    return WWWAuthenticate("bearer", token=", ".join(f'{name}="{value}"' for name, value in said.items()))


def none_exist() -> bool:
    """Whether no token was ever made.

    Raises:
        DatabaseUnavailableError: that is not known now.
    """
    return _state(current_app).keyring.is_empty


def identify(text: str) -> Token:
    """Return the token whose text is *text*.

    Raises:
        Unauthorized: it is none, or not any more.
        TooManyRequests: likewise, and too many came from there before; it was not looked for.
        DatabaseUnavailableError: it is not known, and the database cannot be asked.
    """
    state, address, token_id = _state(current_app), request.remote_addr or "", id_in(text)
    wait = state.attempts.must_wait(address)
    token = None if token_id is None else state.keyring.find(token_id)  # which looks once a second at most
    if wait is not None and (token is None or not token.is_text(text)):
        _turn_away(wait)
    if token is None or not token.is_text(text) or not token.in_force(backend().clock()):
        _refuse(state.attempts, address, text, token)
    state.keyring.note_use(token)
    return token


def write_down(app: Flask, parts: Backend) -> None:
    """Keep when tokens were used, and what was refused since the last call, unless the database is away.

    Raises:
        DatabaseUnavailableError: some of it could not be written.
    """
    if parts.vitals.away:
        return
    try:
        _write_uses(_state(app).keyring, parts)
        _write_refused(_state(app).attempts, parts)
    except MissingRightError:  # an instance whose user only reads
        log.debug("the use of tokens cannot be written down")


def _write_uses(keyring: Keyring, parts: Backend) -> None:
    uses = keyring.take_uses()
    try:
        parts.store.tokens.used(uses)
    except BaseException:
        keyring.give_back(uses)
        raise


def _write_refused(attempts: Attempts, parts: Backend) -> None:
    now = parts.clock()
    for refused in attempts.take_refused():
        times = "1 request" if refused.count == 1 else f"{refused.count} requests"
        reason = f"{times} with a token that is not valid, since {rfc3339(refused.since)}"
        parts.store.audit.record(at=now, actor=f"api:{refused.address}", action=REFUSED, job_id=None, reason=reason)


def _refuse(attempts: Attempts, address: str, text: str, token: Token | None) -> NoReturn:
    backend().metrics.requests.authentication_failed()
    count = attempts.note(address)
    if count in {1, EACH}:  # the first one, and the one from which on nothing is looked for
        log.warning(
            "a token was refused",
            extra={"address": address, "token": None if token is None else token.id, "times": count},
        )
    g.bad_cookie = bearer() is None and text == request.cookies.get(COOKIE)
    raise Unauthorized(_NOT_VALID, www_authenticate=challenge(error="invalid_token"))


def _turn_away(wait: timedelta) -> NoReturn:
    backend().metrics.requests.authentication_failed()
    seconds = max(1, math.ceil(wait.total_seconds()))
    raise TooManyRequests(
        f"Too many tokens that are not valid came from this address; try again in {seconds} s.", retry_after=seconds
    )


def _forget_bad_cookie(response: Response) -> Response:
    """Let a browser forget a token that is over: it would be refused what is open to those without one."""
    if g.get("bad_cookie", False) and COOKIE in request.cookies:
        response.delete_cookie(COOKIE, path=cookie_path(), httponly=True, samesite="Strict", secure=request.is_secure)
    return response


def cookie_path() -> str:
    """Return the part of the site that the cookie is for: all of this service, as browsers see it."""
    return f"{request.script_root}/"


def _why_away(parts: Backend) -> str | None:
    return str(parts.vitals.read().database_error) if parts.vitals.away else None


def _state(app: Flask) -> _State:
    return cast("_State", app.extensions[_KEY])
