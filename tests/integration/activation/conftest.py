"""A shop with pictures and titles, and models to change between, each with vectors that mean nothing to the others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from server.activation.run import Activation, Summary
from server.catalog.image_store import ImageStore
from server.catalog.product import ProductInput
from server.catalog.products import Catalog
from server.db import migrate
from server.db.engine import Database
from server.embedding.current import ActiveModel, CurrentEncoder, refuse_other
from server.embedding.encoder import Encoder
from server.search.service import SearchService
from server.settings import Settings
from tests.databases import fresh_database
from tests.factories import DIMENSION, noise
from tests.fakes import FakeEncoder, fake_manifest

PICTURES, TITLES = 30, 10
ALL = PICTURES + TITLES


@dataclass
class Shop:
    """A shop whose first model is `old`. `twin` has as many numbers as it, `wide` and `slim` have others."""

    database: Database
    images: ImageStore
    settings: Settings
    old: FakeEncoder
    twin: FakeEncoder
    wide: FakeEncoder
    slim: FakeEncoder
    current: CurrentEncoder = field(init=False)

    def __post_init__(self) -> None:
        self.current = self.process()

    def process(self) -> CurrentEncoder:
        """The model of a process of its own, on which all four are installed."""
        installed = {one.manifest.digest: one for one in (self.old, self.twin, self.wide, self.slim)}

        def load(active: ActiveModel) -> Encoder:
            return installed.get(active.digest) or refuse_other(active)

        return CurrentEncoder(lambda: self.old, load, query_cache=100)

    @property
    def catalog(self) -> Catalog:
        return Catalog(self.database, self.current, self.images, self.settings)

    @property
    def search(self) -> SearchService:
        return SearchService(self.database, self.current, "0123456789abcdef", "USD")

    def activate(self, encoder: Encoder, **options: Any) -> Summary:
        return Activation(self.database, encoder, self.images, self.settings, **options).run()

    def vectors(self, column: str = "embedding") -> dict[str, tuple[str, NDArray[np.float32]]]:
        """SKU -> (name of the model, vector)."""
        with self.database.connection() as connection:
            rows = connection.execute(
                f"SELECT sku, name, {column}::halfvec FROM product JOIN embedding_model AS model "  # noqa: S608
                f"ON model.id = {column}_model"
            ).fetchall()
        return {sku: (name, np.asarray(vector.to_numpy(), np.float32)) for sku, name, vector in rows}

    def states(self) -> dict[str, str]:
        """Model -> state."""
        with self.database.connection() as connection:
            return dict(connection.execute("SELECT name, state FROM embedding_model").fetchall())


def product(sku: str, **values: Any) -> ProductInput:
    return ProductInput(sku=sku, **{"title": f"Thing {sku}", "price": Decimal(10), "currency": "USD", **values})


@pytest.fixture
def empty_shop(migrated: Database, settings: Settings, image_store: ImageStore) -> Iterator[Shop]:
    with fresh_database(migrated) as small:
        migrate.upgrade(small, DIMENSION)
        database = Database(small.url, pool_size=8)
        encoders = [
            FakeEncoder(fake_manifest(dimension, name))
            for name, dimension in (("old", DIMENSION), ("twin", DIMENSION), ("wide", 96), ("slim", 24))
        ]
        try:
            yield Shop(database, image_store, settings, *encoders)
        finally:
            database.close()


@pytest.fixture
def shop(empty_shop: Shop) -> Shop:
    """With PICTURES products P-00... and TITLES products T-00... that have no picture."""
    records = [(product(f"P-{n:02}"), noise(n)) for n in range(PICTURES)]
    empty_shop.catalog.upsert_many([*records, *((product(f"T-{n:02}"), None) for n in range(TITLES))])
    return empty_shop


@pytest.fixture
def expected() -> Callable[[Shop, FakeEncoder], dict[str, NDArray[np.float32]]]:
    """What a new shop that had always had this model would hold."""

    def make(shop: Shop, encoder: FakeEncoder) -> dict[str, NDArray[np.float32]]:
        from server.catalog.picture import read_for_tower

        with shop.database.connection() as connection:
            rows = connection.execute(
                "SELECT sku, title, image_sha256, media_type FROM product LEFT JOIN image ON sha256 = image_sha256"
            ).fetchall()
        vectors = {}
        for sku, title, sha256, media_type in rows:
            if sha256 is None:
                vectors[sku] = encoder.place_text(title)
            else:
                decoded = read_for_tower(shop.images.read(sha256, media_type), encoder, shop.settings)
                vectors[sku] = encoder.embed_image(decoded.image)
        return vectors

    return make


def run(shop: Shop, *statements: str) -> None:
    """In one transaction."""
    with shop.database.connection() as connection:
        for statement in statements:
            connection.execute(statement)


def at(phase: str, do: Callable[[], object]) -> Callable[[str, int, int, float | None], None]:
    """An on_progress that does something once, when the phase begins."""
    once: list[str] = []

    def tell(now: str, done: int, total: int, rate: float | None) -> None:
        if now == phase and not once:
            once.append(now)
            do()

    return tell


Expected = Callable[[Shop, FakeEncoder], dict[str, NDArray[np.float32]]]


def assert_holds(shop: Shop, encoder: FakeEncoder, expected: Expected, column: str = "embedding") -> None:
    """All products have the vectors of this model, in a column and an index that are its own."""
    wanted, found = expected(shop, encoder), shop.vectors(column)
    assert found.keys() == wanted.keys()
    assert {name for name, _ in found.values()} == {encoder.manifest.name}
    for sku, vector in wanted.items():
        np.testing.assert_allclose(found[sku][1], vector, atol=2e-3)
    with shop.database.connection() as connection:
        row = connection.execute(
            "SELECT atttypmod, attstorage::text FROM pg_attribute "
            "WHERE attrelid = 'product'::regclass AND attname = %s",
            [column],
        ).fetchone()
        index = connection.execute(
            "SELECT indisvalid, pg_get_indexdef(indexrelid) FROM pg_index WHERE indexrelid = to_regclass(%s)",
            [f"product_{column}_hnsw"],
        ).fetchone()
    assert row == (encoder.manifest.dimension, "p")
    assert index is not None
    assert index[0]
    assert f"USING hnsw ({column} halfvec_cosine_ops)" in index[1]
