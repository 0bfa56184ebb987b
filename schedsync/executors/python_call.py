"""A Python function as a process: the argv and the request that its interpreter reads."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any


def python_argv() -> tuple[str, ...]:
    """Return the argv of an interpreter that waits for one request on its standard input."""
    return (sys.executable, "-m", "schedsync.executors.python_worker")


def request(target: str, args: Sequence[Any], kwargs: Mapping[str, Any], path: Sequence[str]) -> bytes:
    """Return the request to call *target* (``module:function``), with *path* in front of the module search path."""
    return json.dumps({"target": target, "args": list(args), "kwargs": dict(kwargs), "path": list(path)}).encode()
