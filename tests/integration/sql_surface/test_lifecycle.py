"""The surface stays: through a change of the model, an upgrade of the schema, a dump and a backup."""

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from server.activation.run import Activation
from server.catalog.image_store import ImageStore
from server.db import migrate
from server.db.embedded import EmbeddedPostgres
from server.db.engine import Database
from server.errors import Conflict, DatabaseNotReady, ModelError
from server.settings import Settings
from server.sql_surface import connect, surface, tower
from server.sql_surface.statements import VIEWS
from server.sql_surface.upgrade import upgrade
from tests.databases import fresh_database, upgrade_to
from tests.dumps import copy_by_dump
from tests.factories import DIMENSION
from tests.fakes import FakeEncoder, fake_manifest
from tests.integration.activation.conftest import at
from tests.integration.sql_surface.conftest import ROLE, Team, forget_role

QUERY = "SELECT sku, path, round(distance::numeric, 4) FROM search_products('red shirt', k => 3)"


def views(database: Database) -> set[str]:
    with database.connection() as connection:
        installed = surface.read_installed(connection)
    assert installed is not None
    return set(installed.views)


# -- a change of the model -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", [DIMENSION, 24, 96])
def test_the_surface_follows_a_change_of_the_model_and_back(
    installed: Team, settings: Settings, dimension: int
) -> None:
    old, new = installed.encoder, FakeEncoder(fake_manifest(dimension, "new"))
    images = ImageStore(settings.image_dir)
    before = installed.ask(QUERY)
    Activation(installed.database, new, images, settings).run()
    assert installed.ask("SELECT DISTINCT vector_dims(embedding), model_id FROM products") == [(dimension, 2)]
    with pytest.raises(psycopg.Error, match="not known"):
        # What the old model made of the words says nothing about the new vectors.
        installed.ask(QUERY)
    installed.encoder = new
    installed.know("red shirt", "Product A-1")
    assert installed.ask("SELECT sku FROM search_products('Product A-1', k => 1)") == [("A-1",)]
    rows = installed.ask("SELECT name, state, logit_scale, activated_at IS NOT NULL FROM models ORDER BY id")
    assert rows == [("fake", "previous", 20.0, False), ("new", "active", 20.0, True)]
    Activation(installed.database, old, images, settings).run()
    assert {sku for sku, *_ in installed.ask(QUERY)} == {sku for sku, *_ in before}


def test_a_vector_of_the_model_before_is_refused_by_its_length(installed: Team, settings: Settings) -> None:
    vector = installed.ask("SELECT embedding::text FROM products LIMIT 1")[0][0]
    Activation(
        installed.database, FakeEncoder(fake_manifest(24, "new")), ImageStore(settings.image_dir), settings
    ).run()
    with pytest.raises(psycopg.Error, match="those of the active model new have 24"):
        installed.ask("SELECT * FROM nearest_products(%s)", [vector])


def test_a_transaction_that_began_before_the_change_is_told_so(installed: Team, settings: Settings) -> None:
    """A snapshot from before, with the columns of after: vectors of two models would meet."""
    twin = FakeEncoder(fake_manifest(DIMENSION, "twin"))
    with installed.login() as connection:

        def begin() -> None:
            # Not sooner: an index that is built beside the shop waits for older snapshots.
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            connection.execute("SELECT 1 FROM (VALUES (1)) AS one (n)")

        images = ImageStore(settings.image_dir)
        Activation(installed.database, twin, images, settings, on_progress=at("switch", begin)).run()
        with pytest.raises(psycopg.errors.SerializationFailure, match="Another model became the active one"):
            connection.execute(QUERY)


# -- an upgrade of the schema --------------------------------------------------------------------------------------


def test_an_older_surface_is_renewed_by_an_upgrade(installed: Team) -> None:
    with installed.database.connection() as connection:
        connection.execute("UPDATE vitrine_sql_inner.installed SET version = 0, fingerprint = 'of another version'")
        connection.execute("DROP VIEW vitrine_sql.brands")
        connection.execute("CREATE VIEW vitrine_sql.of_yore AS SELECT 1 AS n")
        before = surface.read_installed(connection)
        assert before is not None
        assert not surface.is_current(connection, before)
    upgrade(installed.database, DIMENSION, None)
    assert views(installed.database) == set(VIEWS)
    assert installed.ask("SELECT brand FROM brands ORDER BY 1") == [("Acme",), ("Zed",)]
    assert len(installed.ask(QUERY)) == 3


def test_migrations_change_columns_under_the_views(
    migrated: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With migrations to run, and among them one that could not be made with views over its column."""
    real = migrate.upgrade

    def change(database: Database, dimension: int) -> migrate.MigrationStatus:
        with database.connection() as connection:
            connection.execute("ALTER TABLE image ALTER COLUMN bytes TYPE numeric")
        return real(database, dimension)

    with fresh_database(migrated) as old:
        upgrade_to(old, "0014", DIMENSION)
        team = Team(old, FakeEncoder(fake_manifest(DIMENSION)), tmp_path)
        team.add("A-1", "red shirt")
        team.know("red shirt")
        team.install()
        monkeypatch.setattr(migrate, "upgrade", change)
        try:
            assert upgrade(old, DIMENSION, None).is_current
            assert views(old) == set(VIEWS)
            assert team.ask("SELECT sku FROM search_products('red shirt')") == [("A-1",)]
        finally:
            forget_role(old, ROLE)


def test_an_upgrade_that_was_killed_is_completed_by_the_next(installed: Team) -> None:
    surface.take_down(installed.database)
    assert views(installed.database) == set()
    upgrade(installed.database, DIMENSION, None)
    assert views(installed.database) == set(VIEWS)
    assert len(installed.ask(QUERY)) == 3


def test_what_others_built_upon_it_is_named_and_kept(installed: Team) -> None:
    with installed.database.connection() as connection:
        connection.execute("CREATE VIEW reds AS SELECT sku FROM vitrine_sql.products WHERE title LIKE '%red%'")
        connection.execute("UPDATE vitrine_sql_inner.installed SET fingerprint = 'of another version'")
    for act in (lambda: upgrade(installed.database, DIMENSION, None), lambda: surface.remove(installed.database)):
        with pytest.raises(Conflict, match=r"view reds.* Drop these, run this again"):
            act()
    assert views(installed.database) == set(VIEWS)


def test_an_analyst_who_reads_is_not_waited_for_without_end(installed: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surface, "PATIENCE", "100ms")
    with installed.login() as connection, connection.transaction():
        connection.execute("SELECT count(*) FROM brands")
        with pytest.raises(Conflict, match="An open transaction reads vitrine_sql"):
            surface.take_down(installed.database)
    assert views(installed.database) == set(VIEWS)


def test_an_upgrade_installs_nothing_by_itself(migrated: Database) -> None:
    with fresh_database(migrated) as database:
        upgrade_to(database, "0009", DIMENSION)
        upgrade(database, DIMENSION, None)
        with database.connection() as connection:
            assert surface.read_installed(connection) is None
            assert connection.execute("SELECT to_regnamespace('vitrine_sql')").fetchone() == (None,)


def test_without_a_text_tower_nothing_is_installed(team: Team) -> None:
    with pytest.raises(ModelError):
        team.install(put_up_tower=lambda connection: tower.put_up(connection, team.encoder.manifest))
    with team.database.connection() as connection:
        assert surface.read_installed(connection) is None
        assert connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None


def test_a_database_without_tables_is_a_sentence(team: Team, migrated: Database) -> None:
    with fresh_database(migrated) as empty, pytest.raises(DatabaseNotReady):
        surface.install(empty, team.wanted())


# -- a dump --------------------------------------------------------------------------------------------------------


def test_a_dump_in_an_empty_postgres_answers_the_same(installed: Team, second_server: EmbeddedPostgres) -> None:
    with closing(psycopg.connect(installed.database.url)) as connection:
        name = connection.info.dbname
    url = second_server.url()
    copy_by_dump(installed.database.url, url)
    address = connect.address_of(url, ROLE, connect.read_password(installed.folder))

    def answers(ask: Any) -> list[Any]:
        return [
            ask(QUERY),
            ask("SELECT sku, similarity FROM similar_products('A-1', 2)"),
            ask("SELECT label, probability FROM classify_product('A-1', ARRAY['mug', 'red shirt'])"),
            ask("SELECT sku, title, price, embedding::text FROM products ORDER BY sku"),
            ask("SELECT * FROM categories ORDER BY 1"),
            ask("SELECT * FROM models"),
            ask("SHOW search_path"),
            ask("SHOW statement_timeout"),
            ask("SELECT obj_description('vitrine_sql.products'::regclass)"),
        ]

    with psycopg.connect(address.url, autocommit=True) as connection:
        restored = answers(lambda query: connection.execute(query).fetchall())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM public.staff")
    assert name != "vitrine"
    assert restored == answers(installed.ask)


def test_vectors_come_out_as_numbers_for_a_notebook(installed: Team) -> None:
    (vector,) = installed.ask("SELECT embedding FROM products WHERE sku = 'A-1'")[0]
    np.testing.assert_allclose(vector.to_numpy(), installed.encoder.embed_text("red shirt"), atol=1e-3)
