"""Who asks, and whether they may.

Programs of this machine may do everything as long as no token was made and no proxy stands in front. Otherwise control
needs a token with that scope, and reading one with any, unless the settings leave it open.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, NoReturn

from flask import Flask, g, request
from werkzeug.exceptions import Forbidden, HTTPException, Unauthorized

from schedsync.access import Scope, Token
from schedsync.api import origins, tokens
from schedsync.api.backend import Backend, backend
from schedsync.api.endpoint import SAFE, scope_needed
from schedsync.errors import DatabaseUnavailableError

_HOW = (
    "make one with `schedsync token create NAME --scope {scope}`, and send it as `Authorization: Bearer TOKEN` or log"
    " in at {root}/login"
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request."""

    name: str
    """Of the token, or the address."""
    scopes: frozenset[Scope]
    via: Literal["local", "token", "nobody"]
    """How that is known: a program of this machine that needs no token, a token, or not at all."""


def register(app: Flask, parts: Backend) -> None:
    """Let *app* check each request before anything else is done with it."""
    tokens.register(app, parts)
    app.before_request(check_sender)


def check_sender() -> None:
    """Refuse the current request if whoever sent it may not.

    Raises:
        Unauthorized: it takes a token, or the one that was sent is not valid.
        Forbidden: the token's scope does not include it, or it comes from elsewhere than it may.
        TooManyRequests: its token is not valid, like many before it.
        DatabaseUnavailableError: whether it may is not known now.
    """
    origins.check_host()
    if request.method not in SAFE and tokens.bearer() is None:
        origins.check_origin()
    scope = scope_needed()
    if scope is Scope.OPEN or (scope in _nobody().scopes and tokens.carried() is None):
        return
    g.caller = _nobody()  # for the page that says what is wrong
    g.caller = who = _identified()
    if scope not in who.scopes:
        _refuse(who, scope)


def caller() -> Caller:
    """Return who sent the current request; whose token is not valid, or not known now, is nobody."""
    if "caller" not in g:
        g.caller = _nobody()
        with suppress(HTTPException, DatabaseUnavailableError):
            g.caller = _identified()
    found: Caller = g.caller
    return found


def may(scope: Scope) -> bool:
    """Whether the sender of the current request may do what needs *scope*."""
    return scope in caller().scopes


def sender() -> str:
    """Return who asks, as decisions are signed."""
    who = caller()
    return f"token:{who.name}" if who.via == "token" else f"api:{who.name}"


def holder(token: Token) -> Caller:
    """Return who has *token*."""
    return Caller(token.name, token.scope.scopes, "token")


def _identified() -> Caller:
    text = tokens.carried()
    if text is not None:
        return holder(tokens.identify(text))
    if _is_local() and tokens.none_exist():
        return Caller(_address(), Scope.CONTROL.scopes, "local")
    return _nobody()


def _is_local() -> bool:
    """Whether only a program of this machine can have sent it: a proxy would make everybody one."""
    parts = backend()
    here = not parts.exposed and not parts.rules.proxies
    return here and origins.names_this_machine() and not origins.is_passed_on()


def _nobody() -> Caller:
    scope = Scope.READ if backend().rules.open_to_readers else Scope.OPEN
    return Caller(_address(), scope.scopes, "nobody")


def _address() -> str:
    return request.remote_addr or "unknown"


def _refuse(who: Caller, scope: Scope) -> NoReturn:
    how = _HOW.format(scope=scope.value, root=request.script_root)
    what = "Changing anything" if scope is Scope.CONTROL else "Reading"
    if who.via == "token":
        raise Forbidden(f'The token "{who.name}" may only read. {what} needs one with the scope {scope.value}: {how}.')
    raise Unauthorized(f"{what} needs a token here, since {_why()}: {how}.", www_authenticate=tokens.challenge())


def _why() -> str:
    parts = backend()
    if parts.exposed:
        return "the API listens beyond this machine (api.host is not 127.0.0.1)"
    if parts.rules.proxies or origins.is_passed_on() or not origins.names_this_machine():
        return "the API is asked through a proxy"
    return "tokens were made"
