"""What references stand for: text in files and variables, looked up now, or a sentence that says where it was not."""

import os
from pathlib import Path

import pytest

from schedsync.errors import UnresolvedReferenceError
from schedsync.executors.references import LONGEST, resolve
from schedsync.specs.references import FileReference, VariableReference
from tests.needs import bound_by_modes


def _in_file(folder: Path, data: bytes) -> str:
    (folder / "secret").write_bytes(data)
    return resolve(FileReference(file="secret"), folder, {})


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"tiger", "tiger"),
        (b"tiger\n", "tiger"),
        (b"tiger\r\n", "tiger"),
        (b"tiger\n\n", "tiger\n"),
        (b" a\nb ", " a\nb "),
        ("größer".encode(), "größer"),
        (b"x" * LONGEST, "x" * LONGEST),
    ],
)
def test_the_text_of_a_file_is_the_value_without_the_line_end_at_its_end(
    tmp_path: Path, data: bytes, value: str
) -> None:
    assert _in_file(tmp_path, data) == value


def test_a_file_is_read_each_time(tmp_path: Path) -> None:
    assert (_in_file(tmp_path, b"old"), _in_file(tmp_path, b"new")) == ("old", "new")


def test_a_path_from_the_root_stays_one(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("tiger")
    assert resolve(FileReference(file=f"{tmp_path}/secret"), tmp_path / "jobs", {}) == "tiger"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"x" * (LONGEST + 1), "is longer than 64 KiB"),
        (b"ti\0ger", "has a NUL character, which no variable can have"),
        (b"tiger\xff", "is not text in UTF-8"),
        (b"", "is empty; write the value into it"),
        (b"\n", "is empty; write the value into it"),
    ],
)
def test_a_file_that_holds_no_value_is_named_and_not_shown(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(UnresolvedReferenceError) as refused:
        _in_file(tmp_path, data)
    assert str(refused.value) == f'the file "{tmp_path}/secret" {words}'
    assert refused.value.__cause__ is None


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name, words in {
        "none": f'the file "{tmp_path}/none" cannot be read: No such file or directory',
        "folder": f'the file "{tmp_path}/folder" is no regular file',
        "pipe": f'the file "{tmp_path}/pipe" is no regular file',
    }.items():
        with pytest.raises(UnresolvedReferenceError) as refused:
            resolve(FileReference(file=name), tmp_path, {})
        assert str(refused.value) == words


def test_a_file_that_may_not_be_read_says_who_reads_it(tmp_path: Path) -> None:
    (tmp_path / "secret").touch(mode=0o000)
    refusal = "Permission denied; the service reads it, so its user needs"
    with bound_by_modes(), pytest.raises(UnresolvedReferenceError, match=refusal):
        resolve(FileReference(file="secret"), tmp_path, {})


def test_a_variable_is_the_value_as_it_is(tmp_path: Path) -> None:
    environ = {"TOKEN": "a\n", "NONE": ""}
    assert resolve(VariableReference(env="TOKEN"), tmp_path, environ) == "a\n"
    assert resolve(VariableReference(env="NONE"), tmp_path, environ) == ""


def test_a_variable_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnresolvedReferenceError) as refused:
        resolve(VariableReference(env="TOKEN"), tmp_path, {"OTHER": "x"})
    hint = "set it where schedsync is started, or name another"
    assert str(refused.value) == f'the service has no variable "TOKEN" for jobs; {hint}'
