"""Sizes in the settings: with a unit, or as numbers of bytes, from the file and from variables."""

import os
from pathlib import Path

import pytest

from schedsync.errors import SettingsError
from schedsync.settings import load


@pytest.fixture(autouse=True)
def _in_a_folder_without_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("SCHEDSYNC_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("written", "size"), [('"20MiB"', 20 << 20), ('"1 GB"', 10**9), ("4096", 4096), ('"4096"', 4096)]
)
def test_a_size_has_a_unit_or_is_a_number_of_bytes(monkeypatch: pytest.MonkeyPatch, written: str, size: int) -> None:
    Path("schedsync.toml").write_text(
        f"[jobs]\nmax_file_size = {written}\n"
        f"[runner]\nmax_output = {written}\nkeep_head = {written}\nkeep_tail = {written}\n"
    )
    given = load()
    assert given.jobs.max_file_size == size
    assert (given.runner.max_output, given.runner.keep_head, given.runner.keep_tail) == (size, size, size)
    monkeypatch.setenv("SCHEDSYNC_RUNNER__KEEP_TAIL", "0")
    monkeypatch.setenv("SCHEDSYNC_JOBS__MAX_FILE_SIZE", written.strip('"'))
    assert (load().runner.keep_tail, load().jobs.max_file_size) == (0, size)


@pytest.mark.parametrize("written", ['"1000B"', "1000", "-1", "true"])
def test_a_size_has_to_be_one_and_not_too_small(written: str) -> None:
    Path("schedsync.toml").write_text(f"[jobs]\nmax_file_size = {written}\n")
    with pytest.raises(SettingsError, match=r"jobs\.max_file_size: "):
        load()
