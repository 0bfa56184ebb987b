"""What is said about settings that cannot be used: where the value is from, and what to write."""

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


def said(text: str | None) -> str:
    if text is not None:
        Path("schedsync.toml").write_text(text)
    with pytest.raises(SettingsError) as refused:
        load()
    return str(refused.value)


WHOLE = "Input should be a valid integer, unable to parse string as an integer, found 'x'"


@pytest.mark.parametrize("file", [None, "[api]\nport = 1\n", "[runner]\nmax_http = 'y'\nmax_sql = 2\n"])
@pytest.mark.parametrize(
    ("variable", "value"), [("SCHEDSYNC_RUNNER__MAX_HTTP", "x"), ("SCHEDSYNC_RUNNER", '{"max_http": "x"}')]
)
def test_a_value_of_a_variable_is_not_blamed_on_the_file(
    monkeypatch: pytest.MonkeyPatch, file: str | None, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert said(file) == f"the variable {variable}: runner.max_http: {WHOLE}"


def test_a_value_of_the_file_is_not_blamed_on_a_variable_of_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDSYNC_RUNNER__MAX_SQL", "2")
    assert said("[runner]\nmax_http = 'x'\n") == f"schedsync.toml: runner.max_http: {WHOLE}"


def test_what_does_not_go_together_names_all_that_it_may_be_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDSYNC_DATABASE__URL", "sqlite:///x.db")
    monkeypatch.setenv("SCHEDSYNC_DATABASE__DSN", "db/x")
    variables = "the variable SCHEDSYNC_DATABASE__DSN and the variable SCHEDSYNC_DATABASE__URL"
    assert said("[api]\nport = 1\n") == f"{variables}: database: give url or dsn, not both"
    assert said("[database]\npool_size = 3\n") == f"schedsync.toml and {variables}: database: give url or dsn, not both"


def test_an_unknown_setting_in_a_variable_is_told_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDSYNC_RUNNER", '{"max_htp": 1}')
    assert said("[runner]\n") == (
        "the variable SCHEDSYNC_RUNNER: runner.max_htp is not a setting; did you mean runner.max_http?"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[groups]\nerp = 2\n", "groups.erp is a group of settings; write [groups.erp] with max_runs = 2"),
        ("[connections]\nerp = 'a/b@c'\n", "connections.erp is a group of settings; write [connections.erp] and its "),
        ("runner = 5\n", "runner is a group of settings; write [runner] and its settings below"),
        ("groups = 5\n", "groups is a group of settings; write [groups.NAME] and its settings below"),
    ],
)
def test_a_value_in_the_place_of_a_group_is_told_what_to_write(text: str, sentence: str) -> None:
    found = said(text)
    assert found.startswith(f"schedsync.toml: {sentence}")
    assert "a/b" not in found


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[jobs]\nrescan = 5\n", "jobs.rescan: 5 has no unit; write it with a unit: "),
        ('[runner]\nmax_output = "2G"\n', 'runner.max_output: "2G" is not a size; write it with a unit: "512MiB"'),
        ("[runner]\nmax_output = 1.5\n", "runner.max_output: 1.5 has no unit; write it with a unit: "),
        ('[jobs]\ntimezone = "Mars"\n', 'jobs.timezone: "Mars" is not a time zone'),
    ],
)
def test_a_value_is_said_once(text: str, sentence: str) -> None:
    found = said(text)
    assert found.startswith(f"schedsync.toml: {sentence}")
    assert ", found " not in found


def test_a_value_that_the_sentence_does_not_say_is_shown() -> None:
    assert said('[jobs]\nrescan = "0s"\n') == "schedsync.toml: jobs.rescan: must be at least 1s, found '0s'"
