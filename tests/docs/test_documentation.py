"""README and reference say what the code does."""

import re
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from schedsync.api.problems import Kind
from schedsync.cli.main import cli
from schedsync.runs.run import RunState, SkipReason
from schedsync.settings import GroupSettings, Settings
from schedsync.settings.channels import ChannelSettings
from schedsync.settings.windows import BlackoutSettings, SyncWindowSettings
from schedsync.sources.folder import JobsFolder
from schedsync.specs.actions import ACTIONS, StatementFile
from schedsync.specs.http_request import Expect, HttpRequest, Tls
from schedsync.specs.job import JobSpec
from schedsync.specs.limits import Limits
from schedsync.specs.notify import Healthcheck, Notify
from schedsync.specs.policy import History, Misfire, Retry
from schedsync.specs.trigger import Trigger
from schedsync.status.queue import WaitView
from tests.browser.places import SHOWN

REPOSITORY = Path(__file__).parents[2]


def text(name: str) -> str:
    return (REPOSITORY / name).read_text()


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text(name), re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "docs/reference/job-file.md"])
def test_each_job_file_that_is_shown_is_valid(name: str, tmp_path: Path) -> None:
    for number, block in enumerate(blocks(name, "yaml")):
        (tmp_path / f"shown-{number}.yaml").write_text(block)
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "holidays-de.yaml").write_text("yearly: [12-25]\n")
    snapshot = JobsFolder(tmp_path).read()
    assert snapshot.problems == ()
    assert snapshot.jobs


def test_a_crontab_that_is_moved_as_the_page_says_is_valid(tmp_path: Path) -> None:
    defaults, job = blocks("docs/howto/crontab.md", "yaml")
    (tmp_path / "_defaults.yaml").write_text(defaults)
    (tmp_path / "job.yaml").write_text(job)
    snapshot = JobsFolder(tmp_path).read()
    assert snapshot.problems == ()
    assert set(snapshot.jobs) == {"erp.dump"}


def test_the_job_that_is_moved_from_dbms_scheduler_is_valid(tmp_path: Path) -> None:
    (job,) = blocks("docs/howto/dbms-scheduler.md", "yaml")
    (tmp_path / "job.yaml").write_text(job)
    snapshot = JobsFolder(tmp_path).read()
    assert snapshot.problems == ()
    assert set(snapshot.jobs) == {"erp.close-books"}


def test_the_first_screen_of_the_readme_shows_a_job_of_about_ten_lines() -> None:
    assert len(blocks("README.md", "yaml")[0].splitlines()) <= 10


def test_each_command_is_in_the_readme() -> None:
    said = set(re.findall(r"`(?:schedsync )?([a-z]+)\b[^`]*`", text("README.md")))
    assert set(cli.commands) - said == set()


def test_each_command_has_help() -> None:
    for name, command in cli.commands.items():
        assert isinstance(command, click.Command)
        assert command.get_short_help_str(), name


def test_each_field_of_a_job_file_is_in_the_reference() -> None:
    reference = text("docs/reference/job-file.md")
    kinds: list[type[BaseModel]] = [JobSpec, *Trigger.__subclasses__(), *ACTIONS.values(), StatementFile]
    kinds += [Limits, HttpRequest, Expect, Tls, Retry, Misfire, Notify, Healthcheck, History]
    fields = {field.alias or name for kind in kinds for name, field in kind.model_fields.items()}
    assert {field for field in fields if f"`{field}`" not in reference} == set()


def test_the_defaults_of_retries_are_in_the_reference() -> None:
    (row,) = (line for line in text("docs/reference/job-file.md").splitlines() if line.startswith("| `retry` |"))
    for name, default in Retry().model_dump(mode="json").items():
        said = str(default).removesuffix(".0")
        shown = f"`{name}` which states: all of" if name == "on" else rf"`{name}` \(`?({said}|none)`?\)"
        assert re.search(shown, row), name


def test_nothing_is_twice_in_a_table_of_the_reference() -> None:
    for document in (REPOSITORY / "docs/reference").glob("*.md"):
        for table in re.findall(r"(?:^\|.*\n)+", document.read_text(), re.MULTILINE):
            names = [line.split(" | ")[0] for line in table.splitlines()]
            assert len(names) == len(set(names)), document.name


def test_each_setting_is_in_the_reference() -> None:
    reference = text("docs/reference/settings.md")
    defaults = Settings().model_dump(by_alias=True)
    names = {name for name, value in defaults.items() if not isinstance(value, dict)} | {"connections"}
    names |= {f"{group}.{name}" for group, value in defaults.items() if isinstance(value, dict) for name in value}
    fields = (*BlackoutSettings.model_fields.items(), *SyncWindowSettings.model_fields.items())
    names |= {*ChannelSettings.model_fields, *GroupSettings.model_fields}
    names |= {field.alias or name for name, field in fields} | {"blackouts", "sync_windows"}
    assert {name for name in names if f"`{name}`" not in reference} == set()


def test_what_a_run_waits_for_is_in_the_reference_field_by_field() -> None:
    section = text("docs/reference/api.md").partition("## The queue")[2].partition("\n## ")[0]
    assert {name for name in WaitView.model_fields if f"`{name}`" not in section} == set()


def test_each_package_is_in_the_architecture() -> None:
    named = re.findall(r"`([a-z_.]+)`", text("docs/architecture.md").partition("## The packages")[2])
    said = {*named, *(name.partition(".")[0] for name in named)}
    modules = {path.stem for path in (REPOSITORY / "schedsync").glob("[a-z]*") if path.suffix in {"", ".py"}}
    modules |= {f"running.{path.stem}" for path in (REPOSITORY / "schedsync/running").glob("[a-z]*.py")}
    assert modules - said == set()


def test_the_tables_on_oracle_are_counted_right() -> None:
    script = CliRunner().invoke(cli, ["db", "ddl", "--dialect", "oracle"]).output
    words = {11: "eleven", 12: "twelve", 13: "thirteen", 14: "fourteen"}
    assert f"{words[script.count('CREATE TABLE ')]} tables" in text("docs/howto/oracle-schema.md")


def test_the_settings_file_that_is_shown_is_valid() -> None:
    for name in (
        "docs/reference/settings.md",
        "docs/howto/connect-oracle.md",
        "docs/howto/windows.md",
        "docs/howto/production.md",
    ):
        assert blocks(name, "toml")
        for block in blocks(name, "toml"):
            assert isinstance(Settings(**tomllib.loads(block)), Settings)


def test_each_state_and_each_reason_is_in_the_reference() -> None:
    reference = text("docs/reference/api.md")
    assert {word.value for word in (*RunState, *SkipReason) if f"`{word}`" not in reference} == set()


def test_each_kind_of_problem_is_in_the_reference_with_its_status() -> None:
    reference = text("docs/reference/api.md")
    assert [kind for kind in Kind if f"| `{kind.uri}` | {kind.status} |" not in reference] == []


def test_relative_links_lead_somewhere() -> None:
    for document in [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md"), *REPOSITORY.glob("examples/**/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_each_picture_is_shown_and_small() -> None:
    shown = set(
        re.findall(r"\]\((?:\.\./|docs/)images/([a-z-]+\.png)\)", text("README.md") + text("docs/howto/dashboard.md"))
    )
    pictures = {path.name: path.stat().st_size for path in (REPOSITORY / "docs/images").iterdir()}
    assert set(pictures) == shown == {f"{name}.png" for name in SHOWN}
    assert {name for name, size in pictures.items() if size > 150_000} == set()
