"""``_defaults.yaml``: what the jobs at and below a folder have unless they say otherwise. No I/O.

Mappings merge, lists and scalars replace, and the nearest file wins. `job_file` lays its jobs over the result of this
module; `folder` decides which files make up the chain of a folder.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from yaml.nodes import MappingNode, Node

from schedsync.sources.decoding import decode
from schedsync.sources.yaml_text import RefusedError, build, compose, find, locate, pairs
from schedsync.specs.actions import ACTION_KEYS, ACTIONS, HttpAction, PlsqlAction, ProcessAction, SqlAction
from schedsync.specs.job import JobSpec
from schedsync.specs.messages import FieldError, explain
from schedsync.specs.problem import Problem
from schedsync.specs.schedule import TRIGGER_KEYS

_OF_ONE_JOB = ("id", "renamed_from", "after")
_OF_PROCESSES = frozenset(ProcessAction.model_fields)
_FOR_PROCESSES = ("success_exit_codes",)
"""Fields of a job that only one which runs a process has."""
_OF_STATEMENTS = frozenset({*SqlAction.model_fields, *PlsqlAction.model_fields})
_OF_REQUESTS = frozenset(HttpAction.model_fields)
_OF_OTHERS = frozenset(field for kind in ACTIONS.values() for field in kind.model_fields) - _OF_REQUESTS


@dataclass(frozen=True, slots=True)
class Defaults:
    """One defaults file."""

    file: str
    value: dict[str, Any]
    node: Node | None
    """Where positions are looked up; None for a file of comments."""


Chain = tuple[Defaults, ...]
"""The defaults of a folder, the nearest first."""


def read_defaults(data: bytes, file: str, *, outer: Chain, timezone: str) -> Defaults | tuple[Problem, ...]:
    """Return the defaults in *data*, or what is wrong with them.

    Args:
        data: the bytes of the file.
        file: its name, for problems.
        outer: the defaults of the folders above, which these are laid over.
        timezone: the time zone of jobs that name none.
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
    return _mistakes(defaults, outer, timezone) or defaults


def _only_mapping(nodes: list[Node]) -> MappingNode:
    if len(nodes) > 1:
        raise RefusedError(nodes[1], 'a defaults file has one document; remove this one and its "---"')
    node = nodes[0]
    if not isinstance(node, MappingNode):
        raise RefusedError(node, 'defaults are a mapping; write e.g. "timeout: 30m"')
    for key, (key_node, _) in pairs(node).items():
        if key in _OF_ONE_JOB:
            raise RefusedError(key_node, f'"{key}" cannot be a default; write it in the job that it is for')
    return node


def _mistakes(defaults: Defaults, outer: Chain, timezone: str) -> tuple[Problem, ...]:
    probe = apply_defaults(_completed(lay_over(defaults.value, outer)), (), timezone)
    try:
        JobSpec.model_validate(probe)
    except ValidationError as error:
        return tuple(problem_of(mistake, defaults.file, defaults.node) for mistake in explain(error))
    return ()


def _completed(value: dict[str, Any]) -> dict[str, Any]:
    """Return *value* with what a job needs, so that only what it says itself can be wrong."""
    complete = {**value, "id": "defaults"}
    schedule, run = value.get("schedule", {}), value.get("run", {})
    if isinstance(schedule, dict) and not _has_any(schedule, TRIGGER_KEYS):
        complete["schedule"] = {"cron": "@daily", **schedule}
    if isinstance(run, dict) and not _has_any(run, ACTION_KEYS):
        complete["run"] = {**_kind_of(run), **run}
    if isinstance(run, dict) and isinstance(run.get("http"), dict):
        complete["run"] = {**run, "http": {"url": "https://a", **run["http"]}}
    return complete


def _kind_of(details: dict[str, Any]) -> dict[str, Any]:
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
    merged = lay_over(job, chain)
    for key, kinds in (("schedule", TRIGGER_KEYS), ("run", ACTION_KEYS)):
        details = merged.get(key)
        if key not in job and isinstance(details, dict) and not _has_any(details, kinds):
            del merged[key]
    return _over(merged, {"schedule": {"timezone": timezone}}) if "schedule" in merged else merged


def lay_over(job: dict[str, Any], chain: Iterable[Defaults]) -> dict[str, Any]:
    """Return a copy of *job* with what *chain*, the nearest first, has and it has not.

    From the job outwards, so that a list which a mapping replaces does not keep what is further out from the mapping.
    """
    merged = dict(job)
    for defaults in chain:
        merged = _over(merged, defaults.value)
    return merged


def _over(job: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    merged = _merged(job, _fitting(job, defaults))
    schedule, under = job.get("schedule"), defaults.get("schedule")
    if isinstance(schedule, list) and isinstance(under, dict):
        merged["schedule"] = [_merged(one, under) if isinstance(one, dict) else one for one in schedule]
    return merged


def _fitting(job: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """Return *defaults* without what is for other jobs: a folder may hold all kinds.

    For a job that runs after others that is the schedule, for an action what only other kinds have.
    """
    if "after" in job:
        defaults = {key: value for key, value in defaults.items() if key != "schedule"}
    run, under = job.get("run"), defaults.get("run", {})
    if not (isinstance(run, dict) and isinstance(under, dict)):
        return defaults
    of_a_process = not _has_any(run, _OF_REQUESTS | _OF_STATEMENTS)
    fitting = {key: value for key, value in defaults.items() if of_a_process or key not in _FOR_PROCESSES}
    return {**fitting, "run": _fitting_action(run, under)} if "run" in fitting else fitting


def _fitting_action(run: dict[str, Any], under: dict[str, Any]) -> dict[str, Any]:
    unfit = _unfit(run)
    fitting = {key: value for key, value in under.items() if key not in unfit}
    if isinstance(run.get("http"), dict) and isinstance(fitting.get("http"), dict):
        fitting["http"] = _fitting_request(run["http"], fitting["http"])
    env, theirs = run.get("env"), fitting.get("env")
    if isinstance(env, dict) and isinstance(theirs, dict):
        # Values do not merge: a file that one may be in and a variable that has another are no value together.
        fitting["env"] = {name: theirs[name] for name in theirs if name not in env}
    return fitting


def _unfit(run: dict[str, Any]) -> frozenset[str]:
    """Return the keys of actions that an action with the keys of *run* cannot have."""
    if _has_any(run, _OF_REQUESTS):
        return _OF_OTHERS
    if _has_any(run, _OF_STATEMENTS):
        return _OF_PROCESSES | _OF_REQUESTS
    return _OF_REQUESTS if _has_any(run, _OF_OTHERS) else frozenset()


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


def _has_any(mapping: dict[str, Any], keys: Iterable[str]) -> bool:
    return any(key in mapping for key in keys)


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
    for origin, root in ((file, node), *((defaults.file, defaults.node) for defaults in chain)):
        if root is not None and find(root, error.path).whole:
            file, node = origin, root
            break
    line, column = (1, 1) if node is None else locate(node, error.path, at_key=error.at_key, offset=error.offset)
    missing = error.at_key and error.found is None and error.expected is not None
    path = (*error.path, error.expected) if missing else error.path
    field = ".".join(map(str, path)) or None
    return Problem(file, line, column, error.message, job_id, field, error.found, error.expected)
