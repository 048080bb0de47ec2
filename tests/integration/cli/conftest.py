"""The command line on the tests' database, run in the same process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from server.db import migrate
from server.db.engine import Database
from tests.databases import fresh_database
from tests.tiny_model import DIMENSION, manifest_data, write_manifest, write_tiny_model

Run = Callable[..., Result]


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory of the test's own, and a working directory without a .env file."""
    folder = tmp_path / "data"
    monkeypatch.setenv("VITRINE_DATA_DIR", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def run(data_dir: Path) -> Run:
    """`run("db", "status")` is `vitrine db status`. What is not one of our errors fails the test."""

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(main, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert "Traceback" not in result.output
        return result

    return invoke


@pytest.fixture
def named_model(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model folder with a manifest and no files, which is all that a migration looks at."""
    folder = data_dir / "models" / "paper"
    write_manifest(folder, manifest_data(folder) | {"name": "paper"})
    monkeypatch.setenv("VITRINE_MODEL", "paper")
    return folder


@pytest.fixture
def tiny_model(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model folder that works, named by the settings."""
    folder = write_tiny_model(data_dir / "models" / "tiny")
    monkeypatch.setenv("VITRINE_MODEL", "tiny")
    return folder


@pytest.fixture
def empty(migrated: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """An empty database that DATABASE_URL names."""
    with fresh_database(migrated) as database:
        monkeypatch.setenv("DATABASE_URL", database.url)
        yield database


@pytest.fixture
def shop(empty: Database) -> Database:
    """A migrated database for the tiny model."""
    migrate.upgrade(empty, DIMENSION)
    return empty
