"""Requests to webhooks and to monitors, by the standard library alone; proxies are those of the environment."""

import hashlib
import hmac
import json
from email.message import Message
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from schedsync.notify import request

SIGNATURE = "X-Schedsync-Signature"
"""The header of a signed request: ``sha256=`` and the HMAC of the body as hex digits."""


class DeliveryError(Exception):
    """It did not arrive; the text says why."""


class _NoRedirect(HTTPRedirectHandler):
    """Lets a redirect be an error: a POST that is sent on would lose its body or show it to somebody else."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        """Return nothing."""
        del req, fp, code, msg, headers, newurl
        return None


def post_webhook(asked: request.Request) -> None:
    """Post a notice as JSON, signed when there is a secret.

    Raises:
        DeliveryError: it was not taken.
    """
    body = json.dumps({**asked.fields, "title": asked.title, "body": asked.body}).encode()
    headers = {"Content-Type": "application/json"}
    if asked.secret is not None:
        headers[SIGNATURE] = f"sha256={hmac.new(asked.secret.encode(), body, hashlib.sha256).hexdigest()}"
    _send(Request(asked.url, data=body, headers=headers, method="POST"), asked.seconds)  # noqa: S310 - settings name it


def ping(asked: request.Request) -> None:
    """Tell a monitor, with the body as it is.

    Raises:
        DeliveryError: it was not taken.
    """
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    body = asked.body.encode(errors="replace")
    _send(Request(asked.url, data=body, headers=headers, method="POST"), asked.seconds)  # noqa: S310 - the job names it


def _send(sent: Request, seconds: float) -> None:
    sent.add_header("User-Agent", "schedsync")
    try:
        with build_opener(_NoRedirect).open(sent, timeout=seconds):
            pass
    except HTTPError as error:
        with error:
            raise DeliveryError(f"the server answered {error.code} {error.reason}") from None
    except (URLError, OSError, ValueError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise DeliveryError(str(reason) or type(error).__name__) from None
