"""Users that a DBA gave few rights: the tables belong to somebody else, and the service does what it may."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, make_url

from tests.acceptance.harness import Folder, Service, eventually
from tests.contract.databases import execute, postgresql_role, postgresql_schema


@dataclass(frozen=True)
class Installation:
    """A schema with tables that its owner made, and services of users who were granted something."""

    server: URL
    schema: str
    start: Callable[[str], Service]
    """Starts a service as the user of this name, "worker" or "reader"."""
    names: dict[str, str]


@pytest.fixture
def installation(postgresql: URL, folder: Folder, tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        url = make_url(stack.enter_context(postgresql_schema(postgresql)))
        schema = str(url.query["options"]).partition("=")[2]
        roles = {name: stack.enter_context(postgresql_role(postgresql)) for name in ("worker", "reader")}
        owner = Service(tmp_path, folder.path, postgresql.render_as_string(hide_password=False))
        owner.settings["DATABASE__SCHEMA"] = schema
        assert owner.cli("db", "upgrade").returncode == 0
        for name, more in (("worker", []), ("reader", ["--read-only"])):
            grants = owner.cli("db", "ddl", "--grants", str(roles[name].username), *more)
            execute(postgresql, *printed(grants))
        services: list[Service] = []

        def start(name: str) -> Service:
            home = tmp_path / name
            home.mkdir()
            services.append(Service(home, folder.path, roles[name].render_as_string(hide_password=False)))
            services[-1].settings |= {"NODE": name, "DATABASE__SCHEMA": schema}
            return services[-1].start()

        yield Installation(postgresql, schema, start, {name: str(role.username) for name, role in roles.items()})
        for service in services:
            service.close()
            print("\n".join(service.log))  # noqa: T201 - pytest shows it when the test has failed


def printed(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return [line.rstrip(";") for line in done.stdout.splitlines()]


def test_a_user_that_may_only_change_rows_runs_the_service(installation: Installation, folder: Folder) -> None:
    folder.shell("job", "echo done")
    service = installation.start("worker")
    assert eventually(lambda: service.ended("job", "succeeded"))
    service.post("/api/jobs/job/pause", {"reason": "storage is being moved"})
    assert service.job("job")["state"] == "paused"
    checked = service.cli("db", "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert service.end() == 0


def test_a_user_that_may_only_read_serves_the_same_status_and_fires_nothing(
    installation: Installation, folder: Folder
) -> None:
    folder.shell("job", "echo done")
    folder.write("broken.yaml", "schedule: {every: 1s\n")
    worker = installation.start("worker")
    eventually(lambda: worker.ended("job", "succeeded"))
    assert eventually(lambda: worker.problem_in("broken.yaml"))
    worker.post("/api/pause")
    expected = eventually(lambda: _without_runs(worker))

    reader = installation.start("reader")
    refused = (
        f'the user "{installation.names["reader"]}" may not write to schedsync_leases; grant it with:'
        f" GRANT SELECT, INSERT, UPDATE, DELETE ON {installation.schema}.schedsync_leases"
        f" TO {installation.names['reader']}"
    )
    status = eventually(lambda: _refused(reader))
    assert status["database"]["ok"] is False
    assert refused in status["database"]["error"]
    assert status["node"] == "reader"
    same = ("leader", "counts", "problems", "held", "revision", "paused")
    assert {name: status[name] for name in same} == {name: expected[name] for name in same}
    assert reader.get("/api/jobs") == worker.get("/api/jobs")
    assert reader.get("/api/runs?limit=500") == worker.get("/api/runs?limit=500")

    for path in ("/api/pause", "/api/jobs/job/pause", "/api/resume"):
        code, problem = reader.ask(path, {}, "POST")
        assert code == 503
        assert "may not write to schedsync_pauses; grant it with: GRANT SELECT, INSERT" in problem["detail"]

    worker.post("/api/resume")
    worker.end()
    runs = reader.get("/api/runs?limit=500")
    eventually(lambda: reader.get("/api/status")["leader"] is None)
    assert reader.get("/api/runs?limit=500") == runs
    assert reader.end() == 0
    assert len([line for line in reader.log if "may not write to schedsync_leases" in line]) == 1
    assert not [line for line in reader.log if "Traceback" in line]


def test_rights_that_are_missing_on_one_table_keep_runs_from_starting_that_could_not_end(
    installation: Installation, folder: Folder
) -> None:
    folder.shell("job", "true")
    worker = installation.names["worker"]
    execute(installation.server, f"REVOKE ALL ON {installation.schema}.schedsync_alarms FROM {worker}")
    service = installation.start("worker")
    said = (
        "may not SELECT, INSERT, UPDATE, DELETE schedsync_alarms; grant it with: GRANT SELECT, INSERT, UPDATE, DELETE"
    )
    eventually(lambda: any(said in line for line in service.log))
    assert not service.runs("job")
    execute(installation.server, f"GRANT ALL ON {installation.schema}.schedsync_alarms TO {worker}")
    eventually(lambda: service.ended("job", "succeeded"), within=30)


def test_a_right_that_is_granted_is_used_without_a_restart(installation: Installation, folder: Folder) -> None:
    folder.shell("job", "echo done")
    reader = installation.start("reader")
    eventually(lambda: _refused(reader))
    execute(
        installation.server,
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {installation.schema}"
        f" TO {installation.names['reader']}",
    )
    assert eventually(lambda: reader.ended("job", "succeeded"), within=25)
    assert reader.get("/api/status")["database"]["ok"]


def test_without_tables_a_user_that_may_not_create_them_is_told_who_can(postgresql: URL, service: Service) -> None:
    with postgresql_schema(postgresql) as url, postgresql_role(postgresql) as role:
        schema = str(make_url(url).query["options"]).partition("=")[2]
        execute(postgresql, f"GRANT USAGE ON SCHEMA {schema} TO {role.username}")
        with_path = role.update_query_dict({"options": f"-csearch_path={schema}"})
        service.database = with_path.render_as_string(hide_password=False)
        refused = service.cli("run", "--no-api")
        assert refused.returncode == 1
        assert "may not change the tables" in refused.stderr
        assert "`schedsync db upgrade`, or a DBA what `schedsync db ddl` prints" in refused.stderr
        assert "Traceback" not in refused.stderr


def _refused(service: Service) -> Any:
    """Return the status when the database has refused something, and the tick that found out is over."""
    status = service.get("/api/status")
    return status if status["database"]["error"] and status["last_tick_at"] else None


def _without_runs(service: Service) -> Any:
    """Return the status when everything is paused and nothing runs any more."""
    status = service.get("/api/status")
    return None if status["counts"]["running"] or status["counts"]["queued"] else status
