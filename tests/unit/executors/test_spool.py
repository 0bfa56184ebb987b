"""What is kept of an output."""

import resource
from pathlib import Path

import pytest

from schedsync.executors.spool import OutputLimits, Spool, live, recover, remove
from schedsync.runs.outcome import Output

LIMITS = OutputLimits(file_limit=100, keep_head=10, keep_tail=10)


def _bytes(length: int) -> bytes:
    return bytes(i % 251 for i in range(length))


def _spooled(path: Path, data: bytes, bite: int, limits: OutputLimits = LIMITS) -> Spool:
    spool = Spool(path, limits)
    for start in range(0, len(data), bite):
        spool.append(data[start : start + bite])
    return spool


@pytest.mark.parametrize("bite", [1, 3, 7, 1000])
@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 19, 20, 21, 50, 99, 100, 101, 500])
def test_first_and_last_bytes_are_kept_whatever_the_bites(tmp_path: Path, length: int, bite: int) -> None:
    data = _bytes(length)
    spool = _spooled(tmp_path / "run.log", data, bite)
    output = spool.read()
    assert output.total == length
    if length <= 20:
        assert output == Output(data, b"", length)
    else:
        assert output == Output(data[:10], data[-10:], length)
    assert output.dropped == max(length - 20, 0)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([data[:100]] if data else [])
    spool.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("head", "tail", "expected"),
    [
        (0, 10, Output(b"", b"123456789!", 30)),
        (10, 0, Output(b"abcdefghij", b"", 30)),
        (0, 0, Output(b"", b"", 30)),
        (30, 0, Output(b"abcdefghijABCDEFGHIJ123456789!", b"", 30)),
        (0, 30, Output(b"abcdefghijABCDEFGHIJ123456789!", b"", 30)),
    ],
    ids=["no head", "no tail", "nothing", "all as head", "all as tail"],
)
def test_head_and_tail_may_be_of_any_length(tmp_path: Path, head: int, tail: int, expected: Output) -> None:
    limits = OutputLimits(file_limit=1_000, keep_head=head, keep_tail=tail)
    spool = _spooled(tmp_path / "run.log", b"abcdefghijABCDEFGHIJ123456789!", 7, limits)
    assert spool.read() == expected
    spool.close()
    assert recover(tmp_path / "run.log", limits) == expected


def test_the_tail_in_memory_stays_short_however_much_is_printed(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "run.log", LIMITS)
    for _ in range(10_000):
        spool.append(b"0123456789")
        assert len(spool._tail) <= 2 * LIMITS.keep_tail
    assert spool.read() == Output(b"0123456789", b"0123456789", 100_000)
    spool.discard()


@pytest.mark.parametrize("length", [0, 5, 15, 20, 21, 80])
def test_a_file_that_was_left_is_recovered_until_it_is_removed(tmp_path: Path, length: int) -> None:
    data = bytes(range(length))
    path = tmp_path / "run.log"
    path.write_bytes(data)
    expected = Output(data, b"", length) if length <= 20 else Output(data[:10], data[-10:], length)
    for _ in range(2):  # until it is removed: what it holds may not have been written down
        assert recover(path, LIMITS) == expected
    remove(path)
    assert recover(path, LIMITS) == Output()


def test_the_end_of_a_file_that_has_reached_its_limit_says_that_more_may_have_come(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    path.write_bytes(_bytes(99))
    assert recover(path, LIMITS) == Output(_bytes(10), _bytes(99)[-10:], 99)
    path.write_bytes(_bytes(100))
    output = recover(path, LIMITS)
    said = b"\n[... longer than 100 bytes (runner.max_output), what follows is not on disk ...]\n"
    assert (output.head, output.tail, output.dropped) == (_bytes(10), _bytes(100)[-10:] + said, 80)


def test_what_cannot_be_recovered_is_no_output(tmp_path: Path) -> None:
    assert recover(tmp_path, LIMITS) == Output()
    assert tmp_path.is_dir()


def test_other_processes_read_the_file_while_the_run_lasts(tmp_path: Path) -> None:
    path = live(tmp_path, "run-1")
    spool = Spool(path, LIMITS)
    spool.append(b"so far")
    assert path == tmp_path / "run-1.log"
    assert path.read_bytes() == b"so far"
    assert path.stat().st_mode & 0o007 == 0
    spool.discard()
    assert not path.exists()
    assert spool.read() == Output(b"so far", b"", 6)


def test_a_file_of_an_earlier_attempt_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    path.write_bytes(b"old and long")
    spool = _spooled(path, b"new", 3)
    spool.close()
    spool.close()
    assert path.read_bytes() == b"new"


def test_a_file_of_an_earlier_attempt_goes_with_one_that_prints_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    path.write_bytes(b"old")
    Spool(path, LIMITS).discard()
    assert not path.exists()


def test_a_folder_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "removed" / "run.log"
    spool = Spool(path, LIMITS)
    spool.append(b"kept")
    assert (spool.failure, path.read_bytes()) == (None, b"kept")
    spool.discard()


def test_a_folder_that_cannot_be_written_costs_the_file_and_not_the_output(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    spool = Spool(tmp_path / "file" / "run.log", LIMITS)
    spool.append(b"kept")
    assert spool.failure == "its output could not be spooled: Not a directory"
    assert spool.read() == Output(b"kept", b"", 4)
    spool.discard()


def test_a_full_disk_costs_the_file_and_not_the_output(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "run.log", LIMITS)
    assert spool.failure is None
    spool.append(b"first")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, before[1]))  # no file gets longer, as on a disk that is full
    try:
        spool.append(b", second")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert spool.failure == "its output could not be spooled: File too large"
    assert (tmp_path / "run.log").read_bytes() == b"first, s"
    assert spool.read() == Output(b"first, second", b"", 13)
    spool.discard()
