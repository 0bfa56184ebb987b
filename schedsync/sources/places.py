"""Where in the files something stands that is wrong with valid jobs, or hardly meant.

Positions are looked up only for those: a spec does not know where it was written.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from yaml.nodes import Node

from schedsync.plan.state import Located
from schedsync.sources.decoding import decode
from schedsync.sources.defaults import Chain, problem_of
from schedsync.sources.job_file import nodes_of, parse_job_file
from schedsync.sources.origins import Files
from schedsync.sources.reading import UnreadableError
from schedsync.sources.yaml_text import RefusedError, compose
from schedsync.specs.messages import FieldError
from schedsync.specs.problem import Problem

Remark = tuple[Located, FieldError]
"""Something about a field of a job."""


def placed(remarks: Sequence[Remark], files: Files) -> list[Problem]:
    """Return each of *remarks* at its place, in their order: where the value is written, be it in defaults.

    Where a file says something else by now, it is the line on which the job was.
    """
    by_file: dict[str, list[int]] = defaultdict(list)
    for index, (job, _) in enumerate(remarks):
        by_file[job.source.file].append(index)
    found: dict[int, Problem] = {}
    for file, indexes in by_file.items():
        found |= zip(indexes, _in_file(file, [remarks[index] for index in indexes], files), strict=True)
    return [found[index] for index in range(len(remarks))]


def _in_file(file: str, remarks: Sequence[Remark], files: Files) -> Iterator[Problem]:
    chain, nodes = _read(file, remarks, files)
    for job, error in remarks:
        node = nodes.get(job.source.line)
        if node is not None:
            yield problem_of(error, file, node, chain=chain, job_id=job.spec.id)
        else:
            field = ".".join(map(str, error.path)) or None
            yield Problem(file, job.source.line, None, error.message, job.spec.id, field, error.found, error.expected)


def _read(file: str, remarks: Iterable[Remark], files: Files) -> tuple[Chain, dict[int, Node]]:
    """Return the defaults that the jobs were read with, and the node of each by its line; none where files changed."""
    digests = {job.digest for job, _ in remarks}
    try:
        data, calendars = files.read(file), files.calendars()
        for chain in (files.chain(file, calendars.calendars), ()):  # a file outside a jobs folder has none
            parsed = parse_job_file(data, file, chain=chain, timezone=files.timezone, calendars=calendars)
            if digests <= {job.digest for job in parsed.jobs}:
                return chain, _by_line(data, file)
    except (UnreadableError, RefusedError, ValueError):
        pass
    return (), {}


def _by_line(data: bytes, file: str) -> dict[int, Node]:
    text = decode(data, file)
    documents = text if isinstance(text, Problem) else compose(text, file)
    nodes = [] if isinstance(documents, Problem) else nodes_of(documents)
    lines = Counter(node.start_mark.line + 1 for node in nodes)
    return {line: node for node in nodes if lines[line := node.start_mark.line + 1] == 1}
