"""What is kept of an output."""

from pathlib import Path

import pytest

from schedsync.executors.spool import OutputLimits, Spool, recover
from schedsync.runs.outcome import Output

LIMITS = OutputLimits(file_limit=100, keep_head=10, keep_tail=10)


@pytest.mark.parametrize("bite", [1, 3, 7, 1000])
@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 19, 20, 21, 50, 99, 100, 101, 500])
def test_first_and_last_bytes_are_kept_whatever_the_bites(tmp_path: Path, length: int, bite: int) -> None:
    data = bytes(i % 251 for i in range(length))
    spool = Spool(tmp_path / "run.log", LIMITS)
    for start in range(0, length, bite):
        spool.append(data[start : start + bite])
    output = spool.read()
    assert output.total == length
    if length <= 20:
        assert output == Output(data, b"", length)
    else:
        assert output == Output(data[:10], data[-10:], length)
    assert (tmp_path / "run.log").read_bytes() == data[:100]
    spool.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [0, 5, 15, 20, 21, 80])
def test_a_file_that_was_left_is_recovered_once(tmp_path: Path, length: int) -> None:
    data = bytes(range(length))
    path = tmp_path / "run.log"
    path.write_bytes(data)
    expected = Output(data, b"", length) if length <= 20 else Output(data[:10], data[-10:], length)
    assert recover(path, LIMITS) == expected
    assert recover(path, LIMITS) == Output()


def test_a_folder_that_cannot_be_written_costs_the_file_and_not_the_output(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "missing" / "run.log", LIMITS)
    spool.append(b"kept")
    assert spool.failure is not None
    assert spool.read() == Output(b"kept", b"", 4)
    spool.discard()
