"""Where each value of a job comes from: its file, defaults of a folder, the settings, or schedsync itself.

The store keeps the whole spec and not where it was written, so the files are looked at again; where they say something
else by now, nothing is claimed.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from pydantic import BaseModel
from yaml.nodes import Node

from schedsync.plan.state import Located
from schedsync.sources.calendars import ReadCalendars, read_calendars
from schedsync.sources.decoding import decode
from schedsync.sources.defaults import Chain, Defaults, read_defaults
from schedsync.sources.job_file import nodes_of, parse_job_file
from schedsync.sources.listing import DEFAULTS, list_context
from schedsync.sources.reading import UnreadableError, read_file
from schedsync.sources.yaml_text import RefusedError, compose, find, locate
from schedsync.specs.calendars import Calendar, Calendars
from schedsync.specs.messages import FieldPath
from schedsync.specs.problem import Problem


class Kind(StrEnum):
    """What a value comes from."""

    JOB = "job"
    DEFAULTS = "defaults"
    SETTINGS = "settings"
    NAME = "name"
    """The name of the file, of which the id is made."""
    BUILT_IN = "built in"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from; the line counts from 1."""

    kind: Kind
    file: str | None = None
    line: int | None = None


Origins = dict[FieldPath, Origin]
"""By the path of a value in the spec; what is built in stands there once for all that is below it."""


@dataclass(frozen=True, slots=True)
class Files:
    """A jobs folder whose files can be asked what stands where."""

    root: Path
    timezone: str = "UTC"
    max_file_size: int = 1 << 20

    def origins(self, job_id: str, file: str, digest: str) -> Origins | None:
        """Return where the values of a live job come from.

        Args:
            job_id: the job.
            file: where it was written, relative to the folder.
            digest: of its live spec.

        Returns:
            None where the file cannot be read, says something else by now, or has several jobs on the line of this one.
        """
        try:
            calendars = self.calendars()
            chain = self.chain(file, calendars.calendars)
            data = self.read(file)
            parsed = parse_job_file(data, file, chain=chain, timezone=self.timezone, calendars=calendars)
            job = next((job for job in parsed.jobs if (job.spec.id, job.digest) == (job_id, digest)), None)
            node = None if job is None else _node(data, job)
            return None if job is None or node is None else _origins(job, node, chain)
        except (UnreadableError, RefusedError, ValueError):
            return None

    def calendars(self) -> ReadCalendars:
        """Return the calendars that jobs may name.

        Raises:
            UnreadableError: the file of one cannot be read.
        """
        found = list_context(str(self.root), "").calendars
        return read_calendars({each.relative: self.read(each.relative) for each in found})

    def chain(self, file: str, calendars: Calendars) -> Chain:
        """Return the defaults that apply to *file*, the nearest first.

        Raises:
            UnreadableError: a file of them cannot be read.
            ValueError: one of them is broken.
        """
        chain: Chain = ()
        for folder in reversed(PurePosixPath(file).parents):
            for name in sorted(DEFAULTS):
                where = str(folder / name)
                # `Path.is_file` raises for what lies in a folder that may not be entered.
                if os.path.isfile(self.root / where):  # noqa: PTH113
                    said = read_defaults(
                        self.read(where), where, outer=chain, timezone=self.timezone, calendars=calendars
                    )
                    if not isinstance(said, Defaults):
                        raise ValueError(where)
                    chain = (said, *chain)
        return chain

    def read(self, file: str) -> bytes:
        """Return the bytes of *file*, which is relative to the folder.

        Raises:
            UnreadableError: it cannot be read.
        """
        return read_file(str(self.root / file), self.max_file_size)[0]


def _node(data: bytes, job: Located) -> Node | None:
    """Return what *job* is written as in its file; None where that cannot be told from its neighbours."""
    text = decode(data, job.source.file)
    nodes = text if isinstance(text, Problem) else compose(text, job.source.file)
    found = [] if isinstance(nodes, Problem) else nodes_of(nodes)
    on_line = [node for node in found if node.start_mark.line + 1 == job.source.line]
    return on_line[0] if len(on_line) == 1 else None


def _origins(job: Located, node: Node, chain: Chain) -> Origins:
    places = [(Kind.JOB, job.source.file, node)]
    places += [(Kind.DEFAULTS, each.file, each.node) for each in chain if each.node is not None]
    return {path: _origin(path, places) if given else Origin(Kind.BUILT_IN) for path, given in _leaves(job.spec, ())}


def _origin(path: FieldPath, places: list[tuple[Kind, str, Node]]) -> Origin:
    for kind, file, node in places:
        if find(node, path).whole:
            return Origin(kind, file, locate(node, path, at_key=True)[0])
    return Origin(Kind.NAME) if path == ("id",) else Origin(Kind.SETTINGS)


def _leaves(value: object, path: FieldPath) -> Iterator[tuple[FieldPath, bool]]:
    """Yield the paths of the values in *value*, and whether somebody gave them."""
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            inside = (*path, field.alias or name)
            if name in value.model_fields_set:
                yield from _leaves(getattr(value, name), inside)
            else:
                yield inside, False
    elif isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif isinstance(value, tuple) and any(isinstance(i, BaseModel) and not isinstance(i, Calendar) for i in value):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, True
