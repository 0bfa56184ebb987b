"""A service and a folder for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.harness import Folder, Service


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "jobs.d")


@pytest.fixture(params=["sqlite", "oracle"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty database; a test may be parametrised with further names."""
    name: str = request.param
    if name == "sqlite":
        return f"sqlite:///{tmp_path}/state.db"
    return str(request.getfixturevalue(f"{name}_url"))


@pytest.fixture
def service(tmp_path: Path, folder: Folder, database: str) -> Iterator[Service]:
    home = tmp_path / "home"
    home.mkdir()
    running = Service(home, folder.path, database)
    yield running
    running.close()
    print("\n".join(running.log))  # noqa: T201 - pytest shows it when the test has failed
