"""Which limit a run has met."""

import pytest

from schedsync.executors.limits import met

LIMITS = {"memory": "2GiB", "cpu": "10m", "files": "1024", "processes": "200", "file_size": "1GiB", "core": "0B"}


@pytest.mark.parametrize(
    ("code", "output", "words"),
    [
        (-24, b"", "its limits.cpu of 10m is used up"),
        (152, b"", "its limits.cpu of 10m is used up"),
        (153, b"", "its limits.file_size of 1GiB is used up"),
        (1, b"Traceback:\nMemoryError\n", "by its output, its limits.memory of 2GiB is used up"),
        (
            134,
            b"terminate called after throwing 'std::bad_alloc'",
            "by its output, its limits.memory of 2GiB is used up",
        ),
        (1, b"OSError: [Errno 24] Too many open files", "by its output, its limits.files of 1024 is used up"),
        (254, b"bash: fork: Resource temporarily unavailable", "by its output, its limits.processes of 200 is used up"),
        (1, b"cat: write error: File too large", "by its output, its limits.file_size of 1GiB is used up"),
        (1, b"MemoryError" + b" " * 5_000, ""),
        (1, b"no such table", ""),
        (-9, b"", ""),
    ],
)
def test_a_limit_is_told_by_the_signal_or_by_the_last_words(code: int, output: bytes, words: str) -> None:
    assert met(LIMITS, code, output) == words


def test_a_limit_that_is_not_set_is_not_blamed() -> None:
    assert met({"files": "10"}, -24, b"MemoryError") == ""
