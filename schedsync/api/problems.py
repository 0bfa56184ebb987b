"""Errors as answers: each error is mapped once, here, to a problem document (RFC 9457)."""

import logging
from dataclasses import asdict
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from schedsync.api.files import WritingOffError
from schedsync.api.parsing import MalformedRequestError, Mistake
from schedsync.control import BadWishError
from schedsync.errors import (
    DatabaseUnavailableError,
    JobNotFoundError,
    MissingRightError,
    RunNotFoundError,
    SchemaError,
)
from schedsync.sources.job_files import JobFileConflictError, RefusedJobError, UnwritableFolderError
from schedsync.specs.problem import Problem

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "5"
"""Seconds after which a client may ask again whether the database is back."""


def register(app: Flask) -> None:
    """Let *app* answer every error with a problem document."""
    app.register_error_handler(MalformedRequestError, _malformed)
    app.register_error_handler(BadWishError, _bad_wish)
    app.register_error_handler(WritingOffError, _no_writing)
    app.register_error_handler(RefusedJobError, _no_job)
    app.register_error_handler(JobFileConflictError, _conflict)
    app.register_error_handler(UnwritableFolderError, _no_right)
    app.register_error_handler(JobNotFoundError, _no_such_job)
    app.register_error_handler(RunNotFoundError, _no_such_run)
    app.register_error_handler(DatabaseUnavailableError, _no_database)
    app.register_error_handler(SchemaError, _no_database)
    app.register_error_handler(MissingRightError, _no_right)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _problem(status: int, detail: str, **more: Any) -> Response:
    title = HTTP_STATUS_CODES[status]
    response = jsonify({"type": "about:blank", "title": title, "status": status, "detail": detail, **more})
    response.status_code = status
    response.mimetype = MEDIA_TYPE
    return response


def _malformed(error: MalformedRequestError) -> Response:
    return _problem(400, str(error), errors=[asdict(mistake) for mistake in error.mistakes])


def _bad_wish(error: BadWishError) -> Response:
    return _problem(400, str(error))


def _no_writing(error: WritingOffError) -> Response:
    return _problem(404, str(error))


def _no_job(error: RefusedJobError) -> Response:
    return _malformed(MalformedRequestError([_mistake(problem) for problem in error.problems]))


def _mistake(problem: Problem) -> Mistake:
    return Mistake(problem.field or "body", problem.found or "nothing", problem.message)


def _conflict(error: JobFileConflictError) -> Response:
    return _problem(409, str(error), file=error.file)


def _no_such_job(error: JobNotFoundError) -> Response:
    return _problem(404, str(error), job_id=error.job_id)


def _no_such_run(error: RunNotFoundError) -> Response:
    return _problem(404, str(error), run_id=error.run_id)


def _no_database(error: DatabaseUnavailableError | SchemaError) -> Response:
    response = _problem(503, str(error))
    response.headers["Retry-After"] = RETRY_AFTER
    return response


def _no_right(error: MissingRightError | UnwritableFolderError) -> Response:
    """Answer without a time to ask again at: it takes somebody who grants the right."""
    return _problem(503, str(error))


def _http(error: HTTPException) -> Response:
    response = _problem(error.code or 500, error.description or error.name)
    response.headers.extend(header for header in error.get_headers() if header[0] != "Content-Type")  # such as Allow
    return response


def _unexpected(error: Exception) -> Response:
    """Answer a mistake of ours; what it was stands in the log, not in the answer."""
    log.error("request failed", exc_info=error, extra={"method": request.method, "path": request.path})
    return _problem(500, "Something went wrong inside schedsync; its log says what.")
