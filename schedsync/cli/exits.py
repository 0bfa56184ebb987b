"""The exit codes, which scripts rely on."""

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    FAILURE = 1
    """Something went wrong, or is wrong in the files; stderr or the answer says what."""
    CHANGES = 2
    """``plan``: applying would change or hold something."""
    USAGE = 64
    INTERRUPTED = 130
