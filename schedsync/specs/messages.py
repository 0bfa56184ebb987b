"""Validation errors as sentences that a job's author understands."""

from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schedsync.specs.actions import ACTION_KEYS, Action
from schedsync.specs.cron import CronError
from schedsync.specs.job import JobSpec
from schedsync.specs.schedule import TRIGGER_KEYS, Trigger

_NOT_YET = "is not supported in this version"
_THEY_ARE_NOT = "are not supported in this version"
LATER = {
    "after": f"running after another job {_NOT_YET}; use a schedule",
    "calendar": f'the trigger "calendar" {_NOT_YET}; use cron, every or at',
    "exclude": f"excluding calendars {_NOT_YET}",
    "executor": f"choosing an executor {_NOT_YET}; every job runs on the machine of the service",
    "group": f"overlap groups {_THEY_ARE_NOT}; overlap works per job",
    "healthcheck": f'"healthcheck" {_NOT_YET}',
    "http": f'the action "http" {_NOT_YET}; use command: [curl, ...]',
    "late_after": f'"late_after" {_NOT_YET}',
    "limits": f"resource limits {_THEY_ARE_NOT}; wrap the command in prlimit",
    "max_time_since_success": f'"max_time_since_success" {_NOT_YET}',
    "nice": f'"nice" {_NOT_YET}; wrap the command in nice',
    "notify": f"notifications {_THEY_ARE_NOT}",
    "only": f"calendars {_THEY_ARE_NOT}",
    "plsql": f'the action "plsql" {_NOT_YET}; use a script that calls your SQL client',
    "queue": f"queues {_THEY_ARE_NOT}",
    "shift": f"calendars {_THEY_ARE_NOT}",
    "sql": f'the action "sql" {_NOT_YET}; use a script that calls your SQL client',
    "success_exit_codes": f'"success_exit_codes" {_NOT_YET}; 0 is success',
    "umask": f'"umask" {_NOT_YET}',
    "user": f'"user" {_NOT_YET}; wrap the command in setpriv or sudo',
}
"""Fields of the design that other versions bring: refused with a sentence, never accepted and ignored."""

_ELSEWHERE = {
    **dict.fromkeys((*TRIGGER_KEYS, "timezone", "jitter", "start", "end"), 'write it under "schedule:"'),
    **dict.fromkeys((*ACTION_KEYS, "args", "kwargs", "env", "cwd"), 'write it under "run:"'),
}
_KINDS = {
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "tuple_type": "a list, e.g. [a, b]",
    "list_type": "a list, e.g. [a, b]",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One validation error: where in the document, and what to say."""

    path: tuple[str | int, ...]
    """Keys and indexes as the author wrote them."""
    at_key: bool
    """Whether the key, not the value, is what is wrong."""
    message: str
    found: str | None = None
    expected: str | None = None
    offset: int = 0
    """How many characters into the value the mistake is."""


def explain(error: ValidationError) -> list[FieldError]:
    """Return what is wrong, in the order of the document's fields."""
    return [_explain(details) for details in error.errors(include_url=False)]


def _explain(details: ErrorDetails) -> FieldError:
    path = tuple(part for part in details["loc"] if not _is_tag(part))
    at_key = bool(path) and path[-1] == "[key]"
    path = path[:-1] if at_key else path
    kind, name = details["type"], _name(path)
    found = None if "env" in path else _shown(details["input"])
    if kind == "extra_forbidden":
        return FieldError(path, True, _unknown_key(path, details), found=f'the key "{path[-1]}"')
    if kind == "missing":
        return FieldError(path[:-1], True, f'"{path[-1]}" is missing{_example(str(path[-1]))}', expected=str(path[-1]))
    if kind == "union_tag_not_found" or (kind == "tuple_type" and path == ("schedule",)):
        return FieldError(path, False, _no_kind(path, details["input"]), found=found)
    if kind in {"value_error", "assertion_error"}:
        cause = details["ctx"]["error"]
        if isinstance(cause, CronError):
            # It is found when the whole trigger is checked.
            found = _shown(details["input"]["cron"])
            return FieldError((*path, "cron"), False, f"cron: {cause}", found=found, offset=cause.offset)
        return FieldError(path, at_key, f"{_name(path)}{cause}", found=found)
    expected = _expected(kind, details)
    shown = "" if found is None else f", found {found}"
    return FieldError(path, at_key, f"{name}expected {expected}{shown}", found=found, expected=expected)


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and part.endswith(("Trigger", "Action"))


def _name(path: tuple[str | int, ...]) -> str:
    return f"{path[-1]}: " if path and isinstance(path[-1], str) else ""


def _shown(value: object) -> str | None:
    if isinstance(value, dict | list | tuple):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = text if len(text) <= 60 else text[:57] + "..."
    return f'"{text}"' if isinstance(value, str) else text


def _expected(kind: str, details: ErrorDetails) -> str:
    context: dict[str, Any] = details.get("ctx", {})
    if kind in {"literal_error", "enum"}:
        expected = str(context["expected"]).replace("'", "")
        close = get_close_matches(str(details["input"]), expected.replace(" or ", ", ").split(", "), n=1)
        return f"one of {expected}" + (f' (did you mean "{close[0]}"?)' if close else "")
    if kind in {"greater_than_equal", "less_than_equal"}:
        return f"{context['ge']} or more" if "ge" in context else f"{context['le']} or less"
    if kind in {"too_short", "string_too_short"}:
        return "some text" if isinstance(details["input"], str) else "at least one entry"
    return _KINDS.get(kind, details["msg"][0].lower() + details["msg"][1:])


def _unknown_key(path: tuple[str | int, ...], details: ErrorDetails) -> str:
    key = str(path[-1])
    if key in LATER:
        return LATER[key]
    fields = _fields_at(details["loc"][:-1])
    if key in (*TRIGGER_KEYS, *ACTION_KEYS) and len(path) > 1:
        return f'"{key}" cannot stand beside another kind; ' + (
            "write a list of triggers under schedule" if key in TRIGGER_KEYS else "a job has one action"
        )
    close = get_close_matches(key.lower(), fields, n=1)
    if close:
        return f'unknown key "{key}"; did you mean "{close[0]}"?'
    if len(path) == 1 and key in _ELSEWHERE:
        return f'unknown key "{key}" here; {_ELSEWHERE[key]}'
    return f'unknown key "{key}"; allowed: {", ".join(sorted(fields))}'


def _fields_at(location: tuple[str | int, ...]) -> list[str]:
    """Return the keys that are allowed at *location*, which has pydantic's tags."""
    model: type[BaseModel] = JobSpec
    for part in location:
        kinds = {kind.__name__: kind for kind in (*Trigger.__subclasses__(), *Action.__subclasses__())}
        if part in kinds:
            model = kinds[str(part)]
        elif isinstance(part, str) and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {Union, UnionType, Annotated}:
        return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
    return None


def _example(field: str) -> str:
    examples = {
        "schedule": 'write e.g. schedule: {every: 15m} or schedule: {cron: "30 2 * * *"}',
        "run": "write e.g. run: {shell: echo hello}",
    }
    return f"; {examples[field]}" if field in examples else ""


def _no_kind(path: tuple[str | int, ...], value: object) -> str:
    keys = ACTION_KEYS if path[:1] == ("run",) else TRIGGER_KEYS
    where = "run" if keys is ACTION_KEYS else "schedule"
    if not isinstance(value, dict):
        return f"{where}: expected a mapping, found {_shown(value)}; write e.g. {_kind_example(where, value)}"
    later = next((LATER[str(key)] for key in value if str(key) in LATER), None)
    if later is not None:
        return f"{where}: {later}"
    close = next((near[0] for key in value if (near := get_close_matches(str(key), keys, n=1))), None)
    hint = f'; did you mean "{close}"?' if close else ""
    return f"{where}: one of {', '.join(keys)} is needed{hint}"


def _kind_example(where: str, value: object) -> str:
    if where == "run":
        return f"run: {{shell: {value if isinstance(value, str) else 'echo hello'}}}"
    return f'schedule: {{cron: "{value}"}}' if isinstance(value, str) and " " in value else "schedule: {every: 15m}"
