"""``python -m schedsync.executors.python_worker``: makes the one call that it reads on its standard input, and ends.

What the function prints is the run's output, a result other than None is its last line, an exception is exit code 1.
Every run pays for what is imported here, so what only errors need is imported where they are told. Nothing of schedsync
is needed: ``python_call.py`` writes the request, and the two share its JSON.
"""

import json
import os
import sys
from collections.abc import Callable, Coroutine, Iterable
from types import ModuleType, TracebackType

PATIENCE = 2.0
"""Seconds that threads may take to end after the function before that is said: many end with the interpreter."""


class RefusalError(Exception):
    """The call cannot be made; the text says why, to the job's author."""


def main() -> int:
    """Read the request, make the call, and return the exit code."""
    request = json.load(sys.stdin.buffer)
    _empty_stdin()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # a text stream; live output wants lines
    sys.path[:0] = request["path"]
    try:
        result = _call(_find(request["target"]), request["args"], request["kwargs"])
        if result is not None and not sys.stdout.closed:
            print(repr(result))  # noqa: T201 - standard output is the run's output
    except RefusalError as refusal:
        return _fail(str(refusal))
    except Exception as error:  # the boundary to the user's code
        return _fail(_told(error))
    finally:
        _watch_threads()
    return 0


def _empty_stdin() -> None:
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)


def _fail(text: str) -> int:
    if not sys.stdout.closed:
        sys.stdout.flush()  # what the function printed came first
    print(text.rstrip("\n"), file=sys.stderr)  # noqa: T201 - standard error is the run's output too
    return 1


def _watch_threads() -> None:
    """Let somebody be told if the run does not end because of threads that the function has left."""
    if _threads_left():
        import threading  # noqa: PLC0415 - see the module's docstring

        try:  # noqa: SIM105 - each run pays for an import
            threading.Thread(target=_say_what_goes_on, daemon=True).start()
        except RuntimeError:  # the system lets this process have no more; then the run goes on in silence
            pass


def _threads_left() -> list[str]:
    """Return the threads that the interpreter waits for at its end."""
    threading = sys.modules.get("threading")
    if threading is None:
        return []
    here = threading.current_thread()
    return [thread.name for thread in threading.enumerate() if thread is not here and not thread.daemon]


def _say_what_goes_on() -> None:
    import threading  # noqa: PLC0415 - see the module's docstring
    import time  # noqa: PLC0415 - likewise

    time.sleep(PATIENCE)
    left = ", ".join(name for name in _threads_left() if name != threading.main_thread().name)
    if left:
        advice = "join them, or make them daemons"
        print(f"the function has returned, its run goes on with its threads ({left}); {advice}", file=sys.stderr)  # noqa: T201


def _call(function: Callable[..., object], args: list[object], kwargs: dict[str, object]) -> object:
    result = function(*args, **kwargs)
    if isinstance(result, Coroutine):
        # The function is an "async def": until somebody runs it, nothing has happened.
        import asyncio  # noqa: PLC0415 - see the module's docstring

        return asyncio.run(result)
    return result


def _find(target: str) -> Callable[..., object]:
    module_name, _, name = target.partition(":")
    found: object = _import(module_name)
    for part in name.split("."):
        if not hasattr(found, part):
            raise RefusalError(f'cannot call "{target}": {_why_no_function(found, part)}')
        found = getattr(found, part)
    if not callable(found):
        raise RefusalError(f'cannot call "{target}": it is no function, but of type {type(found).__name__}')
    return found


def _import(name: str) -> ModuleType:
    try:
        __import__(name)  # importlib would leave its own frames in the traceback
    except ImportError as error:
        raise RefusalError(f'cannot import "{name}": {_why_not_imported(name, error)}') from error
    return sys.modules[name]


def _why_not_imported(name: str, error: ImportError) -> str:
    missing = error.name or ""
    if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{missing}."):
        return f"{error}" + (_suggestion(missing, _modules_beside(missing)) or f"; looked for in {sys.path[0]} first")
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" ({trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno})" if trace else ""
    advice = f"; install it for {sys.executable}" if isinstance(error, ModuleNotFoundError) else ""
    return f"{error}{place}{advice}"


def _modules_beside(name: str) -> list[str]:
    from pkgutil import iter_modules  # noqa: PLC0415 - see the module's docstring

    parent, dot, _ = name.rpartition(".")
    folders = getattr(sys.modules.get(parent), "__path__", []) if dot else sys.path[:1]
    return [parent + dot + module.name for module in iter_modules(folders)]


def _why_no_function(holder: object, name: str) -> str:
    public = {key: value for key in dir(holder) if not key.startswith("_") and callable(value := getattr(holder, key))}
    own = [
        key for key, value in public.items() if getattr(value, "__module__", None) == getattr(holder, "__name__", "")
    ]
    choice = "" if not own else f"; it has {', '.join(own[:5])}" + (", ..." if len(own) > 5 else "")
    shown = getattr(holder, "__name__", type(holder).__name__)
    return f'"{shown}" has no function "{name}"{_suggestion(name, public) or choice}'


def _suggestion(wrong: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - see the module's docstring

    close = get_close_matches(wrong, list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _told(error: Exception) -> str:
    """Return the traceback, from the first line of the user's code on."""
    import traceback  # noqa: PLC0415 - see the module's docstring

    trace = error.__traceback__
    while trace is not None and _is_machinery(trace):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def _is_machinery(trace: TracebackType) -> bool:
    file = trace.tb_frame.f_code.co_filename
    return (
        file == main.__code__.co_filename or f"{os.sep}asyncio{os.sep}" in file or file.startswith("<frozen importlib")
    )


if __name__ == "__main__":
    sys.exit(main())
