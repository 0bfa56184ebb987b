"""What root reads for a job of another user: only what nobody else can put in the place of what was meant."""

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schedsync.errors import UnresolvedReferenceError
from schedsync.executors.confinement import account_of
from schedsync.executors.references import resolve
from schedsync.specs.references import FileReference

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root reads what others may not")
SECRET = "root's alone"
DAEMON, NOBODY = account_of("daemon"), account_of("nobody")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of root's that others can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o755)
        for inner in ("jobs", "secrets", "theirs"):
            (home / inner).mkdir(mode=0o755)
        os.chown(home / "theirs", DAEMON.uid, DAEMON.gid)
        file = home / "secrets" / "token"
        file.write_text(SECRET)
        file.chmod(0o600)
        yield home


def _read(home: Path, file: str) -> str:
    return resolve(FileReference(file=file), home / "jobs", {}, DAEMON)


def _refusal(home: Path, file: str) -> str:
    with pytest.raises(UnresolvedReferenceError) as refused:
        _read(home, file)
    assert SECRET not in str(refused.value)
    return str(refused.value)


def _linked(home: Path) -> str:
    """As secrets come into a container: links of root's in a folder in which everybody may write."""
    shared = home / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "data").symlink_to("../secrets")
    (shared / "token").symlink_to("data/token")
    return f"{shared}/token"


GOOD: dict[str, Callable[[Path], str]] = {
    "whole": lambda home: f"{home}/secrets/token",
    "relative": lambda home: "../secrets/token",
    "links in a folder of everybody's": _linked,
}


@pytest.mark.parametrize("file", GOOD.values(), ids=GOOD)
def test_a_file_of_root_s_on_a_way_of_root_s_is_read(home: Path, file: Callable[[Path], str]) -> None:
    assert _read(home, file(home)) == SECRET


def test_whoever_has_the_folder_of_the_job_may_have_those_beside_it(home: Path) -> None:
    for path in (home / "jobs", home / "secrets"):
        os.chown(path, NOBODY.uid, NOBODY.gid)
    assert _read(home, "../secrets/token") == SECRET


def test_a_file_beside_the_job_is_read_whoever_may_write_there_since_they_may_write_jobs(home: Path) -> None:
    (home / "jobs").chmod(0o775)
    (home / "jobs" / "token").write_text(SECRET)
    assert _read(home, "token") == SECRET


def test_a_file_of_the_user_s_own_is_read_from_its_own_folder(home: Path) -> None:
    (home / "theirs" / "token").write_text("mine")
    os.chown(home / "theirs" / "token", DAEMON.uid, DAEMON.gid)
    assert _read(home, f"{home}/theirs/token") == "mine"


def _planted(home: Path) -> str:
    (home / "theirs" / "token").symlink_to(home / "secrets" / "token")
    return f"{home}/theirs/token"


def _planted_folder(home: Path) -> str:
    (home / "theirs" / "deep").symlink_to("../secrets")
    (home / "jobs" / "way").symlink_to("../theirs/deep")
    return "way/token"


def _of_a_group(home: Path) -> str:
    (home / "secrets").chmod(0o770)
    os.chown(home / "secrets", 0, DAEMON.gid)
    return f"{home}/secrets/token"


def _of_everybody(home: Path) -> str:
    (home / "secrets").chmod(0o777)
    return f"{home}/secrets/token"


def _shared_link(home: Path) -> str:
    shared = Path(_linked(home)).parent
    (shared / "planted").symlink_to("../secrets/token")
    os.chown(shared / "planted", DAEMON.uid, DAEMON.gid, follow_symlinks=False)
    return f"{shared}/planted"


def _further_name(home: Path) -> str:
    shared = Path(_linked(home)).parent
    (shared / "planted").hardlink_to(home / "secrets" / "token")
    return f"{shared}/planted"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (_planted, 'the folder "{home}/theirs" belongs to "daemon"'),
        (_planted_folder, 'the folder "{home}/jobs/../theirs" belongs to "daemon"'),
        (_of_a_group, 'the group "daemon" may write into the folder "{home}/secrets"'),
        (_of_everybody, 'everybody may write into the folder "{home}/secrets"'),
        (_shared_link, '"{home}/shared/planted" lies in a folder of everybody\'s and belongs to "daemon"'),
        (_further_name, '"{home}/shared/planted" lies in a folder of everybody\'s and has further names elsewhere'),
    ],
    ids=["link", "folder", "group", "everybody", "link in a shared folder", "further name in a shared folder"],
)
def test_where_others_may_change_the_way_nothing_is_read(home: Path, file: Callable[[Path], str], words: str) -> None:
    path = file(home)
    assert _refusal(home, path) == (
        f'the file "{home / "jobs" / path}" is not read: {words.format(home=home)}, so others than root may decide '
        'what a job of the user "daemon" is given; let only root change that (chown root, chmod go-w), put the file '
        'elsewhere, or let it belong to "daemon"'
    )


def test_what_is_no_file_is_said_as_ever(home: Path) -> None:
    os.mkfifo(home / "pipe")
    (home / "loop").symlink_to("loop")
    (home / "gone").symlink_to("nowhere")
    for name, words in {
        "pipe": "is no regular file",
        "jobs": "is no regular file",
        "loop": "cannot be read: Too many levels of symbolic links",
        "gone": "cannot be read: No such file or directory",
        "secrets/token/x": "cannot be read: Not a directory",
    }.items():
        assert _refusal(home, f"../{name}") == f'the file "{home}/jobs/../{name}" {words}'


def test_no_descriptor_is_left(home: Path) -> None:
    gc.collect()  # what earlier tests have left may still wait for it
    before = len(list(Path("/proc/self/fd").iterdir()))
    _read(home, _linked(home))
    _refusal(home, _planted(home))
    _refusal(home, "nowhere")
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
