"""The one place that knows Apprise: mail, chats, pagers, by URL."""

import logging

from schedsync.notify.request import Request
from schedsync.notify.web import DeliveryError

INSTALL = "install it with `pip install apprise`"


class _Heard(logging.Handler):
    """Keeps what Apprise says: its answer alone does not say why."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what names a failure."""
        said = record.getMessage()
        if record.levelno >= logging.WARNING or "xception" in said:
            self.lines.append(said)


def why_not(url: str) -> str | None:
    """Return why nothing can be told at *url*, as far as that can be known without trying; None when it can."""
    try:
        _target(url)
    except DeliveryError as error:
        return str(error)
    return None


def notify(asked: Request) -> None:
    """Hand a notice over.

    Raises:
        DeliveryError: it did not arrive, Apprise is missing, or it does not know such a URL.
    """
    target = _target(asked.url)
    heard, log = _Heard(), logging.getLogger("apprise")
    log.setLevel(logging.DEBUG)
    log.addHandler(heard)
    arrived = target.notify(title=asked.title, body=asked.body, notify_type=asked.severity)
    if not arrived:
        raise DeliveryError("; ".join(dict.fromkeys(heard.lines)) or "the service did not take it, and did not say why")


def _target(url: str):  # type: ignore[no-untyped-def] # noqa: ANN202 - Apprise's, which is not always installed
    try:
        import apprise  # noqa: PLC0415 - an extra
    except ImportError:
        raise DeliveryError(f"Apprise, which this channel needs, is missing; {INSTALL}") from None
    logging.getLogger("apprise").propagate = False  # it says URLs as they are
    target = apprise.Apprise()
    if not target.add(url):
        scheme = url.partition(":")[0]
        raise DeliveryError(
            f'Apprise does not know such a URL ("{scheme}://..."); its documentation says how to write it'
        )
    return target
