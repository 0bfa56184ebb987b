"""``_defaults.yaml``: what the jobs at and below a folder have unless they say otherwise. No I/O.

Mappings merge, lists and scalars replace, and the nearest file wins. `job_file` lays its jobs over the result of this
module; `folder` decides which files make up the chain of a folder.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from yaml.nodes import MappingNode, Node

from schedsync.sources.decoding import decode
from schedsync.sources.yaml_text import RefusedError, build, compose, find, locate, pairs
from schedsync.specs.actions import ACTION_KEYS, ACTIONS, Action, DatabaseAction, HttpAction, ProcessAction
from schedsync.specs.calendars import CONTEXT, NO_CALENDARS, Calendars
from schedsync.specs.job import JobSpec
from schedsync.specs.messages import FieldError, FieldPath, explain
from schedsync.specs.problem import Problem
from schedsync.specs.triggers import TRIGGER_KEYS

Kind = frozenset[str]
"""Processes, statements or requests: the keys that their actions may have."""


def _fields_of(kind: type[Action]) -> Kind:
    return frozenset(field for action in ACTIONS.values() if issubclass(action, kind) for field in action.model_fields)


OF_ONE_JOB = ("id", "renamed_from", "after")
"""Fields that have no defaults."""
_FOR_PROCESSES = ("success_exit_codes",)
"""Fields of a job that only one which runs a process has."""
_PROCESSES = _fields_of(ProcessAction)
_KINDS = (_PROCESSES, _fields_of(DatabaseAction), _fields_of(HttpAction))
_OF_ANY = frozenset[str]().union(*_KINDS)


@dataclass(frozen=True, slots=True)
class Defaults:
    """One defaults file."""

    file: str
    value: dict[str, Any]
    node: Node | None
    """Where positions are looked up; None for a file of comments."""


Chain = tuple[Defaults, ...]
"""The defaults of a folder, the nearest first."""


def read_defaults(
    data: bytes, file: str, *, outer: Chain, timezone: str, calendars: Calendars = NO_CALENDARS
) -> Defaults | tuple[Problem, ...]:
    """Return the defaults in *data*, or what is wrong with them.

    Args:
        data: the bytes of the file.
        file: its name, for problems.
        outer: the defaults of the folders above, which these are laid over.
        timezone: the time zone of jobs that name none.
        calendars: those that they may name.
    """
    text = decode(data, file)
    nodes = text if isinstance(text, Problem) else compose(text, file)
    if isinstance(nodes, Problem):
        return (nodes,)
    if isinstance(text, str) and not text.strip():
        return (Problem(file, 1, 1, "the file is empty; write defaults into it, or remove it"),)
    if not nodes:
        return Defaults(file, {}, None)
    try:
        node = _only_mapping(nodes)
        defaults = Defaults(file, build(node), node)
    except RefusedError as error:
        return (error.problem(file),)
    return _mistakes(defaults, outer, timezone, calendars) or defaults


def _only_mapping(nodes: list[Node]) -> MappingNode:
    if len(nodes) > 1:
        raise RefusedError(nodes[1], 'a defaults file has one document; remove this one and its "---"')
    node = nodes[0]
    if not isinstance(node, MappingNode):
        raise RefusedError(node, 'defaults are a mapping; write e.g. "timeout: 30m"')
    for key, (key_node, _) in pairs(node).items():
        if key in OF_ONE_JOB:
            raise RefusedError(key_node, f'"{key}" cannot be a default; write it in the job that it is for')
    return node


def _mistakes(defaults: Defaults, outer: Chain, timezone: str, calendars: Calendars) -> tuple[Problem, ...]:
    """Return what is wrong for jobs of any kind that the defaults are for, once for each place."""
    found: dict[tuple[FieldPath, str | None], FieldError] = {}
    for probe in _probes(defaults.value, outer, timezone):
        try:
            JobSpec.model_validate(probe, context={CONTEXT: calendars})
        except ValidationError as error:
            found = {(mistake.path, mistake.expected): mistake for mistake in explain(error)} | found
    return tuple(problem_of(mistake, defaults.file, defaults.node) for mistake in found.values())


def _probes(value: dict[str, Any], outer: Chain, timezone: str) -> Iterator[dict[str, Any]]:
    for kind in _kinds_for(value):
        laid = _lay_over(_of_kind(value, kind), outer, kind)
        yield apply_defaults(_completed(laid), (), timezone)


def _kinds_for(value: dict[str, Any]) -> list[Kind | None]:
    """Return the kinds of action that *value* says something about; None for whole actions of several kinds."""
    run = value.get("run")
    given = {*run} if isinstance(run, dict) else set()
    if _has_any(value, _FOR_PROCESSES):
        given |= _PROCESSES
    if len([kind for kind in _KINDS if _has_any(_actions(run), kind)]) > 1:
        return [None]
    return [kind for kind in _KINDS if kind & given] or [_PROCESSES]


def _completed(value: dict[str, Any]) -> dict[str, Any]:
    """Return *value* with what a job needs, so that only what it says itself can be wrong."""
    complete = {**value, "id": "defaults"}
    schedule, run = value.get("schedule", {}), value.get("run", {})
    if isinstance(schedule, dict) and not _has_any(schedule, TRIGGER_KEYS):
        complete["schedule"] = {"cron": "@daily", **schedule}
    if isinstance(run, dict) and not _has_any(run, ACTION_KEYS):
        complete["run"] = {**_action_for(run), **run}
    if isinstance(run, dict) and isinstance(run.get("http"), dict):
        complete["run"] = {**run, "http": {"url": "https://a", **run["http"]}}
    return complete


def _action_for(details: dict[str, Any]) -> dict[str, Any]:
    """Return an action that may have *details*."""
    if "out" in details:
        return {"plsql": "a", "connection": "a"}
    if "connection" in details or "binds" in details:
        return {"sql": "a", "connection": "a"}
    return {"python": "a:b"} if "kwargs" in details else {"script": "a"} if "args" in details else {"shell": "a"}


def apply_defaults(job: dict[str, Any], chain: Chain, timezone: str) -> dict[str, Any]:
    """Return *job* with what the defaults of *chain*, and at last *timezone*, add to it.

    A schedule or an action that the job lacks stays missing if the defaults have only details of one: then it is the
    job that is told so.
    """
    merged = _lay_over(job, chain, _kind(job, chain))
    for key, whole in (("schedule", _triggers), ("run", _actions)):
        details = merged.get(key)
        if key not in job and isinstance(details, dict) and not whole(details):
            del merged[key]
    return _over(merged, {"schedule": {"timezone": timezone}}) if "schedule" in merged else merged


def _lay_over(job: dict[str, Any], chain: Chain, kind: Kind | None) -> dict[str, Any]:
    """Return a copy of *job*, which is of *kind*, with what *chain*, the nearest first, has and it has not.

    From the job outwards, so that a list which a mapping replaces does not keep what is further out from the mapping.
    """
    merged = dict(job)
    for defaults in chain:
        merged = _over(merged, _of_kind(defaults.value, kind))
    return merged


def _kind(job: dict[str, Any], chain: Chain) -> Kind | None:
    """Return the kind of action that *job* has: by its action, or else by the details of one, or else by defaults."""
    run = job.get("run")
    theirs = (_actions(defaults.value.get("run")) for defaults in chain)
    for keys in (_actions(run), run if isinstance(run, dict) else {}, *theirs):
        for kind in reversed(_KINDS):
            if _has_any(keys, kind):
                return kind
    return None


def _of_kind(defaults: dict[str, Any], kind: Kind | None) -> dict[str, Any]:
    """Return *defaults* without what only jobs of other kinds than *kind* have: a folder may hold all kinds."""
    if kind is None:
        return defaults
    fitting = {key: value for key, value in defaults.items() if kind is _PROCESSES or key not in _FOR_PROCESSES}
    run = fitting.get("run")
    if isinstance(run, dict):
        fitting["run"] = {key: value for key, value in run.items() if key in kind or key not in _OF_ANY}
    return fitting


def _actions(run: object) -> list[str]:
    """Return the keys of whole actions in *run*; a request without a URL is details of one."""
    if not isinstance(run, dict):
        return []
    request = run.get("http")
    details = {"http"} if isinstance(request, dict) and "url" not in request else set()
    return [key for key in ACTION_KEYS if key in run and key not in details]


def _triggers(schedule: dict[str, Any]) -> list[str]:
    return [key for key in TRIGGER_KEYS if key in schedule]


def _over(job: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    merged = _merged(job, _fitting(job, defaults))
    schedule, under = job.get("schedule"), defaults.get("schedule")
    if isinstance(schedule, list) and isinstance(under, dict):
        merged["schedule"] = [_merged(one, under) if isinstance(one, dict) else one for one in schedule]
    return merged


def _fitting(job: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Return *defaults* without a schedule if *job* runs after others, and without what does not merge with its own."""
    if "after" in job:
        defaults = {key: value for key, value in defaults.items() if key != "schedule"}
    run, under = job.get("run"), defaults.get("run")
    if not (isinstance(run, dict) and isinstance(under, dict)):
        return defaults
    return {**defaults, "run": _fitting_action(run, under)}


def _fitting_action(run: dict[str, Any], under: dict[str, Any]) -> dict[str, Any]:
    fitting = dict(under)
    if isinstance(run.get("http"), dict) and isinstance(fitting.get("http"), dict):
        fitting["http"] = _fitting_request(run["http"], fitting["http"])
    env, theirs = run.get("env"), fitting.get("env")
    if isinstance(env, dict) and isinstance(theirs, dict):
        # Values do not merge: a file that one may be in and a variable that has another are no value together.
        fitting["env"] = {name: theirs[name] for name in theirs if name not in env}
    return fitting


def _fitting_request(request: dict[str, Any], under: dict[str, Any]) -> dict[str, Any]:
    """Return *under* without headers that *request* has: their names may differ in case, and their values are whole."""
    headers, theirs = request.get("headers"), under.get("headers")
    if not (isinstance(headers, dict) and isinstance(theirs, dict)):
        return under
    own = {str(name).lower() for name in headers}
    return {**under, "headers": {name: value for name, value in theirs.items() if str(name).lower() not in own}}


def _merged(over: dict[str, Any], under: dict[str, Any]) -> dict[str, Any]:
    merged = {**under, **over}
    for key in over.keys() & under.keys():
        if isinstance(over[key], dict) and isinstance(under[key], dict):
            merged[key] = _merged(over[key], under[key])
    return merged


def _has_any(given: Container[str], keys: Iterable[str]) -> bool:
    return any(key in given for key in keys)


def problem_of(
    error: FieldError, file: str, node: Node | None, *, chain: Chain = (), job_id: str | None = None
) -> Problem:
    """Return *error* as a problem at the place where the value was written.

    Args:
        error: a mistake in a document that was merged from *node* and *chain*.
        file: where *node* is written.
        node: the job, or the defaults.
        chain: defaults that the value may have come from.
        job_id: the job, if there is one.
    """
    if error.between is not None and node is not None and not find(node, error.path).whole:
        error = replace(error, path=error.between)  # the job is what does not fit to its defaults
    for origin, root in ((file, node), *((defaults.file, defaults.node) for defaults in chain)):
        if root is not None and find(root, error.path).whole:
            file, node = origin, root
            break
    line, column = (1, 1) if node is None else locate(node, error.path, at_key=error.at_key, offset=error.offset)
    missing = error.at_key and error.found is None and error.expected is not None
    path = (*error.path, error.expected) if missing else error.path
    field = ".".join(map(str, path)) or None
    return Problem(file, line, column, error.message, job_id, field, error.found, error.expected)
