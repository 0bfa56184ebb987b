"""Errors as answers: each is mapped once, here, to a problem document (RFC 9457) of a kind that clients may rely on."""

import logging
from dataclasses import asdict
from enum import Enum
from typing import Annotated, Any

from flask import Flask, Response, jsonify, request
from pydantic import WithJsonSchema
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.http import HTTP_STATUS_CODES

from schedsync.access import Scope
from schedsync.api.files import WritingOffError
from schedsync.api.guard import may
from schedsync.api.parsing import MalformedRequestError, Mistake
from schedsync.api.places import BusyError
from schedsync.control import BadWishError
from schedsync.errors import (
    DatabaseUnavailableError,
    JobNotFoundError,
    MissingRightError,
    RunNotFoundError,
    SchemaError,
)
from schedsync.sources.job_files import JobFileConflictError, RefusedJobError, UnwritableFolderError
from schedsync.specs.problem import Problem as FileProblem
from schedsync.specs.wording import shown
from schedsync.status.views import View

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "5"
"""Seconds after which a client may ask again whether the database is back."""
_WHO_IS_NOT_KNOWN = (
    "Which tokens there are is not known now, since the database does not answer; the log of the service says why."
)
PLAIN = "about:blank"
"""The type of an error that its status says all about, such as 404 for a path that is none."""


class Kind(Enum):
    """The kinds of problems: status and title. A name stays what it is, and a kind keeps its status."""

    MALFORMED_REQUEST = (400, "The request cannot be taken as it is")
    BAD_WISH = (400, "The wish cannot be granted")
    NOT_AUTHENTICATED = (401, "A token is needed")
    NOT_ALLOWED = (403, "This is not allowed")
    JOB_NOT_FOUND = (404, "No such job")
    RUN_NOT_FOUND = (404, "No such run")
    WRITING_OFF = (404, "Job files are not written over HTTP here")
    JOB_FILE_CONFLICT = (409, "Another file has this job")
    TOO_MANY_ATTEMPTS = (429, "Too many attempts")
    INTERNAL_ERROR = (500, "A mistake of schedsync")
    DATABASE_UNAVAILABLE = (503, "The database is away")
    BUSY = (503, "The service is busy")
    WRONG_SCHEMA = (503, "The tables are not those of this version")
    MISSING_RIGHT = (503, "The database does not allow it")
    FOLDER_NOT_WRITABLE = (503, "The jobs folder does not allow it")

    @property
    def uri(self) -> str:
        """The ``type`` of its problem documents."""
        return f"urn:schedsync:problem:{self.name.lower().replace('_', '-')}"

    @property
    def status(self) -> int:
        """How it is answered."""
        return int(self.value[0])

    @property
    def title(self) -> str:
        """What it is, in few words."""
        return str(self.value[1])


_OF_STATUS = {401: Kind.NOT_AUTHENTICATED, 403: Kind.NOT_ALLOWED, 429: Kind.TOO_MANY_ATTEMPTS}
"""The kinds that are raised as HTTP errors."""


class Problem(View):
    """An error (RFC 9457). Some have further fields."""

    type: Annotated[str, WithJsonSchema({"type": "string", "format": "uri", "enum": [*(k.uri for k in Kind), PLAIN]})]
    """The kind of problem, which programs may rely on; about:blank where the status says all."""
    title: str
    """The kind in few words."""
    status: int
    """The status of the answer."""
    detail: str
    """What is wrong, and what to do instead."""
    errors: list[Mistake] | None = None
    """What is wrong with the request, one by one; of malformed ones only."""
    job_id: str | None = None
    """The id that no job has."""
    run_id: str | None = None
    """The id that no run has."""
    file: str | None = None
    """The file that has the job."""


def register(app: Flask) -> None:
    """Let *app* answer every error with a problem document."""
    app.register_error_handler(MalformedRequestError, _malformed)
    app.register_error_handler(BadWishError, _bad_wish)
    app.register_error_handler(WritingOffError, _no_writing)
    app.register_error_handler(RefusedJobError, _no_job)
    app.register_error_handler(JobFileConflictError, _conflict)
    app.register_error_handler(UnwritableFolderError, _no_writable_folder)
    app.register_error_handler(JobNotFoundError, _no_such_job)
    app.register_error_handler(RunNotFoundError, _no_such_run)
    app.register_error_handler(DatabaseUnavailableError, _no_database)
    app.register_error_handler(BusyError, _busy)
    app.register_error_handler(SchemaError, _wrong_schema)
    app.register_error_handler(MissingRightError, _no_right)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def problem(kind: Kind, detail: str, **more: Any) -> Response:
    """Return the answer to a problem of this *kind*; *more* are further fields of its document."""
    return _document({"type": kind.uri, "title": kind.title, "status": kind.status, "detail": detail, **more})


def _document(fields: dict[str, Any]) -> Response:
    response = jsonify(fields)
    response.status_code = fields["status"]
    response.mimetype = MEDIA_TYPE
    return response


def _malformed(error: MalformedRequestError) -> Response:
    return problem(Kind.MALFORMED_REQUEST, str(error), errors=[asdict(mistake) for mistake in error.mistakes])


def _bad_wish(error: BadWishError) -> Response:
    return problem(Kind.BAD_WISH, str(error))


def _no_writing(error: WritingOffError) -> Response:
    return problem(Kind.WRITING_OFF, str(error))


def _no_job(error: RefusedJobError) -> Response:
    return _malformed(MalformedRequestError([_mistake(found) for found in error.problems]))


def _mistake(found: FileProblem) -> Mistake:
    return Mistake(found.field or "body", found.found or "nothing", found.message)


def _conflict(error: JobFileConflictError) -> Response:
    return problem(Kind.JOB_FILE_CONFLICT, str(error), file=error.file)


def _no_such_job(error: JobNotFoundError) -> Response:
    return problem(Kind.JOB_NOT_FOUND, str(error), job_id=error.job_id)


def _no_such_run(error: RunNotFoundError) -> Response:
    return problem(Kind.RUN_NOT_FOUND, str(error), run_id=error.run_id)


def _no_database(error: DatabaseUnavailableError) -> Response:
    """Tell what the database said to those who may read: it names hosts and users. Others get as far as tokens."""
    return _later(problem(Kind.DATABASE_UNAVAILABLE, str(error) if may(Scope.READ) else _WHO_IS_NOT_KNOWN))


def _busy(error: BusyError) -> Response:
    return _later(problem(Kind.BUSY, str(error)))


def _wrong_schema(error: SchemaError) -> Response:
    return _later(problem(Kind.WRONG_SCHEMA, str(error)))


def _later(response: Response) -> Response:
    response.headers["Retry-After"] = RETRY_AFTER
    return response


def _no_right(error: MissingRightError) -> Response:
    """Answer without a time to ask again at: it takes somebody who grants the right."""
    return problem(Kind.MISSING_RIGHT, str(error))


def _no_writable_folder(error: UnwritableFolderError) -> Response:
    """Likewise."""
    return problem(Kind.FOLDER_NOT_WRITABLE, str(error))


def _http(error: HTTPException) -> Response:
    status, detail = error.code or 500, error.description or error.name
    if isinstance(error, NotFound) and error.description == NotFound.description:
        detail = f"There is nothing at {shown(request.path)}; {request.script_root}/api and /docs say what there is."
    kind = _OF_STATUS.get(status)
    plain = {"type": PLAIN, "title": HTTP_STATUS_CODES[status], "status": status, "detail": detail}
    response = _document(plain) if kind is None else problem(kind, detail)
    response.headers.extend(header for header in error.get_headers() if header[0] != "Content-Type")  # such as Allow
    return response


def _unexpected(error: Exception) -> Response:
    """Answer a mistake of ours; what it was stands in the log, not in the answer."""
    log.error("request failed", exc_info=error, extra={"method": request.method, "path": request.path})
    return problem(Kind.INTERNAL_ERROR, "Something went wrong inside schedsync; its log says what.")
