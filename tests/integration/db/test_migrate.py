"""Schema upgrades: from nothing, again, by two at once, and refused where the server is too old."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from server import activation, resources
from server.db import migrate
from server.db.engine import Database, check_versions
from server.errors import Conflict, DatabaseNotReady, DatabaseUnavailable
from tests.databases import fresh_database, upgrade_to
from tests.factories import add_product, unit_vector


def test_an_empty_database_becomes_one_that_holds_products(migrated: Database) -> None:
    with fresh_database(migrated) as database:
        assert migrate.status(database).current is None
        state = migrate.upgrade(database, dimension=8)
        assert state.is_current
        with database.connection() as connection:
            add_product(connection, "A-1", embedding=unit_vector(1, dimension=8))
            row = connection.execute("SELECT embedding FROM product").fetchone()
        assert row is not None
        assert len(row[0].to_list()) == 8


def test_upgrading_again_changes_nothing(migrated: Database) -> None:
    with fresh_database(migrated) as database:
        first = migrate.upgrade(database, dimension=8)
        with database.connection() as connection:
            add_product(connection, "A-1")
        assert migrate.upgrade(database, dimension=16) == first
        with database.connection() as connection:
            assert connection.execute("SELECT count(*) FROM product").fetchone() == (1,)


def test_a_shop_of_the_first_revision_keeps_its_products_and_gets_room_for_another_model(migrated: Database) -> None:
    with fresh_database(migrated) as database:
        assert upgrade_to(database, "0001").current == "0001"
        with database.connection() as connection:
            add_product(connection, "A-1", embedding=unit_vector(1, dimension=8))
        # The dimension is the database's own by now, whatever the settings' model has.
        assert migrate.upgrade(database, dimension=99).is_current
        with database.connection() as connection:
            row = connection.execute("SELECT embedding IS NOT NULL, embedding_other FROM product").fetchone()
            dimension = connection.execute(
                "SELECT atttypmod FROM pg_attribute "
                "WHERE attrelid = 'product'::regclass AND attname = 'embedding_other'"
            ).fetchone()
        assert row == (True, None)
        assert dimension == (8,)


def test_two_that_upgrade_at_once_both_find_it_done(migrated: Database) -> None:
    with fresh_database(migrated) as database:
        others = [Database(database.url, pool_size=2) for _ in range(3)]
        try:
            with ThreadPoolExecutor(len(others)) as pool:
                states = list(pool.map(lambda other: migrate.upgrade(other, dimension=8), others))
        finally:
            for other in others:
                other.close()
        assert all(state.is_current for state in states)


def test_the_schema_lets_no_bad_row_in(migrated: Database) -> None:
    with fresh_database(migrated) as database:
        migrate.upgrade(database, dimension=8)
        bad: list[dict[str, Any]] = [
            {"sku": ""},
            {"sku": "has\nline"},
            {"title": ""},
            {"price": -1},
            {"price": 5, "sale_price": 6},
            {"price": None, "sale_price": 6},
            {"stock": -1},
            {"currency": "usd"},
            {"category": "/Shirts"},
            {"status": "gone"},
            {"image_sha256": "0" * 64},
        ]
        for columns in bad:
            with pytest.raises(psycopg.IntegrityError), psycopg.connect(database.url) as connection:
                add_product(connection, **{"sku": "A-1", **columns})


def test_nothing_is_made_up_about_a_database_that_does_not_answer() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailable):
        migrate.status(database)
    database.close()


class FakeConnection:
    """Says what a server of some age would say."""

    def __init__(self, server_version: int, extension: tuple[str | None, str | None] | None) -> None:
        self.info = SimpleNamespace(server_version=server_version)
        self.extension = extension

    def execute(self, query: str) -> "FakeConnection":
        return self

    def fetchone(self) -> tuple[str | None, str | None] | None:
        return self.extension


def check(server_version: int, extension: tuple[str | None, str | None] | None) -> None:
    check_versions(cast(psycopg.Connection, FakeConnection(server_version, extension)))


@pytest.mark.parametrize("extension", [("0.8.0", "0.8.0"), (None, "0.8.5"), ("0.10.1", "0.10.1"), ("1.0", "1.0")])
def test_a_new_enough_server_is_taken(extension: tuple[str | None, str | None]) -> None:
    check(150_004, extension)


@pytest.mark.parametrize(
    ("server_version", "extension", "sentence"),
    [
        (140_011, ("0.8.0", "0.8.0"), "PostgreSQL 14; Vitrine needs 15 or newer"),
        (160_002, None, "no pgvector extension. Install pgvector 0.8"),
        (160_002, (None, "0.5.1"), "has pgvector 0.5.1; Vitrine needs 0.8"),
        (160_002, ("0.7.4", "0.8.0"), "ALTER EXTENSION vector UPDATE"),
    ],
    ids=["old server", "no pgvector", "old pgvector to install", "old pgvector installed"],
)
def test_an_old_server_is_refused_with_what_to_install(
    server_version: int, extension: tuple[str | None, str | None] | None, sentence: str
) -> None:
    with pytest.raises(DatabaseNotReady, match=sentence.replace(".", r"\.")):
        check(server_version, extension)


def test_an_old_pgvector_is_refused_before_anything_is_made(
    migrated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.db.engine.OLDEST_PGVECTOR", (99, 0))
    with fresh_database(migrated) as database:
        with pytest.raises(DatabaseNotReady, match=r"Vitrine needs 0\.8 or newer"):
            migrate.upgrade(database, dimension=8)
        assert migrate.status(database).current is None


def test_no_column_is_made_with_its_storage_which_postgres_15_does_not_take() -> None:
    """There is no Postgres 15 among the tests' own, so this reads what is sent to it."""
    files = [*resources.MIGRATIONS.rglob("*.py"), Path(activation.__file__).with_name("activation.sql")]
    statements = [text for file in files for text in file.read_text(encoding="utf-8").split(";")]
    assert len(files) > 3
    assert not [text for text in statements if re.search(r"halfvec\([^)]*\)\s+STORAGE", text)]


def test_who_holds_the_lock_of_upgrades_and_makes_none_is_named(
    migrated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the owner may not keep locks by number to himself, an analyst may take them."""
    monkeypatch.setattr(migrate, "TURN_MS", 50)
    with fresh_database(migrated) as database:
        with database.connection() as connection:
            connection.execute("CREATE ROLE holder LOGIN PASSWORD 'held'")
        try:
            with psycopg.connect(database.url, user="holder", password="held", autocommit=True) as analyst:
                analyst.execute("SELECT pg_advisory_lock(%s)", [migrate.UPGRADE_LOCK])
                held = rf"The role holder holds the lock of upgrades.*{analyst.info.backend_pid}"
                with pytest.raises(Conflict, match=held):
                    migrate.upgrade(database, 8)
                analyst.execute("SELECT pg_advisory_unlock(%s)", [migrate.UPGRADE_LOCK])
                assert migrate.upgrade(database, 8).is_current
        finally:
            with database.connection() as connection:
                connection.execute("DROP ROLE holder")
