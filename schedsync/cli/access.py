"""What a look at who may ask over HTTP finds: by the settings, and by whether there are tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from schedsync.access import Scope, Token, is_this_machine
from schedsync.cli.findings import Finding, Verdict
from schedsync.clock import utc_now
from schedsync.errors import SchedsyncError
from schedsync.settings import ApiSettings, Settings
from schedsync.store.examination import PATIENCE
from schedsync.store.store import Store

_MAKE = "make one with `schedsync token create NAME --scope control`"


def of_access(settings: Settings) -> Finding:
    """Look at who may ask the status API. Changes nothing."""
    api, subject = settings.api, "access"
    details = {"exposed": api.exposed, "proxies": api.proxies, "read": api.read, "tokens": None}
    if not api.enabled:
        return Finding(subject, Verdict.OK, ("the status API is off",), details)
    where = _reached_by(api)
    tokens = None if where is None and not api.write_files else _tokens(settings)
    warnings = [*_of_reading(api, where), *(_of_control(api, where) if _is_out_of_control(tokens) else ())]
    verdict = Verdict.WARNING if warnings else Verdict.OK
    details["tokens"] = None if tokens is None else len(tokens)
    return Finding(subject, verdict, tuple(warnings) or (_standing(api, where),), details)


def _is_out_of_control(tokens: Sequence[Token] | None) -> bool:
    """Whether it is known that nobody has a token with which jobs can be controlled."""
    now = utc_now()
    return tokens is not None and not any(
        Scope.CONTROL in token.scope.scopes and token.in_force(now) for token in tokens
    )


def _reached_by(api: ApiSettings) -> str | None:
    """Return the setting by which other machines reach the API, and what it is; None when none says so."""
    if api.exposed:
        return f"api.host is {api.host}"
    if api.proxies:
        return f"api.proxies is {api.proxies}"
    if not api.rules.known_elsewhere:
        return None
    elsewhere = [name for name in api.hosts if not is_this_machine(name)]
    return f"api.hosts is {', '.join(elsewhere)}" if elsewhere else f"api.public_url is {api.public_url}"


def _of_reading(api: ApiSettings, where: str | None) -> Iterator[str]:
    if where is not None and api.read == "open":
        yield f'other machines may read jobs, runs and what they print ({where}); with api.read = "token" they need one'


def _of_control(api: ApiSettings, where: str | None) -> Iterator[str]:
    """Yield what nobody may do as long as there is no token for it, though one would think so."""
    if where is not None and not api.exposed and not api.proxies:
        yield (
            f"nobody may control jobs over HTTP, also on this machine, before there is a token ({where}); {_MAKE}, and"
            " set api.proxies where a proxy passes on what others ask"
        )
    if api.write_files:
        yield f"nobody may write job files over HTTP (api.write_files is true) before there is a token; {_MAKE}"


def _standing(api: ApiSettings, where: str | None) -> str:
    if where is not None:
        return f"other machines need a token to read and to control ({where}); `schedsync token list` shows them"
    if api.write_files:
        return "only programs of this machine reach the API; to write job files they need a token"
    return "only programs of this machine reach the API; they may do everything until a token is made"


def _tokens(settings: Settings) -> Sequence[Token] | None:
    """Return the tokens that there are, also those that are over; None: the database does not tell."""
    address = settings.database.store_address(settings.node)
    try:
        store = Store.open(replace(address, call_timeout=address.call_timeout or PATIENCE, untouched=True))
    except SchedsyncError:
        return None
    try:
        if store.is_new:
            return ()
        store.require_current()
        return store.tokens.all()
    except SchedsyncError:
        return None
    finally:
        store.close()
