"""`schedsync validate`: problems as their authors see them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from schedsync.cli import diagnostics
from schedsync.cli.exits import Exit
from schedsync.cli.terminal import width
from schedsync.specs.problem import Problem
from schedsync.status.views import problem_view
from tests.integration.cli.harness import HOURLY, SLOT, CommandLine


def test_valid_files_are_counted(cli: CommandLine) -> None:
    cli.write("a.yaml")
    assert cli("validate").out == "1 job is valid\n"
    cli.write("b.yaml", "jobs:\n- {id: x, schedule: {every: 1h}, run: {shell: a}}\n")
    done = cli("validate")
    assert (done.code, done.out, done.err) == (Exit.OK, "2 jobs are valid\n", "")


def test_a_problem_is_shown_with_its_line_and_a_caret(cli: CommandLine) -> None:
    cli.write("bad.yaml", "schedule: {every: 15m}\nrun:\n  shell: echo hello\n  scirpt: dump.sh\n")
    cli.write("good.yaml")
    done = cli("validate")
    assert done.code == Exit.FAILURE
    assert done.out.splitlines()[0].startswith('error: unknown key "scirpt"')
    assert done.out.splitlines()[1:] == [
        f"  --> {cli.jobs}/bad.yaml:4:3",
        "   |",
        " 4 |   scirpt: dump.sh",
        "   |   ^^^^^^",
        "",
        "1 problem in 1 file; 1 job is valid",
    ]


TEXTS = {
    "a word": ('schedule: {cron: "61 * * * *"}\nrun: {shell: a}\n', '{cron: "61 * * * *"}', "61", 2),
    "after wide characters": (
        "{description: 日本語, schedule: {every: 1h}, run: {shell: a}, scirpt: 1}\n",
        "{description: 日本語",
        "scirpt",
        6,
    ),
    "wide characters": ("schedule: {every: 日本}\nrun: {shell: a}\n", "schedule", "日本", 4),
    "after a tab": ('schedule: {every: 1h}\nrun:\t{shell: a, \tscirpt: "b"}\n', "run:    {shell", "scirpt", 6),
    "a tab": ("schedule:\n\tevery: 1h\nrun: {shell: a}\n", "    every: 1h", "    every", 1),
    "what is missing": ("description: x\nrun: {shell: a}\n", "description: x", "description", 1),
    "a byte of another encoding": ("description: caf\udce9\nrun: {shell: a}\n", "description: caf\ufffd", "\ufffd", 1),
    "lines that end as on Windows": ("schedule: {every: 1h}\r\nrun: {shel: a}\r\n", "run: {shel: a}", "{shel", 1),
}


@pytest.mark.parametrize(("text", "line", "at", "length"), TEXTS.values(), ids=TEXTS)
def test_the_caret_is_under_what_is_meant(cli: CommandLine, text: str, line: str, at: str, length: int) -> None:
    (cli.jobs / "bad.yaml").write_bytes(text.encode(errors="surrogateescape"))
    shown, caret = cli("validate").out.splitlines()[3:5]
    source = shown.partition(" | ")[2]
    marks = caret.partition(" | ")[2]
    assert line in source
    assert width(source[: source.index(at)]) == len(marks) - len(marks.lstrip())
    assert marks.strip() == "^" * length


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_huge_line_is_cut_around_the_place(cli: CommandLine, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "columns", lambda: columns)
    before, after = "本" * 100_000, "x" * 100_000
    text = f'{{description: "{before}", schedule: {{every: 15x}}, run: {{shell: "{after}"}}}}\n'
    cli.write("huge.yaml", text)
    source, marks = cli("validate").out.splitlines()[3:5]
    assert width(source) <= columns
    assert source.startswith(" 1 | ...")
    assert source.endswith("...")
    place = len(marks) - 3
    assert width(source[: source.index("15x")]) == place
    assert marks == " " * 3 + "|" + " " * (place - 4) + "^^^"


def test_what_is_no_text_is_not_shown(cli: CommandLine) -> None:
    (cli.jobs / "binary.yaml").write_bytes(bytes(range(256)) * 100)
    with (cli.jobs / "huge.yaml").open("wb") as file:
        file.truncate(50 << 20)
    lines = cli("validate").out.splitlines()
    assert [line for line in lines if line.startswith("  -->")] == [
        f"  --> {cli.jobs}/binary.yaml:1:1",
        f"  --> {cli.jobs}/huge.yaml",
    ]
    assert not any(" | " in line for line in lines)
    assert lines[-1] == "2 problems in 2 files; 0 jobs are valid"


def test_a_file_cannot_steer_the_terminal(cli: CommandLine) -> None:
    cli.write("bad.yaml", '"\\e[2J\\x9b": 1  # \u202e\nschedule: {every: 1h}\nrun: {shell: a}\n')
    assert set(cli("validate").out) & {"\x1b", "\x9b", "\u202e"} == set()


def test_an_id_in_two_files_is_a_problem_of_both(cli: CommandLine) -> None:
    cli.write("a.yaml", f"id: same\n{HOURLY}")
    cli.write("sub/b.yaml", f"# the other\nid: same\n{HOURLY}")
    done = cli("validate", "--json")
    assert done.code == Exit.FAILURE
    assert [(p["file"], p["line"], p["job_id"], p["field"]) for p in done.json["problems"]] == [
        ("a.yaml", 1, "same", "id"),
        ("sub/b.yaml", 2, "same", "id"),
    ]
    assert "sub/b.yaml:2" in done.json["problems"][0]["message"]
    assert done.json["valid"] == 0


def test_json_has_the_problems_and_nothing_else_on_stdout(cli: CommandLine) -> None:
    cli.write("bad.yaml", "schedule: {every: 15}\nrun: {shell: a}\n")
    done = cli("validate", "--json")
    assert (done.code, done.err) == (Exit.FAILURE, "")
    (problem,) = done.json["problems"]
    assert (problem["file"], problem["line"], problem["column"]) == ("bad.yaml", 1, 19)
    assert "unit" in problem["message"]


@pytest.mark.parametrize("since", [None, SLOT])
def test_a_problem_looks_as_it_does_in_the_api(since: object) -> None:
    problem = Problem("a.yaml", 1, 2, "no", "a", "run", "x", "y", since=SLOT if since else None)
    assert diagnostics.as_json(problem) == problem_view(problem).model_dump(mode="json")


def test_a_file_is_checked_with_the_defaults_and_the_ids_of_its_folder(cli: CommandLine) -> None:
    cli.write("erp/_defaults.yaml", "schedule: {every: 1h}\n")
    good = cli.write("erp/dump.yaml", "run: {shell: a}\n")
    taken = cli.write("erp/taken.yaml", "id: erp.dump2\nrun: {shell: a}\n")
    cli.write("other.yaml", f"id: erp.dump2\n{HOURLY}")
    cli.write("broken.yaml", "x: [")
    assert cli("validate", str(good)).out == "1 job is valid\n"
    done = cli("validate", str(taken))
    assert done.code == Exit.FAILURE
    assert "other.yaml:1" in done.out
    assert done.out.endswith("\n1 problem in 1 file; 0 jobs are valid\n")


def test_a_file_under_broken_defaults_is_not_called_valid(cli: CommandLine) -> None:
    defaults = cli.write("erp/_defaults.yaml", "timeout: 15\n")
    below = cli.write("erp/sub/a.yaml")
    beside = cli.write("b.yaml")
    for path in (defaults, below, below.parent, cli.jobs / "erp"):
        done = cli("validate", str(path))
        assert done.code == Exit.FAILURE
        assert "_defaults.yaml:1:10" in done.out
    assert cli("validate", str(beside)).code == Exit.OK


def test_a_part_of_the_folder_is_checked_as_a_part(cli: CommandLine) -> None:
    cli.write("_defaults.yaml", "schedule: {every: 1h}\n")
    cli.write("erp/dump.yaml", "run: {shell: a}\n")
    cli.write("broken.yaml", "x: [")
    done = cli("validate", str(cli.jobs / "erp"))
    assert (done.code, done.out) == (Exit.OK, "1 job is valid\n")


def test_the_way_to_the_folder_may_be_a_link(cli: CommandLine, tmp_path: Path) -> None:
    cli.write("_defaults.yaml", "schedule: {every: 1h}\n")
    cli.write("a.yaml", "run: {shell: a}\n")
    (tmp_path / "link").symlink_to(cli.jobs)
    assert cli("validate", "link/a.yaml").code == Exit.OK


def test_a_file_elsewhere_stands_for_itself(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "_defaults.yaml").write_text("timeout: 15\n")
    (tmp_path / "new.yaml").write_text(f"{HOURLY}---\nid: b\n{HOURLY}---\nid: b\n{HOURLY}")
    done = cli("validate", "new.yaml")
    assert done.code == Exit.FAILURE
    assert '"id" is missing' in done.out
    assert "  --> new.yaml:4:1" in done.out
    assert done.out.endswith("\n3 problems in 1 file; 0 jobs are valid\n")


def test_another_folder_can_be_checked(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.yaml").write_text(HOURLY)
    assert cli("validate", "other").out == "1 job is valid\n"


def _nothing(cli: CommandLine) -> str:
    return str(cli.jobs)


def _missing(cli: CommandLine) -> str:
    return str(cli.jobs / "missing.yaml")


def _ignored(cli: CommandLine) -> str:
    return str(cli.write(".hidden.yaml"))


def _defaults_elsewhere(cli: CommandLine) -> str:
    path = cli.home / "_defaults.yaml"
    path.write_text("timeout: 1h\n")
    return str(path)


def _device(_cli: CommandLine) -> str:
    return "/dev/null"


def _sub_folder_without_jobs(cli: CommandLine) -> str:
    cli.write("a.yaml")
    (cli.jobs / "scripts").mkdir()
    return str(cli.jobs / "scripts")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_nothing, "has no job files"),
        (_missing, "there is no file or folder"),
        (_ignored, "is not a job file"),
        (_defaults_elsewhere, "is not a job file"),
        (_device, "is not a job file"),
        (_sub_folder_without_jobs, "has no jobs"),
    ],
)
def test_nothing_to_check_is_a_failure(cli: CommandLine, make: Callable[[CommandLine], str], said: str) -> None:
    path = make(cli)
    done = cli("validate", path, "--json")
    assert (done.code, done.out) == (Exit.FAILURE, "")
    assert done.err.startswith("schedsync: ")
    assert said in done.err


def test_a_missing_jobs_folder_is_a_failure(cli: CommandLine) -> None:
    cli.jobs.rmdir()
    done = cli("validate")
    assert (done.code, done.err) == (Exit.FAILURE, f"schedsync: the folder {cli.jobs} is missing\n")
    cli.jobs.write_text("")
    assert cli("validate").err == f"schedsync: {cli.jobs} is not a folder\n"


def test_a_dangling_link_is_a_problem(cli: CommandLine) -> None:
    link = cli.jobs / "gone.yaml"
    link.symlink_to("nowhere")
    done = cli("validate", str(link))
    assert done.code == Exit.FAILURE
    assert "nothing is there" in done.out


def test_a_file_can_be_checked_while_git_commits(cli: CommandLine) -> None:
    cli.write("a.yaml")
    (cli.home / ".git").mkdir()
    (cli.home / ".git" / "index.lock").touch()
    assert cli("validate").out == "1 job is valid\n"
