"""Which keys a job file may have where: read off the models, for messages about unknown ones."""

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from schedsync.specs.actions import ACTIONS
from schedsync.specs.calendars import Calendar
from schedsync.specs.job import JobSpec
from schedsync.specs.notify import Healthcheck, Notify
from schedsync.specs.policy import History, Misfire, Retry
from schedsync.specs.triggers import TRIGGER_KINDS

_KINDS: dict[str, type[BaseModel]] = {kind.__name__: kind for kind in (*TRIGGER_KINDS, *ACTIONS.values())}
_GROUPS: dict[str, tuple[type[BaseModel], ...]] = {
    "schedule": TRIGGER_KINDS,
    "run": tuple(ACTIONS.values()),
    "retry": (Retry,),
    "misfire": (Misfire,),
    "history": (History,),
    "notify": (Notify,),
    "healthcheck": (Healthcheck,),
}


def allowed_at(location: tuple[str | int, ...], of: type[BaseModel] = JobSpec) -> list[str]:
    """Return the keys that may stand at *location*, as pydantic names it: with the kinds of trigger and action."""
    model = of
    for part in location:
        if part in _KINDS:
            model = _KINDS[str(part)]
        elif isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    names = [field.alias or name for name, field in model.model_fields.items()]
    # What a calendar is called is said by its file.
    return [name for name in names if name != "name"] if issubclass(model, Calendar) else names


def home_of(key: str) -> str | None:
    """Return the field of a job under which *key* belongs, if it belongs under one."""
    if key in JobSpec.model_fields:
        return None
    return next((name for name, models in _GROUPS.items() if any(key in m.model_fields for m in models)), None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {Union, UnionType, Annotated, tuple}:
        return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
    return None
