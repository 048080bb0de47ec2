"""Fixtures that every test may use: settings that read nothing from outside, and a real, migrated Postgres."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from server.catalog.image_store import ImageStore
from server.catalog.products import Catalog
from server.db import migrate
from server.db.embedded import EmbeddedPostgres
from server.db.engine import Database
from server.settings import Settings, load_settings
from tests.factories import DIMENSION
from tests.fakes import FakeEncoder, fake_manifest

# How long one example takes says more about the machine than about the code.
hypothesis.settings.register_profile("vitrine", deadline=None)
hypothesis.settings.load_profile("vitrine")

# What a developer has set for the real shop must not reach a test.
FOREIGN = ("DATABASE_URL", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD", "PGSERVICE", "PGOPTIONS")


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name in FOREIGN or name.startswith("VITRINE_"):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def short_dir() -> Iterator[Path]:
    """A folder whose path is short enough for a Unix socket, which pytest's own temporary folders are not."""
    folder = Path(tempfile.mkdtemp(prefix="vt-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated(short_dir: Path) -> Iterator[Database]:
    """An embedded Postgres at the newest revision, with embeddings of DIMENSION numbers. Use `database` in tests."""
    embedded = EmbeddedPostgres(short_dir)
    embedded.start()
    database = Database(embedded.url(), embedded=embedded)
    migrate.upgrade(database, DIMENSION)
    with database.connection() as connection:
        connection.autocommit = True
        # Nothing of a test has to outlive a power cut, and a commit without a flush is ten times as fast.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET synchronous_commit = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.autocommit = False
    yield database
    database.close()


@pytest.fixture
def database(migrated: Database) -> Iterator[Database]:
    """The migrated database, emptied after the test. Tests see real commits, as the pool's other users would."""
    yield migrated
    with migrated.connection() as connection:
        tables = connection.execute(
            "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema') "
            "AND tablename NOT IN ('alembic_version', 'job_tables')"
        ).fetchone()
        assert tables is not None
        connection.execute(f"TRUNCATE {tables[0]} RESTART IDENTITY CASCADE")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a data directory of their own. They name no database: a test that needs one takes `database`."""
    return load_settings(_env_file=None, VITRINE_DATA_DIR=tmp_path / "data", VITRINE_PREPARE_THREADS=2)


@pytest.fixture
def encoder() -> FakeEncoder:
    """A fake model whose vectors fit the test database."""
    return FakeEncoder(fake_manifest(DIMENSION))


@pytest.fixture
def image_store(settings: Settings) -> ImageStore:
    """The picture folder of `settings`."""
    return ImageStore(settings.image_dir)


@pytest.fixture
def catalog(database: Database, encoder: FakeEncoder, image_store: ImageStore, settings: Settings) -> Catalog:
    """Products, on the test database."""
    return Catalog(database, encoder, image_store, settings)
