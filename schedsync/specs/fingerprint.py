"""The canonical text of a spec, and digests over it: what decides whether a job has changed."""

import hashlib
import json
import re
from typing import Any

from pydantic import TypeAdapter

from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import Schedule

_SCHEDULE: TypeAdapter[Any] = TypeAdapter(Schedule)


def canonical(spec: JobSpec) -> str:
    """Return *spec* as JSON text that comments, key order and spelled-out defaults do not change."""
    return as_json(spec.model_dump(mode="json", exclude_defaults=True))


def from_canonical(text: str) -> JobSpec:
    """Return the spec whose canonical text is *text*."""
    return JobSpec.model_validate_json(text)


def ascii_json(text: str) -> str:
    """Return the JSON *text* in ASCII: it means the same, and databases of any encoding keep it as it is."""
    return text if text.isascii() else _NOT_ASCII.sub(_escaped, text)


_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def spec_digest(spec: JobSpec) -> str:
    """Return the digest of the whole spec, as 64 hex digits."""
    return _sha256(canonical(spec))


def schedule_digest(spec: JobSpec) -> str:
    """Return the digest of when the job fires; while it stays, an edit keeps the next fire time."""
    return _sha256(as_json(_SCHEDULE.dump_python(spec.schedule, mode="json", exclude_defaults=True)))


def as_json(value: object) -> str:
    """Return *value* as JSON text that the order of keys does not change.

    Raises:
        ValueError: it has a number that JSON does not have.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
