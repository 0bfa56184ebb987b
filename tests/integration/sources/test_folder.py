"""The jobs folder: real files, and what people do to them."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from schedsync.clock import utc_now
from schedsync.plan.diff import diff
from schedsync.plan.state import Observed, PruneGuard, Snapshot
from schedsync.sources import folder as folder_module
from schedsync.sources.folder import JobsFolder
from schedsync.sources.job_file import ParsedFile, parse_job_file
from schedsync.sources.origins import Files
from tests.builders import NOW, observed

GOOD = "schedule: {every: 15m}\nrun: {shell: echo hello}\n"
NOBODY = 65534


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs.d"
    folder.mkdir()
    return folder


def write(path: Path, text: str = GOOD) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def sentences(snapshot: Snapshot) -> list[str]:
    return [str(problem) for problem in snapshot.problems]


def is_unknown(snapshot: Snapshot, file: str) -> bool:
    return any(unknown.covers(file) for unknown in snapshot.unknown)


# --- what is read --------------------------------------------------------------------------------


def test_job_files_are_read_at_any_depth(jobs: Path) -> None:
    for name in ("a.yaml", "b.yml", "erp/night/dump.yaml", "x.yaml/y.yaml"):
        write(jobs / name)
    snapshot = JobsFolder(jobs).read()
    assert sorted(snapshot.jobs) == ["a", "b", "erp.night.dump", "x.yaml.y"]
    assert [job.source.file for job in snapshot.jobs["erp.night.dump"]] == ["erp/night/dump.yaml"]
    assert (snapshot.problems, snapshot.unknown, snapshot.unavailable) == ((), (), None)


@pytest.mark.parametrize(
    "name",
    [
        ".hidden.yaml",
        "_later.yaml",
        "_off/a.yaml",
        ".git/a.yaml",
        "..2026/a.yaml",
        "a.yaml~",
        "#a.yaml#",
        ".#a.yaml",
        "notes.txt",
        "a.yaml.bak",
        "a.YAML",
        "README",
        ".a.yaml.swp",
        "_defaults.yaml.orig",
    ],
)
def test_other_names_are_passed_over(jobs: Path, name: str) -> None:
    write(jobs / "job.yaml")
    write(jobs / name, "}{")
    snapshot = JobsFolder(jobs).read()
    assert (list(snapshot.jobs), snapshot.problems) == (["job"], ())


def test_one_id_in_two_files_is_left_to_the_diff(jobs: Path) -> None:
    write(jobs / "a.yaml", f"id: x\n{GOOD}")
    write(jobs / "b.yaml", f"id: x\n{GOOD}")
    snapshot = JobsFolder(jobs).read()
    assert [job.source.file for job in snapshot.jobs["x"]] == ["a.yaml", "b.yaml"]
    assert snapshot.problems == ()


def test_the_zone_of_the_settings_is_the_default(jobs: Path) -> None:
    write(jobs / "a.yaml")
    (job,) = JobsFolder(jobs, timezone="Asia/Tokyo").read().jobs["a"]
    assert job.spec.schedule[0].timezone == "Asia/Tokyo"


def test_a_folder_without_git_has_the_digest_of_its_files_as_revision(jobs: Path) -> None:
    write(jobs / "a.yaml")
    first = JobsFolder(jobs).read().revision
    assert first.startswith("sha256:")
    assert len(first) == len("sha256:") + 12
    assert JobsFolder(jobs).read().revision == first
    write(jobs / "_defaults.yaml", "owner: me\n")
    assert JobsFolder(jobs).read().revision != first


# --- broken files --------------------------------------------------------------------------------


def test_a_broken_file_hurts_only_itself(jobs: Path) -> None:
    write(jobs / "a.yaml")
    write(jobs / "erp/b.yaml", "id: moved-here\n\tx")
    snapshot = JobsFolder(jobs).read()
    assert list(snapshot.jobs) == ["a"]
    assert sentences(snapshot) == ["erp/b.yaml:2:1: a tab is used for indentation; use spaces"]
    assert [(unknown.path, unknown.text) for unknown in snapshot.unknown] == [("erp/b.yaml", "id: moved-here\n\tx")]
    assert snapshot.unavailable is None


def test_one_bad_job_of_a_file_leaves_the_others_alone(jobs: Path) -> None:
    write(jobs / "a.yaml", f"id: good\n{GOOD}---\nid: bad\n")
    snapshot = JobsFolder(jobs).read()
    assert list(snapshot.jobs) == ["good"]
    assert is_unknown(snapshot, "a.yaml")


def test_problems_are_in_the_order_of_files_and_lines(jobs: Path) -> None:
    write(jobs / "b.yaml", "id: 1\nx: 2\ny: 3\n")
    write(jobs / "a/z.yaml", "[\n")
    places = [problem.place for problem in JobsFolder(jobs).read().problems]
    assert places == sorted(places)
    assert len(places) > 3


def test_a_folder_of_broken_files_is_not_empty(jobs: Path) -> None:
    write(jobs / "a.yaml", "")
    snapshot = JobsFolder(jobs).read()
    assert snapshot.unavailable is None
    assert is_unknown(snapshot, "a.yaml")


def test_a_file_that_is_too_big_is_not_read(jobs: Path) -> None:
    write(jobs / "a.yaml")
    with (jobs / "big.yaml").open("wb") as stream:
        stream.truncate(1 << 40)
    snapshot = JobsFolder(jobs).read()
    (sentence,) = sentences(snapshot)
    assert sentence.startswith("big.yaml: the file has 1,099,511,627,776 bytes, and the limit is 1,048,576; split it")
    assert is_unknown(snapshot, "big.yaml")


def test_the_limit_is_a_setting(jobs: Path) -> None:
    write(jobs / "a.yaml")
    folder = JobsFolder(jobs, max_file_size=len(GOOD) - 1)
    assert list(folder.read().jobs) == []
    assert list(JobsFolder(jobs, max_file_size=len(GOOD)).read().jobs) == ["a"]


def test_a_pipe_does_not_block(jobs: Path) -> None:
    write(jobs / "a.yaml")
    os.mkfifo(jobs / "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(jobs / "socket.yaml"))
        snapshot = JobsFolder(jobs).read()
    assert sentences(snapshot) == [
        "pipe.yaml: this is no regular file; remove it, or give it another ending",
        "socket.yaml: this is no regular file; remove it, or give it another ending",
    ]
    assert is_unknown(snapshot, "pipe.yaml")


def test_a_name_that_is_not_utf_8_is_a_problem(jobs: Path) -> None:
    write(jobs / "a.yaml")
    write(Path(os.fsdecode(os.fsencode(jobs) + b"/caf\xe9.yaml")))
    snapshot = JobsFolder(jobs).read()
    assert sentences(snapshot) == ["caf\\xe9.yaml: the name is not UTF-8; rename it"]
    assert list(snapshot.jobs) == ["a"]


def test_a_path_that_is_too_long_to_be_noted_is_a_problem(jobs: Path) -> None:
    deep = jobs.joinpath(*["x" * 250] * 4)
    write(deep / "a.yaml")
    (problem,) = JobsFolder(jobs).read().problems
    assert problem.message == "the path has 1,003 bytes, and 1,000 are allowed; use shorter names"


def test_a_very_deep_tree_is_no_trouble(jobs: Path) -> None:
    write(jobs.joinpath(*["x"] * 490) / "a.yaml", f"id: deep\n{GOOD}")
    assert list(JobsFolder(jobs).read().jobs) == ["deep"]


# --- rights --------------------------------------------------------------------------------------


@pytest.fixture
def open_jobs() -> Iterator[Path]:
    """A folder that other users can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as above:
        Path(above).chmod(0o755)
        folder = Path(above) / "jobs.d"
        folder.mkdir()
        write(folder / "a.yaml")
        yield folder


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """Give up root's right to read everything, for the kernel: it asks for the effective user."""
    if os.geteuid() != 0:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        # What Python loads late it loads now: its own files may be root's alone.
        write(Path(folder) / "a.yaml")
        write(Path(folder) / "b.yaml", "x: [")
        JobsFolder(Path(folder)).read()
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def forbidden(path: Path) -> Iterator[None]:
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        yield
    finally:
        path.chmod(mode)


DENIED = "permission denied; allow it to the user that schedsync runs as"


def read_forbidden(folder: Path, path: Path) -> Snapshot:
    with forbidden(path), as_somebody_else():
        return JobsFolder(folder).read()


def test_an_unreadable_file_is_unknown(open_jobs: Path) -> None:
    snapshot = read_forbidden(open_jobs, write(open_jobs / "b.yaml"))
    assert list(snapshot.jobs) == ["a"]
    assert sentences(snapshot) == [f"b.yaml: the file cannot be read: {DENIED}"]
    assert is_unknown(snapshot, "b.yaml")


def test_an_unreadable_folder_is_unknown(open_jobs: Path) -> None:
    snapshot = read_forbidden(open_jobs, write(open_jobs / "erp/deep/b.yaml").parents[1])
    assert list(snapshot.jobs) == ["a"]
    assert sentences(snapshot) == [f"erp: the folder cannot be read: {DENIED}"]
    assert is_unknown(snapshot, "erp/deep/b.yaml")
    assert not is_unknown(snapshot, "erpx.yaml")


@pytest.mark.parametrize("name", ["b.yaml", "erp/b.yaml"])
def test_a_job_that_moves_into_what_cannot_be_read_is_held(open_jobs: Path, name: str) -> None:
    store = Observed({"a": observed(job=JobsFolder(open_jobs).read().jobs["a"][0])})
    (open_jobs / name).parent.mkdir(exist_ok=True)
    moved = (open_jobs / "a.yaml").rename(open_jobs / name)
    hidden = open_jobs / moved.relative_to(open_jobs).parts[0]
    plan = diff(read_forbidden(open_jobs, hidden), store, now=NOW, guard=PruneGuard())
    assert [hold.why for hold in plan.hold] == [f"{hidden.name} cannot be read: the job may have moved there"]
    assert plan.remove == ()


def test_a_job_that_moves_into_a_file_that_is_too_long_is_held(jobs: Path) -> None:
    path = write(jobs / "a.yaml", f"id: a\n{GOOD}")
    store = Observed({"a": observed(job=JobsFolder(jobs).read().jobs["a"][0])})
    path.rename(jobs / "b.yaml")
    plan = diff(JobsFolder(jobs, max_file_size=10).read(), store, now=NOW, guard=PruneGuard())
    assert [hold.why for hold in plan.hold] == ["b.yaml cannot be read: the job may have moved there"]


def test_a_loop_of_links_and_broken_defaults_hide_no_job(jobs: Path) -> None:
    path = write(jobs / "a.yaml")
    store = Observed({"a": observed(job=JobsFolder(jobs).read().jobs["a"][0])})
    path.rename(jobs / "b.yaml")
    write(jobs / "erp/_defaults.yaml", "[")
    (jobs / "loop").symlink_to(".")
    plan = diff(JobsFolder(jobs).read(), store, now=NOW, guard=PruneGuard())
    assert [removal.before.id for removal in plan.remove] == ["a"]


def test_a_folder_that_may_be_listed_only_is_unknown(open_jobs: Path) -> None:
    inner = write(open_jobs / "erp/b.yaml").parent
    inner.chmod(0o444)
    with as_somebody_else():
        snapshot = JobsFolder(open_jobs).read()
    inner.chmod(0o755)
    assert is_unknown(snapshot, "erp/b.yaml")
    assert list(snapshot.jobs) == ["a"]


def test_an_unreadable_jobs_folder_is_unavailable(open_jobs: Path) -> None:
    snapshot = read_forbidden(open_jobs, open_jobs)
    assert snapshot == Snapshot(
        jobs={},
        unavailable=f"the folder {open_jobs} cannot be read ({DENIED}): nothing is removed until it is back",
    )


def test_unreadable_defaults_make_all_below_unknown(open_jobs: Path) -> None:
    write(open_jobs / "erp/b.yaml")
    snapshot = read_forbidden(open_jobs, write(open_jobs / "erp/_defaults.yaml", "owner: me\n"))
    assert list(snapshot.jobs) == ["a"]
    assert sentences(snapshot) == [f"erp/_defaults.yaml: the file cannot be read: {DENIED}"]
    assert is_unknown(snapshot, "erp/anything.yaml")


def test_a_file_is_read_again_once_that_is_allowed(open_jobs: Path) -> None:
    path = write(open_jobs / "b.yaml")
    folder = JobsFolder(open_jobs)
    before = folder.read()
    with forbidden(path), as_somebody_else():
        assert is_unknown(folder.read(), "b.yaml")
    after = folder.read()
    assert after == before
    assert after.jobs["b"][0] is before.jobs["b"][0]


# --- the folder as a whole -----------------------------------------------------------------------


def test_a_missing_folder_is_unavailable(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(jobs.parent)
    jobs.rmdir()
    assert JobsFolder(Path("jobs.d")).read() == Snapshot(
        jobs={}, unavailable="the folder jobs.d is missing: nothing is removed until it is back"
    )


def test_a_file_is_no_folder(jobs: Path) -> None:
    path = write(jobs / "a.yaml")
    assert JobsFolder(path).read().unavailable == f"{path} is not a folder: nothing is removed until it is back"


@pytest.mark.parametrize("name", [None, "README.md", "_defaults.yaml", "empty/.keep"])
def test_a_folder_without_job_files_is_unavailable(jobs: Path, name: str | None) -> None:
    if name is not None:
        write(jobs / name, "# nothing\n")
    snapshot = JobsFolder(jobs).read()
    assert (snapshot.jobs, snapshot.empty) == ({}, True)
    assert snapshot.unavailable == (
        f"the folder {jobs} is empty: nothing is removed until it has job files again, "
        "or `schedsync apply --allow-prune` is run"
    )


def test_a_link_to_nowhere_is_a_missing_folder(tmp_path: Path) -> None:
    (tmp_path / "jobs.d").symlink_to("nowhere")
    assert "is missing" in (JobsFolder(tmp_path / "jobs.d").read().unavailable or "")


def test_a_link_to_itself_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "jobs.d").symlink_to("jobs.d")
    assert "too many levels of symbolic links" in (JobsFolder(tmp_path / "jobs.d").read().unavailable or "")


def test_a_folder_that_comes_back_is_read(jobs: Path) -> None:
    write(jobs / "a.yaml")
    folder = JobsFolder(jobs)
    before = folder.read()
    jobs.rename(jobs.with_name("away"))
    assert folder.read().unavailable is not None
    jobs.with_name("away").rename(jobs)
    assert folder.read() == before


def test_nothing_is_removed_while_git_is_at_work(jobs: Path) -> None:
    write(jobs / "a.yaml")
    lock = write(jobs.parent / ".git/index.lock", "")
    folder = JobsFolder(jobs)
    busy = folder.read()
    assert list(busy.jobs) == ["a"]
    assert busy.unavailable == f"Git is at work in the folder: nothing is removed while {lock} is there"
    lock.unlink()
    assert folder.read().unavailable is None


def test_a_folder_that_git_is_filling_is_not_empty(jobs: Path) -> None:
    write(jobs.parent / ".git/index.lock", "")
    snapshot = JobsFolder(jobs).read()
    assert not snapshot.empty
    assert snapshot.unavailable is not None


def test_a_repository_that_may_not_be_looked_into_keeps_nothing_from_being_read(open_jobs: Path) -> None:
    repository = write(open_jobs.parent / ".git/HEAD", "ref: refs/heads/main\n").parent
    snapshot = read_forbidden(open_jobs, repository)
    assert (list(snapshot.jobs), snapshot.unavailable) == (["a"], None)
    assert snapshot.revision.startswith("sha256:")


def test_nothing_is_claimed_of_a_file_in_a_folder_that_may_not_be_entered(open_jobs: Path) -> None:
    path = write(open_jobs / "erp/b.yaml")
    digest = JobsFolder(open_jobs).read().jobs["erp.b"][0].digest
    assert Files(open_jobs).origins("erp.b", "erp/b.yaml", digest) is not None
    with forbidden(path.parent), as_somebody_else():
        assert Files(open_jobs).origins("erp.b", "erp/b.yaml", digest) is None


# --- links ---------------------------------------------------------------------------------------


def test_links_to_files_and_folders_are_followed(jobs: Path, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/a.yaml")
    write(tmp_path / "b.txt")
    (jobs / "linked").symlink_to(tmp_path / "elsewhere")
    (jobs / "b.yaml").symlink_to("../b.txt")
    snapshot = JobsFolder(jobs).read()
    assert {job.source.file for (job,) in snapshot.jobs.values()} == {"b.yaml", "linked/a.yaml"}
    assert snapshot.problems == ()


def test_a_loop_of_links_ends(jobs: Path) -> None:
    write(jobs / "sub/a.yaml")
    (jobs / "sub/back").symlink_to(jobs)
    (jobs / "sub/self").symlink_to(".")
    snapshot = JobsFolder(jobs).read()
    assert list(snapshot.jobs) == ["sub.a"]
    assert sentences(snapshot) == [
        "sub/back: the link leads back to a folder above it; remove it",
        "sub/self: the link leads back to a folder above it; remove it",
    ]
    assert is_unknown(snapshot, "sub/back/sub/a.yaml")


@pytest.mark.parametrize("name", ["gone.yaml", "was-a-folder"])
def test_what_a_dangling_link_led_to_is_unknown(jobs: Path, name: str) -> None:
    write(jobs / "a.yaml")
    (jobs / name).symlink_to("/nowhere/at/all")
    snapshot = JobsFolder(jobs).read()
    assert sentences(snapshot) == [
        f"{name}: the link leads to /nowhere/at/all, and nothing is there; mend the link, or remove it"
    ]
    assert is_unknown(snapshot, name)
    assert list(snapshot.jobs) == ["a"]


def test_a_file_that_links_to_itself_is_a_problem(jobs: Path) -> None:
    write(jobs / "a.yaml")
    (jobs / "b.yaml").symlink_to("b.yaml")
    assert sentences(JobsFolder(jobs).read()) == ["b.yaml: the file cannot be read: too many levels of symbolic links"]


def make_config_map(jobs: Path, version: str, text: str) -> None:
    """Write files like the kubelet does: through ``..data``, which is exchanged in one go."""
    for name in ("a.yaml", "b.yaml"):
        write(jobs / version / name, text)
        if not (jobs / name).is_symlink():
            (jobs / name).symlink_to(f"..data/{name}")
    (jobs / "..data_tmp").symlink_to(version)
    (jobs / "..data_tmp").rename(jobs / "..data")


def owners(snapshot: Snapshot) -> set[str | None]:
    return {job.spec.owner for places in snapshot.jobs.values() for job in places}


def test_a_config_map_is_read_and_its_exchange_is_seen(jobs: Path) -> None:
    make_config_map(jobs, "..1", f"{GOOD}owner: one\n")
    folder = JobsFolder(jobs)
    first = folder.read()
    assert (sorted(first.jobs), owners(first), first.problems) == (["a", "b"], {"one"}, ())
    make_config_map(jobs, "..2", f"{GOOD}owner: two\n")
    assert owners(folder.read()) == {"two"}


def interrupt(monkeypatch: pytest.MonkeyPatch, *steps: object) -> None:
    """Call one of *steps* each time that a file is parsed: in the middle of a scan."""
    waiting = list(steps)

    def parse(data: bytes, file: str, **options: object) -> ParsedFile:
        step = waiting.pop(0) if waiting else None
        if callable(step):
            step()
        return parse_job_file(data, file, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(folder_module, "parse_job_file", parse)


def test_half_an_exchange_is_not_seen(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_config_map(jobs, "..1", f"{GOOD}owner: one\n")
    interrupt(monkeypatch, lambda: make_config_map(jobs, "..2", f"{GOOD}owner: two\n"))
    assert owners(JobsFolder(jobs).read()) == {"two"}


def switch(link: Path, target: str) -> None:
    link.with_name("switch").symlink_to(target)
    link.with_name("switch").rename(link)


def test_half_a_switch_of_the_folder_is_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("one", "two"):
        for name in ("a.yaml", "b.yaml"):
            write(tmp_path / version / name, f"{GOOD}owner: {version}\n")
    link = tmp_path / "jobs.d"
    switch(link, "one")
    interrupt(monkeypatch, lambda: switch(link, "two"))
    assert owners(JobsFolder(link).read()) == {"two"}


def test_half_a_replaced_folder_is_not_seen(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, owner in ((jobs, "one"), (jobs.with_name("new"), "two")):
        write(folder / "a.yaml", f"{GOOD}owner: {owner}\n")
        write(folder / "b.yaml", f"{GOOD}owner: {owner}\n")

    def replace() -> None:
        jobs.rename(jobs.with_name("old"))
        jobs.with_name("new").rename(jobs)

    interrupt(monkeypatch, replace)
    assert owners(JobsFolder(jobs).read()) == {"two"}


def test_a_folder_that_never_rests_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        write(tmp_path / str(number) / "a.yaml", f"{GOOD}owner: o{number}\n")
    link = tmp_path / "jobs.d"
    switch(link, "0")
    interrupt(monkeypatch, *(lambda n=n: switch(link, str(n)) for n in (1, 2, 3)))
    folder = JobsFolder(link)
    assert folder.read() == Snapshot(
        jobs={}, unavailable=f"the folder {link} changes each time that it is read: nothing is removed"
    )
    assert owners(folder.read()) == {"o3"}


def test_a_file_that_vanishes_meanwhile_is_unknown(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(jobs / "a.yaml")
    gone = write(jobs / "b.yaml")
    interrupt(monkeypatch, gone.unlink)
    snapshot = JobsFolder(jobs).read()
    assert sentences(snapshot) == [
        "b.yaml: the file vanished while it was being read; it is looked for again at the next look"
    ]
    assert is_unknown(snapshot, "b.yaml")


def test_a_folder_that_vanishes_meanwhile_is_missing(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(jobs / "a.yaml")
    write(jobs / "b.yaml")
    interrupt(monkeypatch, lambda: shutil.rmtree(jobs))
    assert "is missing" in (JobsFolder(jobs).read().unavailable or "")


# --- defaults ------------------------------------------------------------------------------------


def test_defaults_apply_at_and_below_their_folder(jobs: Path) -> None:
    write(jobs / "_defaults.yaml", "owner: far\ntimeout: 1h\n")
    write(jobs / "erp/_defaults.yml", "owner: near\n")
    for name in ("a.yaml", "erp/b.yaml", "erp/deep/c.yaml"):
        write(jobs / name)
    snapshot = JobsFolder(jobs).read()
    assert {i: (j.spec.owner, j.spec.timeout) for i, (j,) in snapshot.jobs.items()} == {
        "a": ("far", timedelta(hours=1)),
        "erp.b": ("near", timedelta(hours=1)),
        "erp.deep.c": ("near", timedelta(hours=1)),
    }


def test_changed_defaults_change_the_jobs_below(jobs: Path) -> None:
    write(jobs / "a.yaml")
    write(jobs / "erp/b.yaml")
    write(jobs / "erp/_defaults.yaml", "owner: one\n")
    folder = JobsFolder(jobs)
    first = folder.read()
    write(jobs / "erp/_defaults.yaml", "owner: two\n")
    second = folder.read()
    assert second.jobs["erp.b"][0].spec.owner == "two"
    assert second.jobs["a"][0] is first.jobs["a"][0]
    (jobs / "erp/_defaults.yaml").unlink()
    assert folder.read().jobs["erp.b"][0].spec.owner is None


def test_broken_defaults_make_all_below_unknown_with_one_problem(jobs: Path) -> None:
    write(jobs / "a.yaml")
    write(jobs / "erp/_defaults.yaml", "owner: one\nowner: two\n")
    write(jobs / "erp/b.yaml", f"id: mentioned\n{GOOD}")
    write(jobs / "erp/deep/c.yaml")
    write(jobs / "erp/deep/_defaults.yaml", "}{")
    snapshot = JobsFolder(jobs).read()
    assert list(snapshot.jobs) == ["a"]
    assert [problem.place for problem in snapshot.problems] == ["erp/_defaults.yaml:2:1"]
    assert is_unknown(snapshot, "erp/deep/c.yaml")
    assert not is_unknown(snapshot, "a.yaml")
    assert any(unknown.mentions("mentioned") for unknown in snapshot.unknown)


def test_broken_defaults_of_the_jobs_folder_make_all_unknown(jobs: Path) -> None:
    write(jobs / "_defaults.yaml", "[")
    write(jobs / "erp/b.yaml")
    folder = JobsFolder(jobs)
    snapshot = folder.read()
    assert (snapshot.jobs, snapshot.unavailable) == ({}, None)
    assert [problem.file for problem in snapshot.problems] == ["_defaults.yaml"]
    assert is_unknown(snapshot, "a.yaml")
    assert is_unknown(snapshot, "erp/b.yaml")
    write(jobs / "_defaults.yaml", "owner: me\n")
    assert owners(folder.read()) == {"me"}


def test_two_defaults_in_one_folder_are_a_problem(jobs: Path) -> None:
    write(jobs / "_defaults.yaml", "owner: one\n")
    write(jobs / "_defaults.yml", "owner: two\n")
    write(jobs / "a.yaml")
    snapshot = JobsFolder(jobs).read()
    assert sentences(snapshot) == ["_defaults.yml: _defaults.yaml is there too; keep one of them"]
    assert is_unknown(snapshot, "a.yaml")


def test_a_mistake_in_defaults_is_told_where_there_is_no_job_too(jobs: Path) -> None:
    write(jobs / "a.yaml")
    write(jobs / "empty/_defaults.yaml", "owne: me\n")
    assert [problem.place for problem in JobsFolder(jobs).read().problems] == ["empty/_defaults.yaml:1:1"]


# --- looking again -------------------------------------------------------------------------------


def test_when_nothing_changed_the_very_same_snapshot_is_returned(jobs: Path) -> None:
    write(jobs / "a.yaml")
    write(jobs / "b.yaml", "broken: [")
    write(jobs / "_defaults.yaml", "owner: me\n")
    folder = JobsFolder(jobs)
    assert folder.read() is folder.read()


def test_an_unavailable_folder_is_the_very_same_snapshot_too(jobs: Path) -> None:
    folder = JobsFolder(jobs / "missing")
    assert folder.read() is folder.read()


def test_a_touched_file_changes_nothing(jobs: Path) -> None:
    path = write(jobs / "a.yaml")
    folder = JobsFolder(jobs)
    before = folder.read()
    os.utime(path, (1, 1))
    assert folder.read() is before


def test_only_what_changed_is_parsed_again(jobs: Path) -> None:
    write(jobs / "a.yaml")
    write(jobs / "b.yaml")
    folder = JobsFolder(jobs)
    first = folder.read()
    write(jobs / "b.yaml", f"{GOOD}owner: me\n")
    write(jobs / "c.yaml")
    second = folder.read()
    assert second.jobs["a"][0] is first.jobs["a"][0]
    assert second.jobs["b"][0].spec.owner == "me"
    assert sorted(second.jobs) == ["a", "b", "c"]
    assert second.revision != first.revision


def test_a_removed_file_is_gone(jobs: Path) -> None:
    write(jobs / "a.yaml")
    path = write(jobs / "b.yaml")
    folder = JobsFolder(jobs)
    folder.read()
    path.unlink()
    snapshot = folder.read()
    assert (list(snapshot.jobs), snapshot.unknown) == (["a"], ())


class ManualClock:
    def __init__(self) -> None:
        self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now


def edit_unseen(path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write *text* so that the file's signature stays, as it does within one tick of a coarse clock."""
    status = path.stat()
    signature = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    path.write_text(text)
    for module in ("listing", "reading"):
        monkeypatch.setattr(f"schedsync.sources.{module}.signature_of", lambda _: signature)


def test_a_young_signature_is_not_trusted(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(jobs / "a.yaml", f"{GOOD}owner: one\n")
    folder = JobsFolder(jobs, clock=ManualClock())
    folder.read()
    edit_unseen(path, f"{GOOD}owner: two\n", monkeypatch)
    assert owners(folder.read()) == {"two"}


def test_a_settled_signature_is_trusted(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(jobs / "a.yaml", f"{GOOD}owner: one\n")
    clock = ManualClock()
    clock.now += timedelta(seconds=10)
    folder = JobsFolder(jobs, clock=clock)
    before = folder.read()
    edit_unseen(path, f"{GOOD}owner: two\n", monkeypatch)
    assert folder.read() is before


def test_a_file_that_is_being_written_is_unknown(jobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(jobs / "a.yaml")
    path = write(jobs / "b.yaml")
    real = os.read

    def read_while_it_grows(descriptor: int, count: int) -> bytes:
        data = real(descriptor, count)
        if not data and os.fstat(descriptor).st_ino == path.stat().st_ino:
            with path.open("a") as stream:
                stream.write("#")
        return data

    monkeypatch.setattr("schedsync.sources.reading.os.read", read_while_it_grows)
    snapshot = JobsFolder(jobs).read()
    monkeypatch.undo()
    assert list(snapshot.jobs) == ["a"]
    assert sentences(snapshot) == ["b.yaml: the file is being written to; it is read again at the next look"]
