"""What a test needs of the machine: on a newcomer's laptop it is done without, and in CI its absence is a failure."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import pytest


def do_without(message: str) -> NoReturn:
    """Skip the test, for the reason that *message* gives; in CI, where everything is there, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


_VERSION_3 = 0x20080522
"""Of the structures (capget(2)): a header, then effective, permitted and inheritable powers, in two halves."""
_OVER_FILES = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH: to read and write whatever the modes of files say."""


@contextmanager
def bound_by_modes() -> Iterator[None]:
    """Let the modes of files count for this thread, also when the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        do_without("root may read and write everything here, and only Linux lets it give that up for a while")
    libc = ctypes.CDLL(None, use_errno=True)
    header, powers = (ctypes.c_uint32 * 2)(_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    _checked(libc.capget(header, powers))
    effective = powers[0]
    powers[0] &= ~_OVER_FILES
    _checked(libc.capset(header, powers))
    try:
        yield
    finally:
        powers[0] = effective
        _checked(libc.capset(header, powers))


def _checked(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
