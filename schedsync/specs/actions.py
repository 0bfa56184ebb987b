"""What a job runs: an argv, a line of shell, a script, or a Python function."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from schedsync.specs.base import Model, Text, no_nul

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

Argument = Annotated[Text, AfterValidator(no_nul)]


def _check_variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f'"{name}" is not a variable name; use letters, digits and "_"')
    return name


def _check_env_value(value: object) -> object:
    if isinstance(value, dict):
        raise ValueError(  # noqa: TRY004 - pydantic reports ValueError only
            "values from files or variables ({file: ...}, {env: ...}) are not supported in this version; "
            "write a literal, or read the secret inside the job"
        )
    return value


Environment = dict[
    Annotated[str, AfterValidator(_check_variable)],
    Annotated[Argument, BeforeValidator(_check_env_value)],
]


class Action(Model):
    """What all actions have."""

    env: Environment = Field(default_factory=dict, description="Variables added to the job's environment.")
    cwd: Argument | None = Field(
        None, description="Folder to run in, relative to the job file; default: where the service was started."
    )


def _argv(value: object) -> object:
    if isinstance(value, str):
        words = ", ".join(value.split())
        hint = f'write "command: [{words}]", or "shell: {value}" to have bash read it'
        raise ValueError(f"a command is a list; {hint}")  # noqa: TRY004 - pydantic reports ValueError only
    return value


class CommandAction(Action):
    """Runs a program; no shell is involved."""

    command: Annotated[tuple[Argument, ...], BeforeValidator(_argv), Field(min_length=1)] = Field(
        description='The program and its arguments, e.g. [rsync, -a, "/srv/a/", "/srv/b/"].'
    )


class ShellAction(Action):
    """Runs text with bash."""

    shell: Annotated[Argument, Field(min_length=1)] = Field(description="Text handed to `bash -c`.")


class ScriptAction(Action):
    """Runs a file: itself when it is executable, else with bash."""

    script: Annotated[Argument, Field(min_length=1)] = Field(description="Path, relative to the job file.")
    args: tuple[Argument, ...] = Field((), description="Arguments of the script.")


def _check_target(target: str) -> str:
    if not _TARGET.fullmatch(target):
        raise ValueError(f'"{target}" does not name a function; write it like "package.module:function"')
    return target


class PythonAction(Action):
    """Calls a Python function in an interpreter of its own."""

    python: Annotated[str, AfterValidator(_check_target)] = Field(
        description='"package.module:function"; the folder of the job file is on the path.'
    )
    args: tuple[Any, ...] = Field((), description="Positional arguments.")
    kwargs: dict[str, Any] = Field(default_factory=dict, description="Keyword arguments.")


ACTION_KEYS = ("command", "shell", "script", "python")


def _kind(value: object) -> str | None:
    if isinstance(value, Action):
        return type(value).__name__
    if not isinstance(value, dict):
        return None
    found = next((key for key in ACTION_KEYS if key in value), None)
    return None if found is None else f"{found.capitalize()}Action"


AnyAction = Annotated[
    Annotated[CommandAction, Tag("CommandAction")]
    | Annotated[ShellAction, Tag("ShellAction")]
    | Annotated[ScriptAction, Tag("ScriptAction")]
    | Annotated[PythonAction, Tag("PythonAction")],
    Discriminator(_kind),
]
