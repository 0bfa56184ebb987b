"""Statements as text: binds, positions, and what ends them."""

import pytest

from schedsync.sql.text import changes_rows, for_psycopg, mentioned_binds, place, without_semicolon


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("DELETE FROM a WHERE b < :cutoff", "cutoff", id="one"),
        pytest.param("BEGIN :Total := f(:a,:b); END;", "total a b", id="assigned, in any case"),
        pytest.param("SELECT c::text, x:y FROM f", "", id="only what looks like one"),
        pytest.param("SELECT q'[it's]' || :b || ':c' FROM dual", "b c", id="whatever is in quotes"),
    ],
)
def test_the_binds_that_a_statement_mentions(text: str, names: str) -> None:
    assert mentioned_binds(text) == set(names.split())


@pytest.mark.parametrize(
    ("text", "translated"),
    [
        pytest.param("SELECT :a, :ab, :c", "SELECT %(a)s, :ab, :c", id="those that are given"),
        pytest.param("SELECT :a::date", "SELECT %(a)s::date", id="before a cast"),
        pytest.param("SELECT x::a, b[1:a]", "SELECT x::a, b[1:a]", id="a cast, a slice"),
        pytest.param("SELECT ':a' || \":a\"", "SELECT ':a' || \":a\"", id="in quotes"),
        pytest.param(r"SELECT E'it\'s :a', :a", r"SELECT E'it\'s :a', %(a)s", id="in quotes with escapes"),
        pytest.param("SELECT $x$ :a $y$ :a $x$, :a", "SELECT $x$ :a $y$ :a $x$, %(a)s", id="in dollars"),
        pytest.param("SELECT a$b$c, :a, d$b$e", "SELECT a$b$c, %(a)s, d$b$e", id="beside dollars in names"),
        pytest.param("-- :a\n/* :a */ SELECT :a", "-- :a\n/* :a */ SELECT %(a)s", id="in comments"),
        pytest.param("SELECT 5 % 2, '%s'", "SELECT 5 %% 2, '%%s'", id="percent signs"),
    ],
)
def test_binds_as_psycopg_writes_them(text: str, translated: str) -> None:
    assert for_psycopg(text, frozenset({"a"})) == translated


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("DELETE FROM a;", "DELETE FROM a"),
        ("DELETE FROM a ;\n", "DELETE FROM a "),
        ("DELETE FROM a", "DELETE FROM a"),
        ("BEGIN NULL; END;", "BEGIN NULL; END;"),
        ("/* a */ " * 1_000 + "DELETE FROM a;", "/* a */ " * 1_000 + "DELETE FROM a"),
        ("-- why\nCREATE OR REPLACE EDITIONABLE TRIGGER t ... END;", None),
        ("create procedure p as begin null; end;", None),
        ("CREATE TABLE procedures (a NUMBER);", "CREATE TABLE procedures (a NUMBER)"),
    ],
)
def test_the_semicolon_that_ends_a_statement_goes_unless_it_belongs_to_a_block(text: str, taken: str | None) -> None:
    assert without_semicolon(text) == (text if taken is None else taken)


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("insert into a values (1)", True),
        ("-- gone\n/* all */ DELETE FROM a", True),
        ("WITH b AS (SELECT 1) UPDATE a SET c = 1", True),
        ("CREATE TABLE a (b INT)", False),
        ("(SELECT 1)", False),
        ("/* a */ " * 1_000 + "1", False),
        ("", False),
    ],
)
def test_only_statements_that_change_rows_have_a_number_of_them(text: str, changes: bool) -> None:
    assert changes_rows(text) is changes


@pytest.mark.parametrize(
    ("offset", "where"), [(0, "line 1, column 1"), (7, "line 1, column 8"), (9, "line 2, column 1")]
)
def test_a_position_is_told_as_line_and_column(offset: int, where: str) -> None:
    assert place("SELECT 1\nFROM a", offset) == where
