"""What a job runs: an argv, a line of shell, a script, a Python function, a statement in a database, or a request."""

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from schedsync.specs.base import Model, Text, no_nul
from schedsync.specs.http_request import HttpRequest
from schedsync.specs.json_value import check_json
from schedsync.specs.limits import Limits
from schedsync.specs.references import VARIABLE, FileReference, VariableReference, check_source, value_kind
from schedsync.specs.variables import OF_RUNS
from schedsync.specs.wording import quoted

_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_USER = re.compile(r"[A-Za-z0-9_][\w.-]*\$?(:[A-Za-z0-9_][\w.-]*)?", re.ASCII)
_UMASK = re.compile(r"0?[0-7]{3}")
_SCALARS = ("string", "number", "boolean", "null")
_PLAIN_WORDS = re.compile(r"[\w./=+-]+(?: [\w./=+-]+)*")

Argument = Annotated[Text, AfterValidator(no_nul)]


def _check_variable(name: str) -> str:
    if not VARIABLE.fullmatch(name):
        raise ValueError(f'{quoted(name)} is not a variable name; use letters, digits and "_", no digit first')
    if name in OF_RUNS:
        raise ValueError(f'"{name}" is set by schedsync for each run; choose another name')
    return name


EnvValue = Annotated[
    Annotated[
        Annotated[Argument, Tag("ValueText")]
        | Annotated[FileReference, Tag("ValueFile")]
        | Annotated[VariableReference, Tag("ValueVariable")],
        Discriminator(value_kind),
    ],
    BeforeValidator(check_source),
]
"""The value of a variable: as it is written, or where it is."""
Environment = dict[Annotated[str, AfterValidator(_check_variable)], EnvValue]


class Action(Model):
    """What all actions are."""


def _check_user(user: str) -> str:
    if not _USER.fullmatch(user):
        raise ValueError(f"{quoted(user)} does not name a user; write oracle, or oracle:dba with a group")
    return user


def _check_umask(mask: str) -> str:
    if not _UMASK.fullmatch(mask):
        raise ValueError(f'{quoted(mask)} is not a mask; write three digits from 0 to 7, e.g. "027"')
    return mask[-3:]


class ProcessAction(Action):
    """What actions have that are programs of the job's author."""

    env: Environment = Field(
        default_factory=dict,
        description="Variables added to the job's environment: text, {file: path} or {env: NAME} of the service.",
    )
    cwd: Annotated[Argument, Field(min_length=1)] | None = Field(
        None, description="Folder to run in, relative to the job file; default: where the service was started."
    )
    user: Annotated[Text, AfterValidator(_check_user)] | None = Field(
        None, description="User to run as, or user:group; only a service that is root can do that."
    )
    umask: Annotated[Text, AfterValidator(_check_umask)] | None = Field(
        None, description='Rights that new files do not get, e.g. "027"; default: those of the service.'
    )
    nice: Annotated[int, Field(ge=-20, le=19, strict=True)] | None = Field(
        None, description="How far it yields to others, added to the service's own niceness."
    )
    limits: Limits | None = Field(None, description="What each of its processes may use of the machine.")


def _refuse_text(value: object) -> object:
    if not isinstance(value, str):
        return value
    if _PLAIN_WORDS.fullmatch(value) and len(value) <= 100:
        hint = f'write "command: [{", ".join(value.split())}]", or "shell: {value}" to have bash read it'
    else:
        hint = 'write "command: [program, argument]", or "shell:" before the text to have bash read it'
    raise ValueError(f"a command is a list; {hint}")


def _check_program(argv: tuple[str, ...]) -> tuple[str, ...]:
    if not argv[0]:
        raise ValueError("the program, its first entry, is empty")
    return argv


class CommandAction(ProcessAction):
    """Runs a program; no shell is involved."""

    command: Annotated[
        tuple[Argument, ...],
        BeforeValidator(_refuse_text),
        Field(min_length=1),
        AfterValidator(_check_program),
    ] = Field(description='The program and its arguments, e.g. [rsync, -a, "/srv/a/", "/srv/b/"].')


class ShellAction(ProcessAction):
    """Runs text with bash."""

    shell: Annotated[Argument, Field(min_length=1)] = Field(description="Text handed to `bash -c`.")


class ScriptAction(ProcessAction):
    """Runs a file: itself when it is executable, else with bash."""

    script: Annotated[Argument, Field(min_length=1)] = Field(description="Path, relative to the job file.")
    args: tuple[Argument, ...] = Field((), description="Arguments of the script.")


def _check_target(target: str) -> str:
    if not _TARGET.fullmatch(target):
        raise ValueError(f'{quoted(target)} does not name a function; write it like "package.module:function"')
    return target


def _check_args(args: tuple[Any, ...]) -> tuple[Any, ...]:
    check_json(list(args))
    return args


def _check_kwargs(kwargs: dict[str, Any]) -> dict[str, Any]:
    check_json(kwargs)
    return kwargs


class PythonAction(ProcessAction):
    """Calls a Python function in an interpreter of its own."""

    python: Annotated[str, AfterValidator(_check_target)] = Field(
        description='"package.module:function"; the folder of the job file is on the path.'
    )
    args: Annotated[tuple[Any, ...], AfterValidator(_check_args)] = Field((), description="Positional arguments.")
    kwargs: Annotated[dict[str, Any], AfterValidator(_check_kwargs)] = Field(
        default_factory=dict, description="Keyword arguments."
    )


class StatementFile(Model):
    """A file that holds a statement."""

    file: Annotated[Argument, Field(min_length=1)] = Field(description="Path, relative to the job file; UTF-8.")


def _statement_kind(value: object) -> str:
    return "StatementFile" if isinstance(value, dict | StatementFile) else "StatementText"


StatementSource = Annotated[
    Annotated[str, Field(min_length=1), AfterValidator(no_nul), Tag("StatementText")]
    | Annotated[StatementFile, Tag("StatementFile")],
    Discriminator(_statement_kind),
]


def _check_bind(name: str) -> str:
    if not VARIABLE.fullmatch(name):
        raise ValueError(f"{quoted(name)} is not the name of a bind; write cutoff for :cutoff in the statement")
    return name


def _check_bind_value(value: object) -> object:
    if isinstance(value, dict | list | tuple):
        raise ValueError("a bind is text, a number, true, false or null; bind each value by itself")  # noqa: TRY004 - pydantic reports ValueError only
    check_json(value)
    return value


BindName = Annotated[str, AfterValidator(_check_bind)]
BindValue = Annotated[Any, AfterValidator(_check_bind_value), WithJsonSchema({"type": list(_SCALARS)})]


class OutType(StrEnum):
    """What a block gives back in a bind."""

    STRING = "string"
    NUMBER = "number"


class DatabaseAction(Action):
    """What actions have that are statements in a database; they know no folder and no variables."""

    connection: Annotated[Text, Field(min_length=1)] = Field(
        description="The database: a name under [connections] in the settings of the service."
    )
    binds: dict[BindName, BindValue] = Field(
        default_factory=dict, description="Values of :name in the statement: text, numbers, true, false or null."
    )


class SqlAction(DatabaseAction):
    """Executes a statement, in a transaction of its own."""

    sql: StatementSource = Field(description="One statement, or {file: path relative to the job file}.")


class PlsqlAction(DatabaseAction):
    """Executes a PL/SQL block on Oracle, in a transaction of its own."""

    plsql: StatementSource = Field(description="A block, or {file: path relative to the job file}.")
    out: dict[BindName, OutType] = Field(
        default_factory=dict, description="OUT binds, which are printed at the end: their names, and string or number."
    )


class HttpAction(Action):
    """Makes a request to a web service; it knows no folder and no variables."""

    http: HttpRequest = Field(description="The request, and what is expected of the answer.")


ACTIONS: dict[str, type[Action]] = {
    "command": CommandAction,
    "shell": ShellAction,
    "script": ScriptAction,
    "python": PythonAction,
    "sql": SqlAction,
    "plsql": PlsqlAction,
    "http": HttpAction,
}
"""The kinds of action, by the key that tells them apart."""
ACTION_KEYS = tuple(ACTIONS)


def _kind(value: object) -> str | None:
    if isinstance(value, Action):
        return type(value).__name__
    if not isinstance(value, dict):
        return None
    return next((action.__name__ for key, action in ACTIONS.items() if key in value), None)


AnyAction = Annotated[
    Annotated[CommandAction, Tag("CommandAction")]
    | Annotated[ShellAction, Tag("ShellAction")]
    | Annotated[ScriptAction, Tag("ScriptAction")]
    | Annotated[PythonAction, Tag("PythonAction")]
    | Annotated[SqlAction, Tag("SqlAction")]
    | Annotated[PlsqlAction, Tag("PlsqlAction")]
    | Annotated[HttpAction, Tag("HttpAction")],
    Discriminator(_kind),
]
