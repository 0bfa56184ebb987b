"""Who asks, and whether they may.

Programs of this machine may do nearly everything as long as no token was made and nothing stands in front that passes
on what others ask. Otherwise control needs a token with that scope, and reading one with any, unless the settings leave
it open.
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
    g.caller = Caller(_address(), Scope.OPEN.scopes, "nobody")  # for the page that says what is wrong
    origins.check_host()
    if request.method not in SAFE and tokens.bearer() is None:
        origins.check_origin()
    del g.caller
    scope = scope_needed()
    if scope is Scope.OPEN or (scope in _nobody().scopes and tokens.carried() is None):
        return
    g.caller = _nobody()  # likewise
    g.caller = who = _identified()
    if scope not in who.scopes:
        _refuse(who, scope)


def require_token(what: str, why: str) -> None:
    """Refuse the current request, which ``check_sender`` let through, if no token came with it.

    Args:
        what: what is asked for, as the beginning of a sentence.
        why: what makes that more than other requests that need control.

    Raises:
        Unauthorized: a program of this machine asks, and there is no token yet.
    """
    if caller().via != "token":
        _ask_for_token(what, f"also on this machine, since {why}", Scope.CONTROL)


def caller() -> Caller:
    """Return who sent the current request; whose token is not valid, or not known now, is nobody."""
    if "caller" not in g:
        g.caller = _nobody()
        with suppress(HTTPException, DatabaseUnavailableError):
            g.caller = _identified()
    found: Caller = g.caller
    return found


def may(scope: Scope) -> bool:
    """Whether the sender of the current request may do what needs *scope*. Looks for no token where none is needed."""
    return ("caller" not in g and scope in _nobody().scopes) or scope in caller().scopes


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
    """Whether only a program of this machine can have sent it: a proxy would make everybody one.

    One that passes nothing on but the request cannot be told from a program, so there must be no sign of any.
    """
    parts = backend()
    here = not (parts.exposed or parts.rules.proxies or parts.rules.known_elsewhere)
    return here and origins.names_this_machine() and not origins.is_passed_on()


def _nobody() -> Caller:
    scope = Scope.READ if backend().rules.open_to_readers else Scope.OPEN
    return Caller(_address(), scope.scopes, "nobody")


def _address() -> str:
    return request.remote_addr or "unknown"


def _refuse(who: Caller, scope: Scope) -> NoReturn:
    what = "Changing anything" if scope is Scope.CONTROL else "Reading"
    if who.via == "token":
        raise Forbidden(
            f'The token "{who.name}" may only read. {what} needs one with the scope {scope.value}: {_how(scope)}.'
        )
    _ask_for_token(what, f"here, since {_why()}", scope)


def _ask_for_token(what: str, where: str, scope: Scope) -> NoReturn:
    raise Unauthorized(f"{what} needs a token {where}: {_how(scope)}.", www_authenticate=tokens.challenge())


def _how(scope: Scope) -> str:
    return _HOW.format(scope=scope.value, root=request.script_root)


def _why() -> str:
    parts = backend()
    if parts.exposed:
        return "the API listens beyond this machine (api.host is not 127.0.0.1)"
    if parts.rules.proxies or origins.is_passed_on() or not origins.names_this_machine():
        return "the API is asked through a proxy"
    if parts.rules.known_elsewhere:
        return "the API is known beyond this machine (api.public_url or api.hosts)"
    return "tokens were made"
