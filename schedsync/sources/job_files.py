"""The job files that programs have written: one job each, in a folder of their own below the jobs folder.

They are job files like any other: people may edit and remove them, and the next step of the loop reads them. Nothing
else in the jobs folder is ever written, and no link is followed.
"""

import errno
import os
import secrets
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from schedsync.clock import rfc3339
from schedsync.errors import SchedsyncError
from schedsync.plan.state import Located
from schedsync.sources.folder import JobsFolder
from schedsync.sources.job_file import documents_of
from schedsync.sources.reading import reason
from schedsync.sources.yaml_writing import UnwritableValueError, to_yaml
from schedsync.specs.fingerprint import as_json
from schedsync.specs.ids import check_id
from schedsync.specs.problem import Problem
from schedsync.specs.wording import shown

FOLDER = "api"
_LINK: Final = {errno.ELOOP, errno.ENOTDIR}
_OPEN: Final = os.O_CLOEXEC | os.O_NOFOLLOW


class RefusedJobError(SchedsyncError):
    """What a program wants to be a job is none; nothing was written."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


class JobFileConflictError(SchedsyncError):
    """A file is in the way, which a program may not touch; nothing was written."""

    def __init__(self, file: str, why: str) -> None:
        super().__init__(f"{file}: {why}")
        self.file = file


class UnwritableFolderError(SchedsyncError):
    """The system does not let this service write job files; somebody has to change that."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A job that may be written."""

    job: Located
    document: Mapping[str, Any]
    text: str


class JobFiles:
    """Writes and removes those files. Safe from any thread."""

    def __init__(self, path: Path, *, timezone: str = "UTC", max_file_size: int = 1 << 20) -> None:
        """Make a writer.

        Args:
            path: the jobs folder.
            timezone: IANA zone of schedules for which neither job nor defaults name one.
            max_file_size: bytes; a longer file is neither read nor written.
        """
        self._path, self._limit = path, max_file_size
        self._folder = JobsFolder(path, timezone=timezone, max_file_size=max_file_size)
        self._turn = threading.Lock()

    def draft(self, document: Mapping[str, Any], *, by: str, at: datetime) -> Draft:
        """Return the file that *document* would be, checked as the file will be.

        Args:
            document: the job in the fields of a job file, with its id.
            by: who wants it.
            at: when (UTC).

        Raises:
            RefusedJobError: it is no job.
            JobFileConflictError: the defaults that apply to it are broken.
        """
        file = place_of(_id_of(document))
        text = f"# Written for {_one_line(by)} at {rfc3339(at)} by POST /api/schedule-job, which may replace it.\n"
        try:
            text += to_yaml(dict(document))
        except UnwritableValueError as error:
            raise RefusedJobError((Problem(file, None, None, str(error)),)) from None
        if len(text.encode()) > self._limit:
            message = f"the job's file would have {len(text.encode()):,} bytes, and the limit is {self._limit:,}"
            raise RefusedJobError((Problem(file, None, None, message),))
        parsed = self._folder.judge(text.encode(), file)
        others = [problem for problem in parsed.problems if problem.file != file]
        if others:
            raise JobFileConflictError(others[0].file, f"the defaults are broken, mend them first: {others[0].message}")
        if parsed.problems:
            raise RefusedJobError(parsed.problems)
        return Draft(parsed.jobs[0], document, text)

    def put(self, draft: Draft) -> bool | None:
        """Write *draft*; return True when its file is new, False when it was replaced, None when it says so already.

        Raises:
            JobFileConflictError: what is in its place is not that job alone.
            UnwritableFolderError: it cannot be written.
        """
        job_id = draft.job.spec.id
        with self._turn, self._opened(job_id) as place:
            before = self._document(place, job_id)
            if before is not None and as_json(before) == as_json(draft.document):
                return None
            place.write(draft.text.encode())
        return before is None

    def remove(self, job_id: str) -> bool:
        """Remove the file of a job; return whether there was one.

        Raises:
            JobFileConflictError: what is in its place is not that job alone.
            UnwritableFolderError: it cannot be removed.
        """
        if not (self._path / FOLDER).exists():
            return False
        with self._turn, self._opened(job_id) as place:
            there = self._document(place, job_id) is not None
            if there:
                place.remove()
        return there

    def _document(self, place: "_Place", job_id: str) -> dict[str, Any] | None:
        """Return what the file of a job says, None when there is none."""
        data = place.read(self._limit)
        if data is None:
            return None
        found = documents_of(data, place.file)
        if isinstance(found, Problem):
            raise JobFileConflictError(place.file, f"the file is broken, mend or remove it: {found.message}")
        if [document.get("id") for document in found] != [job_id]:
            raise JobFileConflictError(place.file, f"the file does not hold {job_id} alone; edit it yourself")
        return found[0]

    @contextmanager
    def _opened(self, job_id: str) -> Iterator["_Place"]:
        try:
            root = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                folder = _open_folder(root)
            finally:
                os.close(root)
            try:
                yield _Place(folder, f"{job_id}.yaml")
            finally:
                os.close(folder)
        except OSError as error:
            sentence = f"{self._path / FOLDER}: job files cannot be written: {reason(error)}"
            raise UnwritableFolderError(sentence) from None


def place_of(job_id: str) -> str:
    """Return where the file of a job is, below the jobs folder."""
    return f"{FOLDER}/{job_id}.yaml"


@dataclass(frozen=True, slots=True)
class _Place:
    """A name in the folder, which is held open so that nothing can be put into its place."""

    folder: int
    name: str

    @property
    def file(self) -> str:
        return f"{FOLDER}/{self.name}"

    def read(self, limit: int) -> bytes | None:
        try:
            descriptor = os.open(self.name, os.O_RDONLY | os.O_NONBLOCK | _OPEN, dir_fd=self.folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._in_the_way(error) from None
        with open(descriptor, "rb") as file:  # noqa: PTH123 - of a descriptor
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise JobFileConflictError(self.file, "this is no regular file; remove it")
            data = file.read(limit + 1)
        if len(data) > limit:
            raise JobFileConflictError(self.file, f"the file has more than {limit:,} bytes; edit it yourself")
        return data

    def write(self, data: bytes) -> None:
        """Put *data* there as a whole: whoever reads finds the old content or the new one, also after a crash."""
        hidden = f".{secrets.token_hex(8)}.new"  # such names are no jobs
        descriptor = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, 0o640, dir_fd=self.folder)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
                os.fchmod(descriptor, 0o640)
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            os.rename(hidden, self.name, src_dir_fd=self.folder, dst_dir_fd=self.folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(hidden, dir_fd=self.folder)
            raise
        os.fsync(self.folder)

    def remove(self) -> None:
        os.unlink(self.name, dir_fd=self.folder)
        os.fsync(self.folder)

    def _in_the_way(self, error: OSError) -> Exception:
        if error.errno in _LINK:
            return JobFileConflictError(self.file, "this is a link, which is not followed; remove it")
        return error


def _open_folder(root: int) -> int:
    with suppress(FileExistsError):
        os.mkdir(FOLDER, 0o750, dir_fd=root)
    try:
        return os.open(FOLDER, os.O_RDONLY | os.O_DIRECTORY | _OPEN, dir_fd=root)
    except OSError as error:
        if error.errno in _LINK:
            raise JobFileConflictError(FOLDER, "this has to be a folder, and no link to one; rename it") from None
        raise


def _id_of(document: Mapping[str, Any]) -> str:
    job_id = document.get("id")
    message = '"id" is missing; the file is named after it'
    if job_id is not None:
        message = f"id: expected text, found {shown(job_id)}"
        if isinstance(job_id, str):
            try:
                return check_id(job_id)
            except ValueError as error:
                message = f"id: {error}"
    raise RefusedJobError((Problem(FOLDER, None, None, message, field="id", found=shown(job_id)),))


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
