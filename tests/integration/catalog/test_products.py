"""Products one by one: the same write path as an import's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from server.catalog.image_store import ImageStore
from server.catalog.images import digest
from server.catalog.product import ProductInput, ProductPatch
from server.catalog.products import Catalog
from server.db.engine import Database
from server.errors import BadRequest, Conflict, InvalidInput, ModelError, NotFound
from server.settings import Settings
from tests.factories import DIMENSION, noise, picture
from tests.fakes import FakeEncoder, fake_manifest


def product(sku: str = "A-1", **fields: Any) -> ProductInput:
    return ProductInput(**{"sku": sku, "title": "Red mug", "price": "10", **fields})


@pytest.fixture
def vector_of(database: Database) -> Callable[[str], np.ndarray]:
    def read(sku: str) -> np.ndarray:
        with database.connection() as connection:
            row = connection.execute("SELECT embedding FROM product WHERE sku = %s", [sku]).fetchone()
        assert row is not None
        return np.asarray(row[0].to_numpy(), np.float32)

    return read


def test_a_put_product_comes_back_as_it_was_given(catalog: Catalog) -> None:
    given = product(description="Line\nline", brand="Arrow", category="Home > Mugs", sale_price="8,50", stock=3,
                    attributes={"colour": "red", "sizes": [1, 2.5]}, item_group="G")  # fmt: skip
    stored, created = catalog.put(given, noise(1))
    assert created
    assert stored.model_dump(include=set(ProductInput.model_fields) - {"currency"}) == given.model_dump(
        exclude={"currency"}
    )
    assert stored.currency == "USD"
    assert stored.category == "Home/Mugs"
    assert stored.sale_price == Decimal("8.50")
    assert (stored.image_sha256, stored.media_type, stored.embedding_source) == (digest(noise(1)), "image/png", "image")
    assert catalog.get("A-1") == stored


def test_every_field_may_be_as_long_as_its_rule_says(catalog: Catalog) -> None:
    """What validation lets pass, the database takes."""
    longest = product(
        sku="x" * 100, title="é" * 500, description="é" * 100_000, brand="b" * 200, category="c" * 300,
        item_group="g" * 100, price="9999999999.99", stock=2**31 - 1,
    )  # fmt: skip
    stored, _ = catalog.put(longest)
    assert stored.description == longest.description
    with pytest.raises(ValidationError):
        product(description="é" * 100_001)


def test_putting_the_same_again_changes_nothing(catalog: Catalog) -> None:
    first, _ = catalog.put(product(), noise(1))
    again, created = catalog.put(product(), noise(1))
    assert not created
    assert again == first
    assert catalog.put(product())[0] == first


def test_a_picture_gives_its_own_vector(
    catalog: Catalog, encoder: FakeEncoder, vector_of: Callable[[str], np.ndarray]
) -> None:
    catalog.put(product(), picture("red", (16, 16), "PNG"))
    red = vector_of("A-1")
    assert float(red @ encoder.embed_text("red")) > 0.9
    catalog.put(product(), picture("blue", (16, 16), "PNG"))
    assert float(vector_of("A-1") @ encoder.embed_text("blue")) > 0.9


def test_without_a_picture_the_title_gives_the_vector(
    catalog: Catalog, encoder: FakeEncoder, vector_of: Callable[[str], np.ndarray]
) -> None:
    stored, _ = catalog.put(product(title="Red mug"))
    assert stored.embedding_source == "text"
    assert float(vector_of("A-1") @ encoder.place_text("Red mug")) > 0.999
    encoder.texts_run.clear()
    catalog.patch("A-1", ProductPatch(price=Decimal(11)))
    assert encoder.texts_run == []
    catalog.patch("A-1", ProductPatch(title="Blue mug"))
    assert encoder.texts_run == ["Blue mug"]
    assert float(vector_of("A-1") @ encoder.place_text("Blue mug")) > 0.999


def test_a_product_that_gets_a_picture_is_no_longer_placed_by_its_title(catalog: Catalog, encoder: FakeEncoder) -> None:
    catalog.put(product())
    assert catalog.put(product(), noise(2))[0].embedding_source == "image"
    encoder.texts_run.clear()
    assert catalog.patch("A-1", ProductPatch(title="Other")).embedding_source == "image"
    assert encoder.texts_run == []


def test_a_patch_changes_what_it_names_and_null_empties(catalog: Catalog) -> None:
    catalog.put(product(brand="Arrow", stock=3, attributes={"a": 1, "b": {"c": 2, "d": 3}}))
    changed = catalog.patch("A-1", ProductPatch(brand=None, attributes={"a": None, "b": {"c": 5}}, status="hidden"))
    assert (changed.brand, changed.stock, changed.status) == (None, 3, "hidden")
    assert changed.attributes == {"b": {"c": 5, "d": 3}}
    assert catalog.patch("A-1", ProductPatch(attributes=None, description=None)).attributes == {}


def test_a_sale_price_has_to_fit_the_stored_price(catalog: Catalog) -> None:
    catalog.put(product(price="10"))
    with pytest.raises(BadRequest, match=r"12\.00 is more than the price"):
        catalog.patch("A-1", ProductPatch(sale_price=Decimal(12)))
    assert catalog.get("A-1").sale_price is None


def test_what_is_not_there_is_not_found(catalog: Catalog) -> None:
    for call in (
        lambda: catalog.get("no"),
        lambda: catalog.get("nul\0"),
        lambda: catalog.delete("no"),
        lambda: catalog.patch("no", ProductPatch(title="x")),
        lambda: catalog.rename("no", "new"),
    ):
        with pytest.raises(NotFound):
            call()


def test_a_deleted_product_is_gone_and_its_picture_stays(catalog: Catalog, image_store: ImageStore) -> None:
    stored, _ = catalog.put(product(), noise(1))
    catalog.delete("A-1")
    with pytest.raises(NotFound):
        catalog.get("A-1")
    assert image_store.read(stored.image_sha256 or "", "image/png") == noise(1)


def test_a_rename_keeps_the_product_and_never_takes_anothers_place(catalog: Catalog) -> None:
    catalog.put(product("A-1"), noise(1))
    catalog.put(product("A-2"))
    assert catalog.rename("A-1", "B/1").image_sha256 == digest(noise(1))
    with pytest.raises(Conflict):
        catalog.rename("B/1", "A-2")
    with pytest.raises(InvalidInput):
        catalog.rename("B/1", "../etc")


def test_in_bulk_a_refused_product_does_not_keep_the_others_out(catalog: Catalog) -> None:
    outcomes = catalog.upsert_many([
        (product("A-1"), noise(1)),
        (product("A-2"), b"not a picture"),
        (product("A-3", price="5", sale_price="6"), None),
        (product("A-1", title="again"), None),
        (product("A-4"), None),
    ])  # fmt: skip
    assert [(o.sku, o.action, o.field) for o in outcomes] == [
        ("A-1", "created", ""),
        ("A-2", "refused", "image"),
        ("A-3", "refused", "sale_price"),
        ("A-1", "refused", "sku"),
        ("A-4", "created", ""),
    ]
    assert catalog.get("A-1").title == "Red mug"


def test_a_row_that_only_the_database_refuses_does_not_keep_the_others_out(
    catalog: Catalog, database: Database
) -> None:
    with database.connection() as connection:
        connection.execute("ALTER TABLE product ADD CONSTRAINT test_rule CHECK (brand <> 'Bad')")
    try:
        outcomes = catalog.upsert_many([(product(f"A-{n}", brand="Bad" if n == 3 else "Good"), None) for n in range(6)])
    finally:
        with database.connection() as connection:
            connection.execute("ALTER TABLE product DROP CONSTRAINT test_rule")
    assert [o.action for o in outcomes] == ["created"] * 3 + ["refused"] + ["created"] * 2
    assert outcomes[3].reason == "the database refuses it (test_rule)"


def test_a_picture_lost_from_the_store_comes_back(catalog: Catalog, image_store: ImageStore) -> None:
    stored, _ = catalog.put(product(), noise(1))
    image_store.path(stored.image_sha256 or "", "image/png").unlink()
    catalog.put(product(), noise(1))
    assert image_store.read(stored.image_sha256 or "", "image/png") == noise(1)


def test_a_change_while_the_picture_is_prepared_is_never_lost(
    database: Database, image_store: ImageStore, settings: Settings, vector_of: Callable[[str], np.ndarray]
) -> None:
    """A writer that planned before another one wrote plans again: picture and vector always belong together."""

    class Meddling(FakeEncoder):
        meddle: Callable[[], Any] = staticmethod(lambda: None)

        def embed_pixels(self, pixels: Any) -> Any:
            vectors = super().embed_pixels(pixels)
            meddle, self.meddle = self.meddle, lambda: None
            meddle()
            return vectors

    slow = Meddling(fake_manifest(DIMENSION))
    catalog = Catalog(database, slow, image_store, settings)
    catalog.put(product(), picture("green", (16, 16), "PNG"))
    slow.meddle = lambda: catalog.put(product(brand="Other"), picture("blue", (16, 16), "PNG"))
    stored, _ = catalog.put(product(), picture("red", (16, 16), "PNG"))
    assert stored.image_sha256 == digest(picture("red", (16, 16), "PNG"))
    assert float(vector_of("A-1") @ slow.embed_text("red")) > 0.9


def test_many_writers_of_the_same_products_neither_fail_nor_double(catalog: Catalog, database: Database) -> None:
    def write(seed: int) -> list[str]:
        order = np.random.default_rng(seed).permutation(12)
        return [
            o.action for o in catalog.upsert_many([(product(f"A-{n}", brand=f"B{seed}"), noise(int(n))) for n in order])
        ]

    with ThreadPoolExecutor(4) as pool:
        actions = [action for result in pool.map(write, range(8)) for action in result]
    assert actions.count("created") == 12
    assert "refused" not in actions
    with database.connection() as connection:
        assert connection.execute("SELECT count(*), count(embedding) FROM product").fetchone() == (12, 12)


def test_a_database_whose_model_is_not_installed_takes_no_product(
    catalog: Catalog, database: Database, image_store: ImageStore, settings: Settings
) -> None:
    catalog.put(product())
    other = Catalog(database, FakeEncoder(fake_manifest(DIMENSION, "other")), image_store, settings)
    with pytest.raises(ModelError, match=r"embedded by the model fake \(1\), which is not installed here"):
        other.put(product())


def test_an_empty_database_of_another_dimension_says_how_to_change_it(
    database: Database, image_store: ImageStore, settings: Settings
) -> None:
    small = Catalog(database, FakeEncoder(fake_manifest(8)), image_store, settings)
    with pytest.raises(ModelError, match=r"vectors of 8 numbers; this database was made for 64\. .*activate"):
        small.put(product())


def test_a_thumbnail_is_made_once_and_only_in_known_widths(catalog: Catalog, image_store: ImageStore) -> None:
    stored, _ = catalog.put(product(), picture("red", (800, 400)))
    sha256, media_type = stored.image_sha256 or "", stored.media_type or ""
    path = image_store.thumbnail(sha256, media_type, 320)
    before = path.stat().st_mtime_ns
    assert image_store.thumbnail(sha256, media_type, 320).stat().st_mtime_ns == before
    with pytest.raises(BadRequest):
        image_store.thumbnail(sha256, media_type, 321)
    with pytest.raises(NotFound):
        image_store.thumbnail("0" * 64, media_type, 320)
    with pytest.raises(NotFound):
        image_store.path("../../../etc/passwd", media_type)
