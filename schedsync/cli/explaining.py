"""A job's values and where they come from, for people and as JSON."""

from collections.abc import Iterable, Iterator
from typing import Any

from schedsync.cli.ahead import chosen
from schedsync.cli.folder import check_folder
from schedsync.cli.options import Options
from schedsync.cli.output import complain, counted, say, say_json
from schedsync.cli.painting import Line, Paint, painted
from schedsync.cli.tables import table
from schedsync.plan.state import Located
from schedsync.settings import JobsSettings
from schedsync.sources.origins import Files
from schedsync.sources.values import SpecRow, SpecTable, spec_table

_HEADING = ("FIELD", "FROM", "VALUE")


def show(options: Options, job_id: str, *, everything: bool) -> None:
    """Print the values of a job of the folder; *everything*: also what is built in.

    Raises:
        FolderUnavailableError: there is no job to look at.
        JobNotFoundError: not the one that is meant.
    """
    settings = options.settings().jobs
    checked = check_folder(settings)
    chosen(checked, job_id)
    job = checked.jobs[job_id]
    values = _values(job, settings)
    if options.as_json:
        say_json(
            {
                "id": job_id,
                "file": job.source.file,
                "line": job.source.line,
                "values": [_as_json(row) for row in (*values.given, *values.built_in)],
            }
        )
        return
    say(_lines(job, values, everything=everything))
    if not values.certain:
        complain(
            f"what comes from where cannot be told: {job.source.file} has changed meanwhile, or has several jobs on"
            f" line {job.source.line}"
        )


def _values(job: Located, settings: JobsSettings) -> SpecTable:
    files = Files(settings.path, timezone=settings.timezone, max_file_size=settings.max_file_size)
    return spec_table(job.spec, files.origins(job.spec.id, job.source.file, job.digest))


def _lines(job: Located, values: SpecTable, *, everything: bool) -> Iterator[Line]:
    yield painted(job.spec.id, Paint.STRONG) + f"  {job.source.file}:{job.source.line}"
    yield from table(_HEADING, _rows(values, everything=everything))
    if not everything:
        yield painted(f"and {counted(len(values.built_in), 'value')} built in, which --all shows", Paint.FAINT)


def _rows(values: SpecTable, *, everything: bool) -> Iterable[tuple[str, Line, Line]]:
    for row in values.given:
        yield row.name, painted(row.place, Paint.CARE) if row.inherited else row.place, _in_a_line(row.text)
    for row in values.built_in if everything else ():
        yield row.name, painted(row.place, Paint.FAINT), row.text


def _in_a_line(text: str) -> str:
    first, *others = text.splitlines() or [text]
    return f"{first} (and {counted(len(others), 'line')} more)" if others else first


def _as_json(row: SpecRow) -> dict[str, Any]:
    origin = row.origin
    place = None if origin is None else {"kind": origin.kind.value, "file": origin.file, "line": origin.line}
    return {"field": row.name, "value": row.value, "from": place}
