"""The revision of the jobs folder: real Git repositories, and what stands in for them."""

import logging
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from schedsync.outages import Outage
from schedsync.sources.folder import JobsFolder
from schedsync.sources.job_file import ParsedFile, parse_job_file
from schedsync.sources.revision import checkout_lock, marks_of, revision_of

GOOD = "schedule: {every: 15m}\nrun: {shell: echo hello}\n"
HASH = "0123456789abcdef0123456789abcdef01234567"


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    return subprocess.run(
        ["git", *settings, *arguments], cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(folder: Path, message: str = "change") -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    (folder / "jobs.d/erp").mkdir(parents=True)
    (folder / "jobs.d/erp/a.yaml").write_text(GOOD)
    (folder / "README").write_text("hello\n")
    git(folder, "init", "--quiet")
    return folder


@pytest.fixture
def jobs(repo: Path) -> Path:
    commit(repo)
    return repo / "jobs.d"


def test_the_revision_is_the_commit_of_the_work_tree(jobs: Path) -> None:
    assert revision_of(jobs) == git(jobs, "rev-parse", "HEAD")
    assert revision_of(jobs.parent) == revision_of(jobs / "erp") == revision_of(jobs)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda jobs: (jobs / "erp/a.yaml").write_text(f"{GOOD}owner: me\n"), id="edited"),
        pytest.param(lambda jobs: (jobs / "new.yaml").write_text(GOOD), id="untracked"),
        pytest.param(lambda jobs: (jobs / "erp/a.yaml").unlink(), id="deleted"),
        pytest.param(lambda jobs: git(jobs, "rm", "--quiet", "--cached", "erp/a.yaml"), id="staged"),
    ],
)
def test_what_differs_from_the_commit_is_dirty(jobs: Path, change: object) -> None:
    assert callable(change)
    change(jobs)
    assert revision_of(jobs) == f"{git(jobs, 'rev-parse', 'HEAD')}-dirty"


def test_what_differs_elsewhere_is_not_dirty(jobs: Path) -> None:
    (jobs.parent / "README").write_text("changed\n")
    (jobs.parent / "other").write_text("new\n")
    assert revision_of(jobs) == git(jobs, "rev-parse", "HEAD")


def test_ignored_files_are_not_dirty(jobs: Path) -> None:
    (jobs.parent / ".gitignore").write_text("*.log\n")
    head = commit(jobs.parent)
    (jobs / "out.log").write_text("hello\n")
    assert revision_of(jobs) == head


@pytest.mark.parametrize("below", [".", "deep"])
def test_a_folder_that_the_work_tree_ignores_is_not_its_matter(jobs: Path, below: str) -> None:
    (jobs.parent / ".gitignore").write_text("data\n")
    commit(jobs.parent)
    folder = jobs.parent / "data" / below
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text(GOOD)
    assert revision_of(folder) is None


def test_before_the_first_commit_there_is_no_revision(repo: Path) -> None:
    assert revision_of(repo / "jobs.d") is None


def test_added_work_trees_have_their_own_revision(jobs: Path, tmp_path: Path) -> None:
    first = git(jobs, "rev-parse", "HEAD")
    git(jobs, "worktree", "add", "--quiet", str(tmp_path / "other"), "-b", "other")
    other = tmp_path / "other" / "jobs.d"
    before = marks_of(other)
    (other / "b.yaml").write_text(GOOD)
    second = commit(other)
    assert (revision_of(jobs), revision_of(other)) == (first, second)
    assert marks_of(other) != before


def test_variables_of_a_hook_do_not_lead_to_another_repository(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert revision_of(jobs) is not None


def test_looking_changes_nothing_in_the_repository(jobs: Path) -> None:
    os.utime(jobs / "erp/a.yaml", (1, 1))  # Git would like to note that the content is the same
    index = (jobs.parent / ".git/index").stat().st_mtime_ns
    revision_of(jobs)
    assert (jobs.parent / ".git/index").stat().st_mtime_ns == index


def test_settings_of_the_repository_start_no_program(jobs: Path, tmp_path: Path) -> None:
    git(jobs, "config", "core.fsmonitor", f"touch {tmp_path}/started; false")
    assert revision_of(jobs) is not None
    assert not (tmp_path / "started").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
def test_a_repository_of_a_stranger_is_not_asked(jobs: Path) -> None:
    os.chown(jobs.parent / ".git", 65534, 65534)
    assert revision_of(jobs) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to somebody else")
def test_a_repository_of_the_owner_of_the_folder_is_asked(jobs: Path) -> None:
    for path in (jobs.parent, jobs, jobs.parent / ".git"):
        os.chown(path, 65534, 65534)
    assert revision_of(jobs) is not None


def test_without_git_the_other_ways_are_tried(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert revision_of(jobs) is None
    (jobs / "REVISION").write_text("v1.2.3\n")
    assert revision_of(jobs) == "v1.2.3"


def test_a_git_that_hangs_is_given_up(
    jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr("schedsync.sources.revision._GIT_SECONDS", 0.1)
    assert revision_of(jobs) is None
    assert "git does not tell the revision" in caplog.text


def test_a_broken_repository_has_no_revision(jobs: Path) -> None:
    (jobs.parent / ".git/HEAD").write_text("nonsense")
    assert revision_of(jobs) is None


# --- git-sync and REVISION -----------------------------------------------------------------------


@pytest.mark.parametrize("name", [HASH, f"rev-{HASH}"])
def test_the_hash_in_the_name_of_what_a_link_leads_to(tmp_path: Path, name: str) -> None:
    (tmp_path / ".worktrees" / name / "jobs.d").mkdir(parents=True)
    (tmp_path / "current").symlink_to(f".worktrees/{name}")
    assert revision_of(tmp_path / "current") == HASH
    assert revision_of(tmp_path / "current/jobs.d") == HASH


def test_a_link_to_another_name_is_no_revision(tmp_path: Path) -> None:
    (tmp_path / "20260101").mkdir()
    (tmp_path / "current").symlink_to("20260101")
    assert revision_of(tmp_path / "current") is None


def test_a_folder_may_say_its_revision(tmp_path: Path) -> None:
    (tmp_path / "REVISION").write_text("  release 12\x07 \nmore\n")
    assert revision_of(tmp_path) == "release 12"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\n" * 3000])
def test_a_revision_file_may_be_anything(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "REVISION").write_bytes(content)
    assert revision_of(tmp_path) in {None, "\ufffd"}


def test_a_pipe_is_no_revision(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "REVISION")
    assert revision_of(tmp_path) is None


def test_a_missing_folder_has_no_revision(tmp_path: Path) -> None:
    assert revision_of(tmp_path / "missing") is None


# --- marks and locks -----------------------------------------------------------------------------


def test_marks_stay_while_nothing_happens(jobs: Path) -> None:
    assert marks_of(jobs) == marks_of(jobs)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(lambda repo: git(repo, "commit", "--quiet", "--allow-empty", "--message", "x"), id="commit"),
        pytest.param(lambda repo: git(repo, "checkout", "--quiet", "-b", "other"), id="branch"),
        pytest.param(lambda repo: git(repo, "add", "--all"), id="stage"),
        pytest.param(lambda repo: (repo / "jobs.d/REVISION").write_text("1\n"), id="revision file"),
    ],
)
def test_marks_change_with_what_the_revision_depends_on(jobs: Path, step: object) -> None:
    (jobs / "new.yaml").write_text(GOOD)
    before = marks_of(jobs)
    assert callable(step)
    step(jobs.parent)
    assert marks_of(jobs) != before


def test_a_lock_of_git_is_seen(jobs: Path) -> None:
    assert checkout_lock(jobs) is None
    lock = jobs.parent / ".git/index.lock"
    lock.touch()
    assert checkout_lock(jobs) == lock


# --- in the snapshot -----------------------------------------------------------------------------


def test_a_commit_without_changes_of_files_is_a_new_revision(jobs: Path) -> None:
    folder = JobsFolder(jobs)
    (jobs / "b.yaml").write_text(GOOD)
    dirty = folder.read()
    assert dirty.revision.endswith("-dirty")
    head = commit(jobs.parent)
    clean = folder.read()
    assert clean.revision == head
    assert clean.jobs == dirty.jobs
    assert folder.read() is clean


@pytest.fixture
def moved(jobs: Path) -> str:
    """A commit in which a job has moved from the file that is read last to the one that is read first."""
    (jobs / "a.yaml").write_text(f"id: a\n{GOOD}")
    (jobs / "z.yaml").write_text(f"id: z\n{GOOD}---\nid: moves\n{GOOD}")
    commit(jobs)
    (jobs / "a.yaml").write_text(f"id: a\n{GOOD}---\nid: moves\n{GOOD}")
    (jobs / "z.yaml").write_text(f"id: z\n{GOOD}")
    later = commit(jobs)
    git(jobs, "checkout", "--quiet", "--detach", "HEAD~1")
    return later


def test_a_pull_that_begins_and_ends_during_a_look_is_noticed(
    jobs: Path, moved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulls = [lambda: git(jobs, "checkout", "--quiet", moved)]

    def parse(data: bytes, file: str, **options: Any) -> ParsedFile:
        if pulls:
            pulls.pop()()
        return parse_job_file(data, file, **options)

    monkeypatch.setattr("schedsync.sources.folder.parse_job_file", parse)
    snapshot = JobsFolder(jobs).read()
    assert [job.source.file for job in snapshot.jobs["moves"]] == ["a.yaml"]
    assert (snapshot.revision, pulls) == (moved, [])


def test_what_was_read_before_a_pull_does_not_go_by_the_commit_that_it_brought(
    jobs: Path, moved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulls = [lambda: git(jobs, "checkout", "--quiet", moved)]

    def ask(path: Path, outage: Outage) -> str | None:
        if pulls:
            pulls.pop()()
        return revision_of(path, outage)

    monkeypatch.setattr("schedsync.sources.folder.revision_of", ask)
    snapshot = JobsFolder(jobs).read()
    assert [job.source.file for job in snapshot.jobs["moves"]] == ["a.yaml"]
    assert (snapshot.revision, pulls) == (moved, [])


def test_a_folder_in_which_git_never_rests_is_unavailable(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(path: Path, outage: Outage) -> str | None:
        git(jobs, "commit", "--quiet", "--allow-empty", "--message", "again")
        return revision_of(path, outage)

    monkeypatch.setattr("schedsync.sources.folder.revision_of", ask)
    folder = JobsFolder(jobs)
    assert "changes each time that it is read" in (folder.read().unavailable or "")
    monkeypatch.undo()
    assert (folder.read().unavailable, folder.read().revision) == (None, git(jobs, "rev-parse", "HEAD"))


def test_git_is_not_asked_while_nothing_changes(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = JobsFolder(jobs)
    snapshot = folder.read()
    monkeypatch.setattr("schedsync.sources.revision.subprocess.run", lambda *_, **__: pytest.fail("Git was asked"))
    assert folder.read() is snapshot


def test_a_git_that_failed_is_asked_again_until_it_answers(
    jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    real = shutil.which("git")
    (tmp_path / "git").write_text(f'#!/bin/sh\n[ -e {tmp_path}/answers ] && exec {real} "$@"\nexit 1\n')
    (tmp_path / "git").chmod(0o755)
    folder = JobsFolder(jobs)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        makeshift = folder.read()
        assert makeshift.revision.startswith("sha256:")
        assert folder.read() is makeshift
        (tmp_path / "answers").touch()
        told = folder.read()
    assert (told.revision, told.jobs) == (git(jobs, "rev-parse", "HEAD"), makeshift.jobs)
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]
    assert [line.partition(" the revision")[0] for line in said] == ["git does not tell", "git tells"]
    monkeypatch.setattr("schedsync.sources.revision.subprocess.run", lambda *_, **__: pytest.fail("Git was asked"))
    assert folder.read() is told
