"""What an edit changed, field by field, for people."""

from dataclasses import dataclass
from typing import Any

from schedsync.specs.job import JobSpec


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a spec before and after; None where it was or is at its default."""

    field: str
    old: Any
    new: Any


def changes(old: JobSpec, new: JobSpec) -> list[FieldChange]:
    """Return the top-level fields in which two specs differ, in the order of the model."""
    before = old.model_dump(mode="json", exclude_defaults=True)
    after = new.model_dump(mode="json", exclude_defaults=True)
    return [
        FieldChange(field, before.get(field), after.get(field))
        for field in JobSpec.model_fields
        if before.get(field) != after.get(field)
    ]
