"""`schedsync db`: the schema made, printed and checked."""

import sqlite3

import pytest

from schedsync.cli.exits import Exit
from schedsync.store.versions import NEWEST, VERSIONS
from tests.integration.cli.harness import CommandLine


def test_an_upgrade_makes_the_tables_and_says_when_there_was_nothing_to_do(cli: CommandLine) -> None:
    assert cli("db", "upgrade").out == f"{cli.database}: version {NEWEST}\n"
    assert cli("db", "upgrade").out == f"{cli.database}: version {NEWEST}, there was nothing to do\n"
    assert cli("db", "upgrade", "--json").json == {"version": NEWEST, "changed": False}


def test_a_check_without_a_database_fails_and_makes_none(cli: CommandLine) -> None:
    checked = cli("db", "check")
    assert checked.code == Exit.FAILURE
    assert "there is no database yet; run `schedsync db upgrade`" in checked.out
    assert not cli.file.exists()


def test_a_check_says_what_is_missing(cli: CommandLine) -> None:
    cli("db", "upgrade")
    assert cli("db", "check").out == f"{cli.database}: version {NEWEST}, nothing is missing\n"
    with sqlite3.connect(cli.file) as connection:
        connection.execute("DROP INDEX ix_schedsync_runs_job")
    connection.close()
    checked = cli("db", "check", "--json")
    assert checked.code == Exit.FAILURE
    assert checked.json == {
        "database": cli.database,
        "version": {"found": NEWEST, "needed": NEWEST},
        "rights_known": True,
        "differences": [
            {
                "object": "ix_schedsync_runs_job",
                "message": "is missing on schedsync_runs (job_id, scheduled_at, id, state)",
            }
        ],
    }


def test_the_printed_script_makes_a_database_that_passes_the_check(cli: CommandLine) -> None:
    script = cli("db", "ddl").out
    assert not cli.file.exists()
    with sqlite3.connect(cli.file) as connection:
        connection.executescript(script)
    connection.close()
    assert cli("db", "check").code == Exit.OK
    assert cli("apply").code == Exit.FAILURE  # there is no job yet, but there are tables
    cli.applied(job="schedule: {every: 1h}\nrun: {shell: echo}\n")


@pytest.mark.parametrize("since", VERSIONS[:-1])
def test_a_script_from_a_version_holds_what_came_after_it(cli: CommandLine, since: str) -> None:
    script = cli("db", "ddl", "--dialect", "oracle", "--from", since).out
    assert "CREATE TABLE schedsync_runs" not in script
    assert ("VIEW schedsync_runs_v" in script) is (since < "0003")
    assert ("CREATE TABLE schedsync_notices" in script) is (since < "0004")
    assert "CREATE TABLE schedsync_tokens" in script
    assert script.endswith(
        f"UPDATE schedsync_version SET version_num = '{NEWEST}' WHERE version_num = '{since}';\nCOMMIT;\n"
    )


@pytest.mark.parametrize(
    ("options", "first", "count"),
    [
        (["oracle"], "GRANT SELECT, INSERT, UPDATE, DELETE ON app.schedsync_jobs TO ann;", 14),
        (["oracle", "--read-only"], "GRANT READ ON app.schedsync_jobs TO ann;", 14),
        (["postgresql"], "GRANT USAGE ON SCHEMA app TO ann;", 15),
        (["postgresql", "--read-only"], "GRANT USAGE ON SCHEMA app TO ann;", 15),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_grants_are_printed_for_the_owner_of_the_settings(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, options: list[str], first: str, count: int
) -> None:
    monkeypatch.setenv("SCHEDSYNC_DATABASE__SCHEMA", "app")
    lines = cli("db", "ddl", "--grants", "ann", "--dialect", *options).out.splitlines()
    assert lines[0] == first
    assert len(lines) == count
    assert ("INSERT" in "".join(lines)) is ("--read-only" not in options)


def test_the_script_for_oracle_needs_no_driver_no_password_and_no_database(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"SCHEMA": "app", "LOB_TABLESPACE": "lobs", "PASSWORD_FILE": "/nowhere"}.items():
        monkeypatch.setenv(f"SCHEDSYNC_DATABASE__{name}", value)
    printed = cli("db", "ddl", "--dialect", "oracle")
    assert printed.code == Exit.OK
    assert "ALTER SESSION SET CURRENT_SCHEMA = app;" in printed.out
    assert "LOB (spec_text) STORE AS (TABLESPACE lobs);" in printed.out
    as_json = cli("db", "ddl", "--dialect", "oracle", "--json").json
    assert (as_json["dialect"], as_json["schema"], as_json["version"]) == ("oracle", "app", NEWEST)
    assert as_json["statements"][-1].startswith("INSERT INTO schedsync_version")


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["ddl", "--read-only"], Exit.USAGE, "--read-only goes with --grants."),
        (["ddl", "--grants", "ann", "--partitioned"], Exit.USAGE, "--grants goes without"),
        (["ddl", "--dialect", "mysql"], Exit.USAGE, "'mysql' is not one of"),
        (["ddl", "--partitioned"], Exit.FAILURE, "sqlite has no partitioned variant of the tables; only oracle has"),
        (["ddl", "--grants", "ann"], Exit.FAILURE, "SQLite has no users"),
        (["frobnicate"], Exit.USAGE, "No such command 'frobnicate'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_refused_in_words(cli: CommandLine, args: list[str], code: Exit, words: str) -> None:
    refused = cli("db", *args)
    assert refused.code == code
    assert words in refused.err


@pytest.mark.parametrize("field", ["SCHEMA", "TABLE_TABLESPACE", "INDEX_TABLESPACE", "LOB_TABLESPACE"])
def test_a_name_that_would_be_more_than_a_name_in_a_statement_is_refused(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    monkeypatch.setenv(f"SCHEDSYNC_DATABASE__{field}", "app; DROP TABLE x")
    refused = cli("db", "ddl", "--dialect", "oracle")
    assert refused.code == Exit.FAILURE
    assert "expected a name of letters, digits and _, $ or #" in refused.err
