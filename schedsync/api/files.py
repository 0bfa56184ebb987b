"""Jobs that programs write, for those that know no Git: each is a file. Off unless the settings turn it on."""

from typing import Any

from flask import Blueprint
from pydantic import ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from schedsync.access import Scope
from schedsync.api.backend import backend
from schedsync.api.endpoint import Endpoint, endpoint
from schedsync.api.guard import require_token, sender
from schedsync.api.parsing import Said
from schedsync.errors import SchedsyncError
from schedsync.filing import Filing
from schedsync.specs.job import JobSpec
from schedsync.status.views import ProblemView, View, problem_view

blueprint = Blueprint("files", __name__, url_prefix="/api")


class WritingOffError(SchedsyncError):
    """The owner of the installation does not let programs write files."""

    def __init__(self) -> None:
        super().__init__(
            "Job files are not written over HTTP here; set api.write_files = true in the settings of the service to"
            " allow it, or put a file into the jobs folder yourself."
        )


class JobDocument(Said):
    """A job, in the fields of a job file; ``id`` is required."""

    model_config = ConfigDict(extra="allow")  # what is wrong is said as for a file

    @classmethod
    def __get_pydantic_json_schema__(cls, _core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return the schema of a job: the same fields, which are checked with the defaults of the folder."""
        return handler(JobSpec.__pydantic_core_schema__)


class FiledJob(View):
    """A job that has its file."""

    job_id: str
    file: str
    """Below the jobs folder."""
    created: bool
    changed: bool
    """Whether the file was written; if not, it said the same before."""
    problems: list[ProblemView]
    """Why the job may not become live as it is."""


class RemovedJob(View):
    """A job whose file was removed."""

    job_id: str
    file: str


@blueprint.before_request
def check_token() -> None:
    """Refuse whoever has no token, before anything is read of what is sent.

    Other users of this machine may ask as programs of it do, and would become the user of the service by a job.

    Raises:
        Unauthorized: there is none with the request.
        WritingOffError: files are not written here at all, with or without one.
    """
    _filing()
    require_token("Writing job files", "whoever may do it runs anything as the user of the service")


@blueprint.post("/schedule-job")
@endpoint(Endpoint(FiledJob, 201, also=(200, 404, 409), body=JobDocument, body_needed=True, scope=Scope.CONTROL))
def schedule(document: JobDocument) -> tuple[dict[str, Any], int]:
    """Write a job's file, or replace it; answer where that is. The next step of the loop makes the job live.

    It takes a token on each installation.
    """
    filed = _filing().schedule(document.model_extra or {}, by=sender())
    if filed.changed:
        backend().wake()
    view = FiledJob(
        job_id=filed.job_id,
        file=filed.file,
        created=filed.created,
        changed=filed.changed,
        problems=[problem_view(problem) for problem in filed.problems],
    )
    return view.model_dump(mode="json"), 201 if filed.created else 200


@blueprint.delete("/remove-job/<job_id>")
@endpoint(Endpoint(RemovedJob, also=(404, 409), scope=Scope.CONTROL))
def remove(job_id: str) -> dict[str, Any]:
    """Remove the file of a job that was written here; the next step of the loop removes the job.

    It takes a token on each installation.
    """
    file = _filing().remove(job_id, by=sender())
    backend().wake()
    return RemovedJob(job_id=job_id, file=file).model_dump(mode="json")


def _filing() -> Filing:
    filing = backend().filing
    if filing is None:
        raise WritingOffError
    return filing
