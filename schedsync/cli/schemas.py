"""The JSON Schemas of the files of a jobs folder: a job file, ``_defaults.yaml``, a calendar."""

from typing import Any

from pydantic import BaseModel

from schedsync.api.shapes import Schema, schemas
from schedsync.sources.calendars import CalendarFile
from schedsync.sources.defaults import OF_ONE_JOB
from schedsync.specs.job import JobSpec

_PLACE = "#/$defs/"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(kind: str) -> Schema:
    """Return the schema of a ``job`` file, of ``defaults`` or of a ``calendar``."""
    return {"job": _job_file, "defaults": _defaults_file, "calendar": _calendar_file}[kind]()


def _job_file() -> Schema:
    """Return the schema of one job, or of several below ``jobs``; what defaults may supply is not required."""
    job, others = _of(JobSpec)
    del job["required"], job["oneOf"]
    jobs = {"type": "array", "items": {"$ref": f"{_PLACE}JobSpec"}}
    several = {"type": "object", "properties": {"jobs": jobs}, "required": ["jobs"], "additionalProperties": False}
    # An editor completes the keys of the one that fits what is written.
    return _file("A job file", {"anyOf": [{"$ref": f"{_PLACE}JobSpec"}, several]}, others | {"JobSpec": job})


def _defaults_file() -> Schema:
    job, others = _of(JobSpec)
    del job["required"], job["oneOf"]
    job["properties"] = {name: field for name, field in job["properties"].items() if name not in OF_ONE_JOB}
    return _file("Defaults of a folder", _partial(job), _partial(others))


def _calendar_file() -> Schema:
    calendar, others = _of(CalendarFile)
    del calendar["properties"]["name"]  # that of the file
    calendar["properties"]["ical"]["items"] = {"type": "string"}
    return _file("A calendar", calendar, others)


def _of(model: type[BaseModel]) -> tuple[Schema, dict[str, Schema]]:
    found = schemas([(model, "validation")], _PLACE)
    return found.pop(model.__name__), found


def _file(title: str, schema: Schema, others: dict[str, Schema]) -> Schema:
    return {"$schema": _DIALECT, "title": f"{title} of schedsync", **schema, "$defs": others}


def _partial(schema: Any) -> Any:
    """Return *schema* without what it requires: of what a mapping of defaults holds, the job has the rest."""
    if isinstance(schema, list):
        return [_partial(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    # Without required keys, a mapping may fit several of those of which it is to fit one.
    names = {"oneOf": "anyOf"}
    return {
        names.get(key, key): _partial(value)
        for key, value in schema.items()
        if not (key == "required" and isinstance(value, list))
    }
