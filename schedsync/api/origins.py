"""Where requests may come from: names that this service is known by, and pages that are its own.

A page in a browser on this machine could reach a service on loopback, too, by a name that its owner lets point to
127.0.0.1 (DNS rebinding) or by a form that posts here; browsers say so in headers.
"""

import re
from ipaddress import ip_address

from flask import request
from werkzeug.exceptions import Forbidden

from schedsync.access import is_this_machine
from schedsync.api.backend import backend
from schedsync.specs.wording import shown

_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:]+)\]|(?P<name>[a-z0-9.-]+))(?::[0-9]*)?")
_PASSED_ON = (
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "Forwarded", "Via"),
    *("X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP"),
)
_NAMES_HERE = (
    "while the API listens on this machine only, use localhost, 127.0.0.1 or [::1]. A proxy in front that passes on its"
    " own name needs it in api.hosts."
)
_NAMES_BEYOND = (
    "this service is served under its addresses, and under the names in api.public_url and api.hosts. If this is one of"
    " its names, too, add it to api.hosts."
)


def check_host() -> None:
    """Refuse a name that is not this service's, where it is known which are.

    While it listens on this machine only, those are the names of this machine and those in the settings. Beyond it they
    are known if the settings have some. It is served under any address then, too: who asks whether it lives often knows
    nothing else of it, and nobody can let an address point here.

    Raises:
        Forbidden: it is another one; the description says what to do.
    """
    parts = backend()
    if parts.exposed and not parts.rules.hosts:
        return
    is_known, how = (_is_ours_or_address, _NAMES_BEYOND) if parts.exposed else (_is_ours, _NAMES_HERE)
    for host in (request.headers.get("Host"), _told_to_proxy()):
        if not is_known(host):
            raise Forbidden(f"The Host header is {shown(host)}; {how}")


def check_origin() -> None:
    """Refuse a request that a page of somebody else makes a browser send.

    Raises:
        Forbidden: it is one.
    """
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    ours = {f"{request.scheme}://{host}".lower(), backend().rules.origin}
    if origin is not None and origin.lower() not in ours:
        raise Forbidden(f"The Origin header is {shown(origin)}; pages of other origins may not change anything here.")
    site = request.headers.get("Sec-Fetch-Site")
    if site not in {None, "same-origin", "none"}:
        raise Forbidden(f"The Sec-Fetch-Site header is {shown(site)}; pages of other sites may not change anything.")


def names_this_machine() -> bool:
    """Whether the current request names this machine as programs on it do."""
    name = _name()
    return name is not None and is_this_machine(name)


def is_passed_on() -> bool:
    """Whether a proxy says that it passes the current request on for somebody."""
    return any(name in request.headers for name in _PASSED_ON)


def _name() -> str | None:
    return _name_in(request.headers.get("Host"))


def _name_in(host: str | None) -> str | None:
    match = _HOST.fullmatch((host or "").lower())
    return None if match is None else match["ipv6"] or match["name"]


def _is_ours(host: str | None) -> bool:
    name = _name_in(host)
    return name is not None and (is_this_machine(name) or name in backend().rules.hosts)


def _is_ours_or_address(host: str | None) -> bool:
    if host is None:  # a check by HTTP/1.0; browsers always send one
        return True
    return _is_address(_name_in(host) or "") or _is_ours(host)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _told_to_proxy() -> str | None:
    """Return the Host header as it came here: a page may claim to come through a proxy that was told another one."""
    before: dict[str, str | None] = request.environ.get("werkzeug.proxy_fix.orig", {})
    return before.get("HTTP_HOST") or request.headers.get("Host")
