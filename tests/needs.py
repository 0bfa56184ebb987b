"""What a test needs of the machine: on a newcomer's laptop it is done without, and in CI its absence is a failure."""

import os
from typing import NoReturn

import pytest


def do_without(message: str) -> NoReturn:
    """Skip the test, for the reason that *message* gives; in CI, where everything is there, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
