"""Which connection goes when there are too many: whoever holds many makes room for the others. Pure."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Protocol, TypeVar


class Connection(Protocol):
    """What is looked at of a connection."""

    @property
    def addr(self) -> Any:
        """Where it comes from; the first part is the address, the others tell its connections apart."""

    @property
    def requests(self) -> Sequence[Any]:
        """Those that were received wholly and are in work."""

    @property
    def last_activity(self) -> float:
        """When something came or went on it last, in seconds."""


C = TypeVar("C", bound=Connection)


def longest_idle(connections: Collection[C]) -> C | None:
    """Return the connection without work that goes first; None when all have some.

    It is one of the address that has the most, whichever that is: behind a proxy everybody has the proxy's. Of several
    it is the one on which nothing came or went for longest, whether a request has begun to come on it or not.
    """
    held = Counter(connection.addr[0] for connection in connections)
    idle = [connection for connection in connections if not connection.requests]
    return max(idle, key=lambda one: (held[one.addr[0]], -one.last_activity), default=None)
