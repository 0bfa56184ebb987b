"""One job file -> its jobs and its problems. No I/O: `folder` reads the bytes, and remembers what they said.

A file holds a mapping (one job), several YAML documents, or ``jobs:`` with a list. A mistake in one job leaves the
others of its file alone; a file that is no YAML says nothing at all.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from pydantic import ValidationError
from yaml.nodes import MappingNode, Node, SequenceNode

from schedsync.plan.state import Located, Source
from schedsync.sources.calendars import NO_CALENDARS, Asked, ReadCalendars
from schedsync.sources.decoding import decode
from schedsync.sources.defaults import Chain, apply_defaults, problem_of
from schedsync.sources.yaml_text import RefusedError, build, compose, locate, pairs
from schedsync.specs.calendars import CONTEXT
from schedsync.specs.fingerprint import schedule_digest, spec_digest
from schedsync.specs.job import JobSpec
from schedsync.specs.messages import FieldError, explain
from schedsync.specs.problem import Problem

_MOST_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a job file says."""

    jobs: tuple[Located, ...] = ()
    problems: tuple[Problem, ...] = ()
    """If there are any, the file may have jobs that are not among ``jobs``."""
    calendars: Mapping[str, str | None] = field(default_factory=dict)
    """The calendars that were looked up, by name, each with the digest of what it meant; None: nothing."""


def parse_job_file(
    data: bytes, file: str, *, chain: Chain = (), timezone: str = "UTC", calendars: ReadCalendars = NO_CALENDARS
) -> ParsedFile:
    """Return the jobs and the problems of a job file.

    Args:
        data: its bytes.
        file: its path relative to the jobs folder, with ``/``.
        chain: the defaults that apply to it, the nearest first.
        timezone: the time zone of schedules for which neither file nor defaults name one.
        calendars: those that its jobs may name.
    """
    text = decode(data, file)
    nodes = text if isinstance(text, Problem) else compose(text, file)
    if isinstance(nodes, Problem):
        return ParsedFile(problems=(nodes,))
    if isinstance(text, str) and not text.strip():
        # Editors and shells empty a file before they write it; comments alone are meant.
        return ParsedFile(problems=(Problem(file, 1, 1, "the file is empty; write a job into it, or remove it"),))
    entries = [entry for node in nodes for entry in _entries(node)]
    asked = Asked(calendars)
    reader = _Reader(file, chain, timezone, _default_id(file) if len(entries) == 1 else None, asked)
    results = [reader.read(entry) for entry in entries]
    return ParsedFile(
        jobs=tuple(result for result in results if isinstance(result, Located)),
        problems=_first(problem for result in results if not isinstance(result, Located) for problem in result),
        calendars=asked.names,
    )


def nodes_of(documents: Iterable[Node]) -> list[Node]:
    """Return the node of each job in *documents*.

    Raises:
        RefusedError: one of them is no job file.
    """
    return [node for document in documents for node in _job_nodes(document)]


def documents_of(data: bytes, file: str) -> list[dict[str, Any]] | Problem:
    """Return the mapping of each job in a file as it is written, whatever it says, or why there is none to be had."""
    text = decode(data, file)
    nodes = text if isinstance(text, Problem) else compose(text, file)
    if isinstance(nodes, Problem):
        return nodes
    try:
        return [_mapping(node) for document in nodes for node in _job_nodes(document)]
    except RefusedError as error:
        return error.problem(file)


def _first(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return no more of *problems* than a person reads."""
    every = tuple(problems)
    if len(every) <= _MOST_PROBLEMS:
        return every
    more = f"{len(every) - _MOST_PROBLEMS:,} more mistakes in this file are not shown"
    return (*every[:_MOST_PROBLEMS], Problem(every[0].file, None, None, more))


def _default_id(file: str) -> str:
    return str(PurePosixPath(file).with_suffix("")).replace("/", ".")


_Entry = Node | RefusedError


def _entries(document: Node) -> list[_Entry]:
    """Return the node of each job in *document*."""
    try:
        return list(_job_nodes(document))
    except RefusedError as error:
        return [error]


def _job_nodes(document: Node) -> list[Node]:
    keys = pairs(document) if isinstance(document, MappingNode) else {}
    if "jobs" not in keys:
        return [document]
    others = {key: key_node for key, (key_node, _) in keys.items() if key != "jobs"}
    if others:
        names = ", ".join(f'"{key}"' for key in others)
        raise RefusedError(next(iter(others.values())), f'{names} cannot stand beside "jobs"; write it into each job')
    jobs = keys["jobs"][1]
    if not isinstance(jobs, SequenceNode):
        raise RefusedError(jobs, '"jobs" is a list; write "- " before each job')
    return list(jobs.value)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Makes jobs of the nodes of one file."""

    file: str
    chain: Chain
    timezone: str
    default_id: str | None
    """None if the file has several jobs."""
    calendars: Asked

    def read(self, entry: _Entry) -> Located | list[Problem]:
        try:
            if isinstance(entry, RefusedError):
                raise entry
            return self._job(entry, _mapping(entry))
        except RefusedError as error:
            return [error.problem(self.file)]

    def _job(self, node: Node, value: dict[str, Any]) -> Located | list[Problem]:
        job = value if self.default_id is None else {"id": self.default_id, **value}
        try:
            whole = apply_defaults(job, self.chain, self.timezone)
            spec = JobSpec.model_validate(whole, context={CONTEXT: self.calendars})
        except ValidationError as error:
            job_id = str(job["id"]) if isinstance(job.get("id"), str | int) else None
            mistakes = [error if "id" in value else self._about_id(error) for error in explain(error)]
            return [problem_of(error, self.file, node, chain=self.chain, job_id=job_id) for error in mistakes]
        source = Source(self.file, node.start_mark.line + 1)
        upstreams = {job_id: locate(node, ("after", job_id), at_key=True) for job_id in spec.after or ()}
        renamed_at = locate(node, ("renamed_from",)) if spec.renamed_from else None
        return Located(spec, source, spec_digest(spec), schedule_digest(spec), upstreams, renamed_at)

    def _about_id(self, error: FieldError) -> FieldError:
        """Say why an id is needed, if *error* is about an id that the job does not have."""
        if error.path == ("id",):
            hint = 'it is made of the file\'s name: write "id: ..." into the file, or rename the file'
            return replace(error, message=f"{error.message}; {hint}")
        if error.path == () and error.expected == "id":
            return replace(error, message='"id" is missing; a file with several jobs needs one in each')
        return error


def _mapping(node: Node) -> dict[str, Any]:
    value = build(node)
    if isinstance(value, dict):
        return value
    if isinstance(value, list):
        raise RefusedError(node, 'a job is a mapping, and this is a list; write "jobs:" above a list of jobs')
    raise RefusedError(node, 'a job is a mapping; write "schedule: ..." and "run: ..." on lines of their own')
