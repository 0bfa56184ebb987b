"""How answers travel: with a validator, so that who asks again gets them once, and compressed where that pays.

The validator is a digest of the body before it is compressed. It is strong for the body as it is and weak for the
compressed one, which is other bytes that say the same; ``If-None-Match`` compares weakly, so either is taken.
"""

import gzip
from hashlib import blake2b
from http import HTTPStatus

from flask import Flask, Response, request

SMALLEST = 1024
"""In bytes; what is shorter fits into one packet anyway."""
LARGEST_FILE = 1 << 20
"""In bytes; a longer file is sent as it is, without being read into memory."""
_LEVEL = 1
"""Of compression: the fastest. Further levels take some times as long for a few percent."""
_TEXTS = {"application/json", "application/problem+json", "image/svg+xml", "application/javascript"}
_IN_PART = {HTTPStatus.NO_CONTENT, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED}
_NEVER_AGAIN = "no-store"
_ASK_AGAIN = "private, no-cache"
"""May be kept, and has to be asked for again each time, which an unchanged answer makes cheap."""


def register(app: Flask) -> None:
    """Let *app* send its answers so. To be called before others look at answers, who then do so earlier."""
    app.after_request(_send)


def _send(response: Response) -> Response:
    _read_file(response)
    _validate(response)
    response.headers.setdefault("Cache-Control", _ASK_AGAIN if "ETag" in response.headers else _NEVER_AGAIN)
    if _is_text(response):
        _vary(response)
    if _is_known(response):
        return _not_modified(response)
    if _is_text(response) and _pays(response):
        _compress(response)
    return response


def _vary(response: Response) -> None:
    if "Vary" in response.headers:
        response.vary.add("Accept-Encoding")
    else:
        response.headers["Vary"] = "Accept-Encoding"


def _read_file(response: Response) -> None:
    if response.direct_passthrough and _is_text(response) and (response.content_length or LARGEST_FILE) < LARGEST_FILE:
        response.direct_passthrough = False
        response.make_sequence()
        response.close()  # the file; what it holds is in memory now


def _validate(response: Response) -> None:
    whole = request.method in {"GET", "HEAD"} and response.status_code == HTTPStatus.OK and response.is_sequence
    if whole and not response.cache_control.no_store:
        response.headers.setdefault("ETag", f'"{blake2b(response.get_data(), digest_size=16).hexdigest()}"')


def _is_known(response: Response) -> bool:
    tag, _ = response.get_etag()
    return tag is not None and response.status_code == HTTPStatus.OK and request.if_none_match.contains_weak(tag)


def _not_modified(response: Response) -> Response:
    response.status_code = HTTPStatus.NOT_MODIFIED
    response.set_data(b"")
    for name in ("Content-Length", "Content-Type"):
        response.headers.pop(name, None)
    return response


def _is_text(response: Response) -> bool:
    return response.mimetype in _TEXTS or (response.mimetype or "").startswith("text/")


def _pays(response: Response) -> bool:
    whole = response.status_code not in _IN_PART and "Content-Encoding" not in response.headers
    return whole and _wants_gzip() and response.is_sequence and len(response.get_data()) >= SMALLEST


def _wants_gzip() -> bool:
    qualities = {name.lower(): quality for name, quality in request.accept_encodings}
    return qualities.get("gzip", qualities.get("*", 0)) > 0  # what is named counts, also beside a better star


def _compress(response: Response) -> None:
    response.set_data(gzip.compress(response.get_data(), _LEVEL, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    tag, _ = response.get_etag()
    if tag is not None:
        response.set_etag(tag, weak=True)
