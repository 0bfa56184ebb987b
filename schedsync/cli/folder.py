"""What job files say, for the commands that look at files alone: the whole folder, a part of it, or one file."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from schedsync.errors import FolderUnavailableError
from schedsync.plan.diff import duplicate_problems
from schedsync.plan.following import following_problems, may_exist
from schedsync.plan.state import Located, Snapshot
from schedsync.settings import JobsSettings
from schedsync.sources.folder import JobsFolder, Told
from schedsync.sources.job_file import ParsedFile, parse_job_file
from schedsync.sources.listing import ENDINGS
from schedsync.sources.reading import UnreadableError, read_file
from schedsync.specs.calendars import FOLDER as CALENDARS
from schedsync.specs.problem import Problem

_DEFAULTS = "_defaults"


@dataclass(frozen=True, slots=True)
class Checked:
    """Job files, judged."""

    root: Path
    """What the files of jobs and problems are relative to."""
    jobs: Mapping[str, Located]
    """The valid jobs, by id; not those whose id is taken by another, nor those that run after what is not there."""
    problems: tuple[Problem, ...]


def _nobody(_done: int, _total: int) -> None:
    """Tell nobody how many files have been read."""


def check_folder(settings: JobsSettings, told: Told = _nobody) -> Checked:
    """Judge the jobs folder; *told* is called for each file that has been read.

    Raises:
        FolderUnavailableError: it is missing, unreadable or empty.
    """
    folder = JobsFolder(settings.path, timezone=settings.timezone, max_file_size=settings.max_file_size, told=told)
    snapshot = folder.read()
    if not (snapshot.jobs or snapshot.problems) and snapshot.unavailable is not None:
        raise FolderUnavailableError(_why_nothing(settings.path, snapshot))
    return _checked(settings.path, snapshot.jobs, snapshot.problems, may_exist(snapshot, ()))


def check(path: Path, settings: JobsSettings, told: Told = _nobody) -> Checked:
    """Judge a file, or a folder with all that is below it; *told* is called for each file that has been read.

    What lies in the jobs folder is judged as a part of it: with its defaults, and with the ids of the others. What lies
    elsewhere stands for itself.

    Raises:
        FolderUnavailableError: there is nothing to judge.
    """
    if not os.path.lexists(path):
        raise FolderUnavailableError(f"there is no file or folder {path}")
    relative = _below(settings.path, path)
    if path.is_dir() and relative in {None, PurePosixPath()}:
        return check_folder(settings.model_copy(update={"path": path}), told)
    if not path.is_dir():
        _refuse_other_names(path, inside=relative is not None)
    if relative is None:
        return _check_alone(path, settings)
    part = _part(check_folder(settings, told), relative)
    if path.is_dir() and not (part.jobs or part.problems) and relative != PurePosixPath(CALENDARS):
        raise FolderUnavailableError(f"the folder {path} has no jobs")
    return part


def _checked(
    root: Path,
    places: Mapping[str, tuple[Located, ...]],
    problems: Iterable[Problem],
    exists: Callable[[str], bool],
) -> Checked:
    every = [*problems]
    for job_id, located in places.items():
        if len(located) > 1:
            every += duplicate_problems(job_id, located)
    jobs = {job_id: one[0] for job_id, one in places.items() if len(one) == 1}
    misled = following_problems(jobs, exists)
    every += [problem for found in misled.values() for problem in found]
    every.sort(key=lambda problem: (problem.file, problem.line or 0, problem.column or 0))
    return Checked(root, {job_id: job for job_id, job in jobs.items() if job_id not in misled}, tuple(every))


def _why_nothing(path: Path, snapshot: Snapshot) -> str:
    if not path.exists():
        return f"the folder {path} is missing"
    if not path.is_dir():
        return f"{path} is not a folder"
    return f"the folder {path} has no job files" if snapshot.empty else str(snapshot.unavailable)


def _below(root: Path, path: Path) -> PurePosixPath | None:
    """Return *path* relative to *root*, as written or through links; None if it lies elsewhere."""
    for make in (os.path.abspath, os.path.realpath):
        whole, part = PurePosixPath(make(root)), PurePosixPath(make(path))
        if part.is_relative_to(whole):
            return part.relative_to(whole)
    return None


def _refuse_other_names(path: Path, *, inside: bool) -> None:
    if inside and path.stem == _DEFAULTS and path.suffix in ENDINGS:
        return
    if path.name[0] in "._#" or path.suffix not in ENDINGS:
        raise FolderUnavailableError(
            f'{path} is not a job file: names end in .yaml or .yml, and do not begin with ".", "_" or "#"'
        )


def _check_alone(path: Path, settings: JobsSettings) -> Checked:
    try:
        data, _ = read_file(str(path), settings.max_file_size)
        parsed = parse_job_file(data, path.name, timezone=settings.timezone)
    except UnreadableError as error:
        parsed = ParsedFile(problems=(Problem(path.name, None, None, str(error)),))
    places: dict[str, tuple[Located, ...]] = {}
    for job in parsed.jobs:
        places[job.spec.id] = (*places.get(job.spec.id, ()), job)
    return _checked(path.parent, places, parsed.problems, lambda _job_id: True)


def _part(checked: Checked, relative: PurePosixPath) -> Checked:
    jobs = {job_id: job for job_id, job in checked.jobs.items() if _covers(relative, PurePosixPath(job.source.file))}
    problems = [p for p in checked.problems if _concerns(PurePosixPath(p.file), relative)]
    return Checked(checked.root, jobs, tuple(problems))


def _covers(path: PurePosixPath, file: PurePosixPath) -> bool:
    return path == file or path in file.parents


def _concerns(file: PurePosixPath, relative: PurePosixPath) -> bool:
    """Whether a problem in *file* is one of *relative*: in it, in a folder above it, or in defaults that apply."""
    if _covers(relative, file) or _covers(file, relative):
        return True
    return file.stem == _DEFAULTS and file.parent in relative.parents
