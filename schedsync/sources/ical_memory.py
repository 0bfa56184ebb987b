"""What iCalendar files say, by their content, so that each is read once in the life of a process.

To read one may take some seconds, and more than the reconcile loop asks: so do pages that show where a value comes
from, and programs that write job files. One that cannot be read is not tried again either while it stays as it is.
"""

import hashlib
from collections import OrderedDict
from threading import Lock

from schedsync.sources.icalendar import Days, MissingLibraryError, days_in

MOST = 200_000
"""Days that are remembered of all files together, some 20 MB; those that were asked for last."""


class IcalMemory:
    """Remembers what was read. Methods may be called from any thread."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = Lock()
        self._known: OrderedDict[bytes, Days | str] = OrderedDict()
        """By digest, those that were asked for last at the end; a text: why it cannot be read."""
        self._size = 0

    def days_in(self, data: bytes) -> Days:
        """Return the days on which the events in *data* are.

        Raises:
            ValueError: it cannot be read; the message says why.
        """
        digest = hashlib.sha256(data).digest()
        with self._lock:
            said = self._known.get(digest)
            if said is not None:
                self._known.move_to_end(digest)
        if said is None:
            said = _said(data)
            self._keep(digest, said)
        if isinstance(said, str):
            raise ValueError(said)  # noqa: TRY004 - it is the content that is wrong
        return said

    def _keep(self, digest: bytes, said: Days | str) -> None:
        with self._lock:
            if digest not in self._known:
                self._known[digest] = said
                self._size += _size(said)
            while self._size > self._most and len(self._known) > 1:
                self._size -= _size(self._known.popitem(last=False)[1])


def _said(data: bytes) -> Days | str:
    try:
        return days_in(data)
    except MissingLibraryError:
        raise  # it may be there next time
    except ValueError as error:
        return str(error)


def _size(said: Days | str) -> int:
    return 1 if isinstance(said, str) else 1 + len(said.dates) + len(said.yearly)
