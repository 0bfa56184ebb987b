"""Statements in databases that the settings name."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.harness import Folder, Service, eventually


@pytest.fixture
def erp(tmp_path: Path) -> Path:
    """A database of a user's own."""
    path = tmp_path / "erp.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE trail (created TEXT)")
        connection.executemany("INSERT INTO trail VALUES (?)", [("2025-05-05",), ("2026-06-06",)])
        connection.commit()
    return path


def job(name: str, action: str) -> str:
    return f"id: {name}\nschedule: {{every: 1s}}\nrun:\n  connection: erp\n{action}"


def test_a_statement_runs_in_a_database_that_the_settings_name(service: Service, folder: Folder, erp: Path) -> None:
    folder.write("erp/cleanup.sql", "DELETE FROM trail\nWHERE created < :cutoff;\n")
    folder.write("erp/cleanup.yaml", job("cleanup", '  sql: {file: cleanup.sql}\n  binds: {cutoff: "2026-01-01"}\n'))
    folder.write("erp/look.yaml", job("look", "  sql: SELECT MAX(created) AS latest FROM trail\n"))
    folder.write("erp/wrong.yaml", job("wrong", "  sql: SELECT * FROM trial\n"))
    folder.write("erp/block.yaml", job("block", "  plsql: BEGIN NULL; END;\n"))
    folder.write("elsewhere.yaml", job("elsewhere", "  sql: SELECT 1\n").replace("erp", "crm"))
    service.start(CONNECTIONS__ERP__URL=f"sqlite:///{erp}")

    cleanup = eventually(lambda: service.ended("cleanup", "succeeded"))[-1]
    assert service.get(f"/api/runs/{cleanup['id']}/log") == "1 row changed\n"
    look = eventually(lambda: service.ended("look", "succeeded"))[0]
    assert service.get(f"/api/runs/{look['id']}/log") == "latest\n----------\n2026-06-06\n(1 row)\n"
    assert service.job("cleanup")["spec"]["run"]["sql"] == {"file": "cleanup.sql"}

    eventually(lambda: all(service.ended(name, "failed") for name in REASONS))
    assert {name: service.ended(name, "failed")[0]["reason"] for name in REASONS} == REASONS


REASONS = {
    "wrong": "exit code 1; no such table: trial",
    "block": 'cannot be started: plsql needs Oracle, and "erp" is sqlite; write sql:',
    "elsewhere": ('cannot be started: the settings have no connection "crm" (known are erp); write [connections.crm]'),
}


def test_a_password_is_in_no_answer_no_log_no_row_and_no_job(
    service: Service, folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ERP_SECRET", "hunter2-of-erp")
    folder.write("erp.yaml", job("erp", "  sql: SELECT 1\n"))
    folder.shell("nosy", "env")
    service.start(CONNECTIONS__ERP__URL="postgresql://me@127.0.0.1:1/erp", CONNECTIONS__ERP__PASSWORD_ENV="ERP_SECRET")
    run = eventually(lambda: service.ended("erp", "failed"))[0]
    nosy = eventually(lambda: service.ended("nosy", "succeeded"))[0]
    assert "cannot connect" in run["reason"]
    seen = [service.get(f"/api/runs/{each['id']}/log") for each in (run, nosy)]
    seen += [str(service.get("/api/jobs/erp")), str(service.runs("erp")), *service.log]
    seen += [path.read_bytes().decode(errors="replace") for path in tmp_path.glob("state.db*")]
    assert "hunter2-of-erp" not in "".join(seen)
