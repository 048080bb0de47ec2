"""A shop whose model is `tiny`, with `other` installed beside it: real models, and a database of their dimension."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.activation.session import activation_session
from server.activation.slots import read_slots, take_slot
from server.catalog.product import ProductInput
from server.db import migrate
from server.db.engine import Database
from server.embedding.manifest import read_manifest
from server.services import Services, open_services
from server.settings import load_settings
from tests.databases import fresh_database
from tests.factories import noise
from tests.tiny_model import DIMENSION, write_tiny_model

PRODUCTS = 20
# The two differ in how they prepare pictures, which is enough for other vectors.
OTHER_IMAGE = {"mean": [0.1, 0.2, 0.6], "std": [0.5, 0.2, 0.4]}


@contextmanager
def two_model_shop(migrated: Database, data_dir: Path, products: int = PRODUCTS) -> Iterator[Services]:
    """With products K-000 and on; every fifth has no picture."""
    write_tiny_model(data_dir / "models" / "tiny")
    write_tiny_model(data_dir / "models" / "other", name="other", image=OTHER_IMAGE)
    with fresh_database(migrated) as small:
        migrate.upgrade(small, DIMENSION)
        settings = load_settings(
            _env_file=None, DATABASE_URL=small.url, VITRINE_DATA_DIR=data_dir, VITRINE_MODEL="tiny",
            VITRINE_PREPARE_THREADS=1, VITRINE_TOWER_THREADS=1,
        )  # fmt: skip
        services = open_services(settings)
        try:
            services.catalog.upsert_many(
                [
                    (
                        ProductInput(sku=f"K-{number:03}", title=f"Thing {number}", currency="USD"),
                        noise(number) if number % 5 else None,
                    )
                    for number in range(products)
                ]
            )
            yield services
        finally:
            services.close()


@contextmanager
def held(services: Services, sku: str) -> Iterator[None]:
    """Somebody's transaction has the product's row, so an activation of `other` embeds the others and waits."""
    # It keeps the columns from being made; so they are made before it begins.
    with activation_session(services.database) as own:
        take_slot(own, read_slots(own), read_manifest(services.settings.models_dir / "other"))
    with services.database.connection() as connection:
        # Without parameters: with them the answer would be kept open, and an index wait for its snapshot.
        connection.execute(f"SELECT FROM product WHERE sku = '{sku}' FOR UPDATE")
        yield
        connection.rollback()


def ask(services: Services, query: str) -> object:
    """The first value that a query gives."""
    with services.database.connection() as connection:
        row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def active_model(services: Services) -> object:
    """Name of the model that the database's vectors are of."""
    return ask(services, "SELECT name FROM embedding_model WHERE state = 'active'")


FILLED = "SELECT count(embedding_other) FROM product"
