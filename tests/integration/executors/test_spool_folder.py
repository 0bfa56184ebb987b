"""What lies in the spool folder is believed and overwritten, so others may put nothing there."""

import os
import stat
from pathlib import Path

import pytest

from schedsync.executors.durable import PART, write_whole
from schedsync.executors.spool import OutputLimits, Spool
from schedsync.executors.spool_folder import make

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")


def _refusal(folder: Path) -> str:
    with pytest.raises(PermissionError) as refused:
        make(folder)
    assert refused.value.filename == str(folder)
    return refused.value.strerror or ""


def test_a_folder_that_is_made_is_not_for_everybody(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make(tmp_path / "state" / "spool")
        make(tmp_path / "state" / "spool")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "state" / "spool").stat().st_mode) == 0o750


@AS_ROOT
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    os.chown(spool, 1, 1)
    assert _refusal(spool) == (
        "belongs to daemon, who could put results there that are none; run as that user, give it to this one "
        "(chown root), or set runner.spool to another folder"
    )


@AS_ROOT
def test_a_link_of_somebody_else_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o750)
    (tmp_path / "spool").symlink_to("mine")
    make(tmp_path / "spool")
    os.chown(tmp_path / "spool", 1, 1, follow_symlinks=False)
    assert _refusal(tmp_path / "spool").startswith("belongs to daemon, ")


@pytest.mark.parametrize("mode", [0o757, 0o1777], ids=oct)
def test_a_folder_in_which_everybody_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    spool.chmod(mode)
    assert _refusal(spool) == (
        "everybody may write into it, and could put results there that are none; take that right away (chmod go-w), or "
        "set runner.spool to another folder, perhaps one in it, which is made then"
    )
    make(spool / "inner")


@AS_ROOT
def test_a_folder_of_another_group_is_refused_if_that_may_write(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    os.chown(spool, 0, 1)
    make(spool)
    spool.chmod(0o770)
    assert _refusal(spool).startswith("the group daemon may write into it, ")
    os.chown(spool, 0, 0)
    make(spool)


@AS_ROOT
def test_a_run_s_output_goes_into_no_folder_that_somebody_else_made_meanwhile(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    os.chown(spool, 1, 1)
    with pytest.raises(PermissionError):
        write_whole(spool / "run.end", b"data")
    assert list(spool.iterdir()) == []


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    spool, target = tmp_path / "spool", tmp_path / "target"
    make(spool)
    target.write_text("as it was")
    for name in ("run.log", f"run.end{PART}"):
        (spool / name).symlink_to(target)
    output = Spool(spool / "run.log", OutputLimits())
    output.append(b"printed")
    assert output.failure == "its output could not be spooled: Too many levels of symbolic links"
    assert output.read().head == b"printed"
    with pytest.raises(OSError, match="symbolic links"):
        write_whole(spool / "run.end", b"data")
    assert target.read_text() == "as it was"
