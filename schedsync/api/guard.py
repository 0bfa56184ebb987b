"""Who may ask: this machine's programs may do everything, web pages of others nothing, other machines only read.

Without tokens the address is all that protects the API. A page in a browser on this machine could reach it too, by a
name that its owner lets point to 127.0.0.1 (DNS rebinding) or by a form that posts here; browsers say so in headers.
"""

import re
from ipaddress import ip_address

from flask import request
from werkzeug.exceptions import Forbidden

from schedsync.api.backend import backend
from schedsync.specs.wording import shown

_SAFE = {"GET", "HEAD", "OPTIONS"}
_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:]+)\]|(?P<name>[a-z0-9.-]+))(?::[0-9]*)?")


def check_sender() -> None:
    """Refuse the current request if it comes from elsewhere than it may.

    Raises:
        Forbidden: it does; the description says what is wrong and what to do instead.
    """
    exposed, changes = backend().exposed, request.method not in _SAFE
    if not exposed:
        _check_host()
    if changes and exposed:
        raise Forbidden(
            "The API listens beyond this machine, so it only reads: control from other machines needs tokens, which"
            " this version does not have. Use the command line on the host, or let the API listen on 127.0.0.1."
        )
    if changes:
        _check_origin()


def sender() -> str:
    """Return who asks, as decisions are signed."""
    return f"api:{request.remote_addr}"


def _check_host() -> None:
    host = request.headers.get("Host")
    if host is None or not _is_loopback(host):
        raise Forbidden(
            f"The Host header is {shown(host)}; while the API listens on this machine only, use localhost, 127.0.0.1"
            " or [::1]."
        )


def _check_origin() -> None:
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    if origin is not None and origin.lower() != f"{request.scheme}://{host}".lower():
        raise Forbidden(f"The Origin header is {shown(origin)}; pages of other origins may not change anything here.")
    site = request.headers.get("Sec-Fetch-Site")
    if site not in {None, "same-origin", "none"}:
        raise Forbidden(f"The Sec-Fetch-Site header is {shown(site)}; pages of other sites may not change anything.")


def _is_loopback(host: str) -> bool:
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return False
    name = match["ipv6"] or match["name"]
    return name == "localhost" or _is_loopback_address(name)


def _is_loopback_address(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
