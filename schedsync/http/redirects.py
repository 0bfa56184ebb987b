"""Where an answer points to, and what is sent there. Pure."""

from dataclasses import replace
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from schedsync.http.failing import FailedError
from schedsync.http.request import Message

_OF_ADDRESSES = "%/:?#[]@!$&'()*+,;=~"
MOST = 5
"""Redirects that are followed."""
_STATUSES = frozenset({301, 302, 303, 307, 308})
_OF_BODIES = frozenset({"content-type"})
_PORTS = {"http": 80, "https": 443}
_FOR_ANYBODY = frozenset({"accept", "content-type", "idempotency-key", "user-agent"})
"""Headers that another host gets, too; all others may say who asks."""


def points_on(status: int, location: str | None) -> bool:
    """Whether an answer says where else to ask."""
    return status in _STATUSES and location is not None


def followed(message: Message, status: int, location: str) -> Message:
    """Return what is sent next.

    Raises:
        FailedError: nothing may be sent there.
    """
    old, new = urlsplit(message.url), _pointed_to(message.url, location)
    if old.scheme == "https" and new.scheme == "http":
        raise FailedError(f"the answer points from https to {new.geturl()}, where others could read along")
    moved = replace(message, url=new.geturl())
    if (status == 303 and message.method != "HEAD") or (status in {301, 302} and message.method == "POST"):
        moved = replace(_without(moved, _OF_BODIES), method="GET", body=None, file=None)
    if _origin(old) != _origin(new):
        if moved.body is not None or moved.file is not None:
            raise FailedError(f"the answer points to {moved.url}, elsewhere, where no body is sent: write that url")
        private = frozenset(name.lower() for name in message.headers) - _FOR_ANYBODY
        moved = _without(moved, private)
    return moved


def _pointed_to(url: str, location: str) -> SplitResult:
    """Return the address that *location* means in an answer from *url*."""
    try:
        # Headers are bytes, and some servers send an address as it is read by people.
        new = urlsplit(urljoin(url, quote(location.encode("latin-1"), safe=_OF_ADDRESSES)))
        usable = new.scheme in {"http", "https"} and new.hostname and new.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise FailedError(f"the answer points to {location}, which is no address of a web service")
    return new._replace(netloc=new.netloc.rpartition("@")[2], fragment="")


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    return url.scheme, url.hostname, url.port or _PORTS.get(url.scheme)


def _without(message: Message, names: frozenset[str]) -> Message:
    return replace(message, headers={name: v for name, v in message.headers.items() if name.lower() not in names})
