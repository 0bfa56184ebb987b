"""The part of an answer that a header ``Range`` asks for (RFC 9110): one range of bytes, others are passed over."""

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable


def ranged(response: Response) -> Response:
    """Return *response*, or the part of it that the current request asks for.

    Raises:
        RequestedRangeNotSatisfiable: there is no such part.
    """
    response.make_conditional(request)
    response.headers["Accept-Ranges"] = "bytes"
    wanted = request.range
    one = wanted is not None and wanted.units == "bytes" and len(wanted.ranges) == 1
    if wanted is None or not one or response.status_code != 200 or not _is_unchanged(response):
        return response
    data = response.get_data()
    start, stop = _within(len(data), *wanted.ranges[0])
    if start >= stop:
        raise RequestedRangeNotSatisfiable(len(data), description=f"the log has {len(data)} bytes")
    response.set_data(data[start:stop])
    response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    response.status_code = 206
    return response


def _within(length: int, start: int, stop: int | None) -> tuple[int, int]:
    """Return the range, cut to what there is; one that begins below 0 is so many bytes at the end."""
    return (max(length + start, 0), length) if start < 0 else (start, min(length, length if stop is None else stop))


def _is_unchanged(response: Response) -> bool:
    """Whether the answer is the one that the client has a part of already, if it says that it has."""
    had = request.headers.get("If-Range")
    return had is None or had == response.headers.get("ETag")
