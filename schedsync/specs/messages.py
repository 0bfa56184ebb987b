"""Validation errors as sentences that a job's author understands."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schedsync.specs import job
from schedsync.specs.actions import ACTION_KEYS, ACTIONS
from schedsync.specs.base import FieldValueError
from schedsync.specs.cron.errors import CronError
from schedsync.specs.cron.expression import CronExpression
from schedsync.specs.cron.fields import REBOOT, is_reboot
from schedsync.specs.durations import parse_duration
from schedsync.specs.expressions import ExpressionError
from schedsync.specs.fields import allowed_at, home_of
from schedsync.specs.following import ANY, End
from schedsync.specs.later import LATER
from schedsync.specs.triggers import TRIGGER_KEYS, TRIGGER_KINDS
from schedsync.specs.wording import flow, quoted, shortened, shown

_SHAPES = {
    "string_type": "text",
    "string_unicode": "text without halves of characters",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}
_MAIN_KEYS = {
    "calendar": 'months: 1, day: last, time: "06:00"',
    "retry": "attempts: 3",
    "misfire": "policy: latest",
    "history": "keep: 100",
    "http": "url: https://erp.example.com/close",
    "expect": "status: 200",
    "tls": "ca: erp-ca.pem",
    "limits": "memory: 2GiB",
    "notify": "to: ops-mail",
}
_EXAMPLES = {
    "schedule": 'schedule: {every: 15m} or schedule: {cron: "30 2 * * *"}',
    "after": "after: {other-job: succeeded}",
    "run": "run: {shell: echo hello}",
    "env": "env: {NAME: value}",
    "kwargs": "kwargs: {name: value}",
    "connection": "connection: erp, for [connections.erp] in the settings",
    "binds": "binds: {name: value}",
    "out": "out: {name: number}",
    "url": "url: https://erp.example.com/close",
    "headers": "headers: {Accept: application/json}",
    "to": "to: [ops-mail], for [channels.ops-mail] in the settings",
    "file": "{file: close.sql}",
}
_STATEMENT_TAGS = {"StatementText", "StatementFile"}
_VALUE_TAGS = {"ValueText", "ValueFile", "ValueVariable"}
_REQUEST = ("run", "HttpAction", "http")
_SECRETS_OF_REQUESTS = {("http", "headers"), ("http", "url"), ("http", "proxy")}
_TAGS = {kind.__name__ for kind in (*TRIGGER_KINDS, *ACTIONS.values())}

FieldPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One validation error: where in the document, and what to say."""

    path: FieldPath
    """Keys and indexes; the one trigger of a schedule that is no list has the index 0."""
    at_key: bool
    """Whether the key, not the value, is what is wrong."""
    message: str
    found: str | None = None
    expected: str | None = None
    offset: int = 0
    """How many characters into the value the mistake is."""
    between: FieldPath | None = None
    """For a mistake that shows only beside other fields: what they all belong to."""


def explain(error: ValidationError, *, of: type[BaseModel] = job.JobSpec) -> list[FieldError]:
    """Return what is wrong, in the order in which the model has its fields; unknown keys come after them.

    Args:
        error: what validation said.
        of: what was validated.
    """
    return [_explain(details, of) for details in error.errors(include_url=False)]


def _explain(details: ErrorDetails, of: type[BaseModel]) -> FieldError:
    path = _without_tag(details["loc"])
    match details["type"]:
        case "extra_forbidden":
            found = f"the key {quoted(str(path[-1]))}"
            return FieldError(path, at_key=True, message=_unknown_key(path, details["loc"], of), found=found)
        case "missing":
            name = str(path[-1])
            example = "" if "ranges" in path else _example(name)  # "to" is an end there, and not a channel
            return FieldError(path[:-1], at_key=True, message=f'"{name}" is missing{example}', expected=name)
        case job.NO_TRIGGER:
            message = f'"schedule" is missing{_example("schedule")}; or after: {{other-job: succeeded}}'
            return FieldError(path[:-1], at_key=True, message=message, expected="schedule")
    if path[-1:] == ("[key]",):
        return _about_value(path[:-1], details, _name(path[:-2]), at_key=True)
    return _about_value(path, details, _name(path), at_key=False)


def _about_value(path: FieldPath, details: ErrorDetails, name: str, *, at_key: bool) -> FieldError:
    kind, value = details["type"], details["input"]
    # The value of a variable, a bind or a header may be a secret, an address may hold one, that of a monitor is one.
    secret = path[1:2] in {("env",), ("binds",)} or path[1:3] in _SECRETS_OF_REQUESTS or path[:1] == ("healthcheck",)
    found = None if secret and isinstance(value, str | int | float) else shown(value)
    if kind == "union_tag_not_found" or (kind == "tuple_type" and path == ("schedule",)):
        return FieldError(path, at_key, _no_kind(path, value), found)
    if kind == "value_error":
        cause = details["ctx"]["error"]
        offset = cause.offset if isinstance(cause, CronError | ExpressionError) else 0
        if isinstance(cause, FieldValueError):
            return _beside_others((*path, *cause.within), cause, _part(value, cause.within), at_key=at_key)
        return FieldError(path, at_key, shortened(f"{name}{cause}"), found, offset=offset)
    expected = _expected(kind, details)
    if expected is None:
        return FieldError(path, at_key, f"{name}{details['msg']}", found)
    seen = "" if found is None else f", found {found}"
    message = f"{name}expected {expected}{_close(details)}{seen}{_instead(kind, path, value)}"
    return FieldError(path, at_key, message, found, expected)


def _beside_others(path: FieldPath, cause: FieldValueError, value: Any, *, at_key: bool) -> FieldError:
    found = shown(value[cause.field]) if isinstance(value, dict) and cause.field in value else None
    return FieldError((*path, cause.field), at_key, shortened(f"{_name(path)}{cause}"), found, between=path)


def _part(value: Any, within: tuple[int, ...]) -> Any:
    """Return what is at those places in *value*; what is no list is the one thing in it."""
    for index in within:
        value = value[index] if isinstance(value, list | tuple) else value
    return value


def _without_tag(location: FieldPath) -> FieldPath:
    """Return *location* without the name of the trigger's or action's kind, which its author did not write."""
    if location[:1] == ("run",) and location[3:4] and location[3] in _STATEMENT_TAGS:
        location = (*location[:3], *location[4:])
    if location[2:3] == ("http",):
        inner = 5 if location[3:4] == ("headers",) else 4
        location = (*location[:inner], *(part for part in location[inner:] if part not in _VALUE_TAGS))
    if location[2:3] == ("env",) and location[4:5] and location[4] in _VALUE_TAGS:
        location = (*location[:4], *location[5:])
    at = 2 if location[:1] == ("schedule",) else 1
    tagged = location[:1] in {("schedule",), ("run",)} and location[at : at + 1] and location[at] in _TAGS
    return (*location[:at], *location[at + 1 :]) if tagged else location


def _name(path: FieldPath) -> str:
    if not path or (len(path) == 2 and isinstance(path[-1], int) and path[0] == "schedule"):
        return ""
    if path[0] == "after" and len(path) > 1:
        return f"after: {quoted(str(path[1]))}: "
    return f"{path[-1]}: " if isinstance(path[-1], str) else f"{path[-2]}: entry {path[-1] + 1}: "


# Unknown keys


def _unknown_key(path: FieldPath, location: FieldPath, of: type[BaseModel]) -> str:
    key, where = str(path[-1]), _group(path)
    if of is not job.JobSpec:
        return _not_among(key, allowed_at(location[:-1], of))
    if key in LATER and where in {None, "schedule", "run"}:
        return LATER[key]
    kinds = {"schedule": TRIGGER_KEYS, "run": ACTION_KEYS}.get(where or "", ())
    if key in kinds:
        hint = "write a list of triggers under schedule" if where == "schedule" else "a job has one action"
        return f'"{key}" cannot stand beside another kind; {hint}'
    beside_request = location[:-1] == _REQUEST[:2] and key in allowed_at(_REQUEST)
    home = "http" if beside_request else home_of(key)
    if home is not None and home != where:
        return f'unknown key "{key}" here; write it under "{home}:"'
    allowed = allowed_at(location[:-1])
    if where is not None and key in allowed_at(()) and not get_close_matches(key.lower(), allowed, n=1):
        return f'unknown key "{key}" here; write it beside "{where}:", not under it'
    return _not_among(key, allowed)


def _not_among(key: str, allowed: Sequence[str]) -> str:
    close = get_close_matches(key.lower(), allowed, n=1)
    if close:
        return f'unknown key {quoted(key)}; did you mean "{close[0]}"?'
    return f"unknown key {quoted(key)}; allowed: {', '.join(sorted(allowed))}"


def _group(path: FieldPath) -> str | None:
    """Return the field of the job that *path* leads into; None for a field of the job itself."""
    return str(path[0]) if len(path) > 1 else None


# Values of the wrong kind


def _expected(kind: str, details: ErrorDetails) -> str | None:
    context: dict[str, Any] = details.get("ctx", {})
    match kind:
        case "enum":
            either = f"{ANY}, " if _may_be_any(details) else ""
            return f"one of {either}{context['expected']}".replace("'", "")
        case "greater_than_equal":
            return f"{context['ge']:g} or more"
        case "less_than_equal":
            return f"{context['le']:g} or less"
        case "too_short" | "string_too_short":
            return "some text" if isinstance(details["input"], str) else "at least one entry"
        case "model_type" | "model_attributes_type" if details["loc"] == ("healthcheck",):
            return "a URL, or a mapping with one of url, file, env"
    return _SHAPES.get(kind)


def _may_be_any(details: ErrorDetails) -> bool:
    """Whether ``any`` may stand in the place of a wrong end: not in a list, which that of one end has become, too."""
    location = details["loc"]
    return location[:1] == ("after",) and location[-1] == 0 and details["input"] != ANY


def _close(details: ErrorDetails) -> str:
    choices = re.findall(r"'(\w+)'", details["ctx"]["expected"]) if details["type"] == "enum" else []
    close = get_close_matches(str(details["input"]).lower(), choices, n=1)
    return f' (did you mean "{close[0]}"?)' if close else ""


def _instead(kind: str, path: FieldPath, value: object) -> str:
    """Return what to write for a value that has the wrong shape, where that can be told."""
    name, alone = str(path[-1]) if path else "", isinstance(value, str | int | float) and not isinstance(value, bool)
    if path[:1] == ("after",) and len(path) > 1 and (kind == "tuple_type" or value == ANY):
        return f"; write {flow(str(path[1]))}: {End.SUCCEEDED if kind == 'tuple_type' else ANY}"
    if kind == "tuple_type" and alone:
        return f"; write {name}: [{flow(str(value))}]"
    if kind.startswith("model") and name in _MAIN_KEYS:
        example = f"{_MAIN_KEYS[name].split(':')[0]}: {flow(str(value))}" if alone else _MAIN_KEYS[name]
        return f"; write {name}: {{{example}}}"
    return _example(name) if kind == "dict_type" else ""


def _example(field: str) -> str:
    return f"; write e.g. {_EXAMPLES[field]}" if field in _EXAMPLES else ""


# Schedules and actions whose kind cannot be told


def _no_kind(path: FieldPath, value: object) -> str:
    where, keys = ("run", ACTION_KEYS) if path[:1] == ("run",) else ("schedule", TRIGGER_KEYS)
    if not isinstance(value, dict):
        kind = _action_like(value) if where == "run" else _trigger_like(value)
        return f"{where}: expected a mapping, found {shown(value)}; write e.g. {where}: {{{kind}}}"
    if "url" in value:
        return f"{where}: a request is written under http; write e.g. run: {{http: {{{_MAIN_KEYS['http']}}}}}"
    if where == "schedule" and "after" in value:
        return f'schedule: "after" stands in the place of schedule, not under it{_example("after")}'
    later = next((LATER[str(key)] for key in value if str(key) in LATER), None)
    if later is not None:
        return f"{where}: {later}"
    close = next((near[0] for key in value if (near := get_close_matches(str(key).lower(), keys, n=1))), None)
    hint = f'; did you mean "{close}"?' if close else ""
    return f"{where}: one of {', '.join(keys)} is needed{hint}"


def _action_like(value: object) -> str:
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return f"command: [{', '.join(flow(word) for word in value)}]"
    return f"shell: {flow(value)}" if isinstance(value, str) and value else "shell: echo hello"


def _trigger_like(value: object) -> str:
    text = value if isinstance(value, str) else ""
    if _reads(parse_duration, text):
        return f"every: {text}"
    if _reads(datetime.fromisoformat, text):
        return f"at: {text}"
    if is_reboot(text):
        return f"cron: {quoted(REBOOT)}"
    return f"cron: {quoted(text)}" if " " in text or _reads(CronExpression.parse, text) else "every: 15m"


def _reads(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True
