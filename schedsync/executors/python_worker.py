"""``python -m schedsync.executors.python_worker``: calls the one function that it is asked for, and ends.

What the function prints is the run's output, a result other than None is its last line, an exception is exit code 1.
"""

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from difflib import get_close_matches
from operator import attrgetter
from typing import Any


def main() -> int:
    """Read the request, make the call, and return the exit code."""
    request = json.load(sys.stdin.buffer)
    _empty_stdin()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # a text stream, and live output wants lines
    sys.path[:0] = request["path"]
    function = _find(request["target"])
    if isinstance(function, str):
        print(function, file=sys.stderr)  # noqa: T201 - standard error is the run's output
        return 1
    return _call(function, request["args"], request["kwargs"])


def _empty_stdin() -> None:
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)


def _find(target: str) -> Callable[..., Any] | str:
    """Return the function, or a sentence about why there is none."""
    module_name, _, name = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        return f'cannot import "{module_name}": {error}'
    except Exception:  # whatever a module raises while it is imported
        return f'cannot import "{module_name}":\n{traceback.format_exc()}'
    try:
        function = attrgetter(name)(module)
    except AttributeError:
        close = get_close_matches(name, [n for n in dir(module) if callable(getattr(module, n))], n=1)
        return f'"{module_name}" has no function "{name}"' + (f'; did you mean "{close[0]}"?' if close else "")
    return function if callable(function) else f'"{target}" is not a function'


def _call(function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> int:
    try:
        result = function(*args, **kwargs)
    except Exception as error:  # the boundary of the user's code
        below = error.__traceback__.tb_next if error.__traceback__ else None
        traceback.print_exception(type(error), error, below)
        return 1
    if result is not None:
        print(repr(result))  # noqa: T201 - standard output is the run's output
    return 0


if __name__ == "__main__":
    sys.exit(main())
