"""The tower changes with the model: for whoever asks, in the transaction in which the vectors do."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import errors as pg_errors

from server.activation.run import Activation
from server.catalog.image_store import ImageStore
from server.catalog.product import ProductInput
from server.catalog.products import Catalog
from server.db import migrate
from server.db.engine import Database
from server.embedding.clip import ClipEncoder
from server.embedding.manifest import Manifest
from server.embedding.registry import read_complete
from server.settings import Settings
from server.sql_tower.install import install_tower, is_installed, remove_tower
from tests.databases import fresh_database
from tests.fakes import FakeEncoder, fake_manifest
from tests.integration.sql_tower.conftest import unit

EMBED = "SELECT vitrine_sql.embed_text('a red dress')"


class Twin(ClipEncoder):
    """The bundled model under another identity."""

    def __init__(self, manifest: Manifest) -> None:
        # The means of the calibration are part of what a model is.
        assert manifest.calibration is not None
        mean = manifest.calibration.text_mean
        calibration = replace(manifest.calibration, text_mean=(mean[0] + 0.001, *mean[1:]))
        super().__init__(replace(manifest, name="twin", calibration=calibration))


@pytest.fixture
def shop(migrated: Database, bundled_folder: Path, settings: Settings, image_store: ImageStore) -> Iterator[Catalog]:
    with fresh_database(migrated) as small:
        migrate.upgrade(small, 256)
        database = Database(small.url)
        catalog = Catalog(database, ClipEncoder(read_complete(bundled_folder)), image_store, settings)
        records = [ProductInput(sku=f"T-{n}", title=f"Red dress {n}", price="10", currency="USD") for n in range(5)]
        catalog.upsert_many([(record, None) for record in records])
        try:
            yield catalog
        finally:
            database.close()


def activate(shop: Catalog, encoder: ClipEncoder | FakeEncoder, **options: object) -> list[str]:
    said: list[str] = []
    images, settings = shop._images, shop._settings
    Activation(shop._database, encoder, images, settings, say=said.append, **options).run()  # type: ignore[arg-type]
    return said


def towers(database: Database) -> dict[str, str | None]:
    with database.connection() as connection:
        return dict(connection.execute("SELECT name, refusal FROM vitrine_tower.tower").fetchall())


def test_searching_analysts_see_vectors_and_tower_of_one_model_all_through_a_switch(
    shop: Catalog, bundled_folder: Path
) -> None:
    database = shop._database
    old = ClipEncoder(read_complete(bundled_folder))
    new = Twin(old.manifest)
    with database.connection() as connection:
        install_tower(connection, old.manifest)
    seen: set[str] = set()
    failed: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        with psycopg.connect(database.url, autocommit=True) as connection:
            while not stop.is_set():
                row = connection.execute(
                    "SELECT m.name, p.embedding_model = m.id, vector_dims(vitrine_sql.embed_text('a red dress')) "
                    "FROM product AS p, embedding_model AS m WHERE m.state = 'active' AND p.sku = 'T-1'"
                ).fetchone()
                if row is None or row[1:] != (True, 256):
                    failed.append(str(row))
                else:
                    seen.add(row[0])

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        activate(shop, new)
        assert towers(database) == {"vitrine-small": None, "twin": None}
        activate(shop, old)
    finally:
        stop.set()
        asking.join()
    assert failed == []
    assert "vitrine-small" in seen


def test_a_model_that_sql_cannot_compute_is_activated_and_embed_text_says_why(
    shop: Catalog, bundled_folder: Path
) -> None:
    manifest = read_complete(bundled_folder)
    with shop._database.connection() as connection:
        install_tower(connection, manifest)
    other = FakeEncoder(fake_manifest(256, "other"))
    (refused,) = [line for line in activate(shop, other) if "embed_text" in line]
    assert "tokenizer.json is not a tokenizer that can be loaded" in refused
    with (
        pytest.raises(pg_errors.FeatureNotSupported, match=r"tokenizer.json is not a tokenizer"),
        psycopg.connect(shop._database.url) as connection,
    ):
        connection.execute(EMBED)
    # The way back is there: the old tower was kept.
    encoder = ClipEncoder(manifest)
    activate(shop, encoder)
    with shop._database.connection() as connection:
        row = connection.execute(EMBED).fetchone()
    assert row is not None
    assert float(unit(row[0].to_numpy()) @ encoder.embed_text("a red dress")) > 0.995


def test_without_a_tower_an_activation_makes_none(shop: Catalog) -> None:
    activate(shop, FakeEncoder(fake_manifest(256, "other")))
    with shop._database.connection() as connection:
        assert not is_installed(connection)


def test_removing_it_leaves_the_schema_of_the_analysts(shop: Catalog, bundled_folder: Path) -> None:
    with shop._database.connection() as connection:
        install_tower(connection, read_complete(bundled_folder))
        remove_tower(connection)
        remove_tower(connection)
        assert not is_installed(connection)
        row = connection.execute("SELECT to_regnamespace('vitrine_sql') IS NOT NULL, "
                                 "to_regproc('vitrine_sql.embed_text') IS NULL").fetchone()  # fmt: skip
    assert row == (True, True)
