"""A service and a folder for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.harness import Folder, Service


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "jobs.d")


@pytest.fixture
def service(tmp_path: Path, folder: Folder) -> Iterator[Service]:
    home = tmp_path / "home"
    home.mkdir()
    running = Service(home, folder.path, f"sqlite:///{tmp_path}/state.db")
    yield running
    running.close()
