"""A Python function as a process: the argv of its interpreter, and the request that the interpreter reads.

Every call gets an interpreter of its own (``python_worker.py``): it can be killed, and it runs the code of today.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def python_argv() -> tuple[str, ...]:
    """Return the argv of an interpreter that waits for one request on its standard input."""
    # -P: the folder that the job runs in is not on the path, so a json.py lying there breaks nothing.
    # faulthandler: a crash in somebody's C code says where in the function it was.
    return (sys.executable, "-P", "-X", "faulthandler", "-m", "schedsync.executors.python_worker")


def request(target: str, args: Sequence[Any], kwargs: Mapping[str, Any], path: Sequence[str]) -> bytes:
    """Return the request to make one call.

    Args:
        target: ``package.module:function``.
        args: its positional arguments, of the kinds that JSON has.
        kwargs: its keyword arguments, likewise.
        path: folders to search for modules before all others.

    Raises:
        TypeError: an argument is of a kind that JSON does not have.
        ValueError: an argument contains itself.
    """
    return json.dumps({"target": target, "args": list(args), "kwargs": dict(kwargs), "path": list(path)}).encode()
