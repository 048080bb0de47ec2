"""Searches in all pictures of a product: as near as its nearest one, once in the result."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg
import pytest
from pgvector import HalfVector
from PIL import Image

from server.catalog import picture_vectors
from server.db.engine import Database
from server.search.query import Filters, Mode, Query, Views
from server.search.service import SearchService
from tests.factories import DIMENSION, add_image, add_model, add_product, unit_vector
from tests.integration.search.conftest import Vector

PRODUCTS, MOST_FURTHER = 120, 3


@dataclass
class Shop:
    """Products whose pictures lie at random; `vectors` has those of each, the first one first."""

    search: SearchService
    vectors: dict[str, list[Vector]] = field(default_factory=dict)
    cheap: set[str] = field(default_factory=set)

    def nearest(self, query: Vector, skus: set[str] | None = None) -> list[str]:
        """All products by their nearest picture, found the plain way."""
        some = {sku: vectors for sku, vectors in self.vectors.items() if skus is None or sku in skus}
        return sorted(some, key=lambda sku: (1.0 - max(float(vector @ query) for vector in some[sku]), sku))

    def find(self, text: str = "query", **more: Any) -> list[str]:
        return [hit.sku for hit in self.search.by_text(text, Query(**{"limit": 30, "views": Views.ALL, **more})).hits]


def digest_of(sku: str, place: int) -> str:
    return hashlib.sha256(f"{sku}-{place}".encode()).hexdigest()


def add_view(connection: psycopg.Connection, sku: str, place: int, model: int, vector: Vector) -> str:
    sha256 = add_image(connection, digest_of(sku, place))
    connection.execute(
        "INSERT INTO product_picture (sku, sha256, place, alt) VALUES (%s, %s, %s, %s)",
        [sku, sha256, place, f"{sku} from side {place}"],
    )
    connection.execute(
        "INSERT INTO picture_embedding VALUES (%s, %s, %s, %s)", [sku, sha256, model, HalfVector(vector)]
    )
    return sha256


@pytest.fixture
def shop(database: Database, search: SearchService, near: Callable[[float, int], Vector]) -> Shop:
    shop = Shop(search)
    drawn = np.random.default_rng(5)
    with database.connection() as connection:
        model = add_model(connection, digest=search.check_model().digest)  # type: ignore[union-attr]
        for number in range(PRODUCTS):
            sku = f"P-{number:03}"
            first, *further = (
                near(float(distance), number + 10)
                for distance in drawn.uniform(0.1, 1.2, 1 + int(drawn.integers(0, MOST_FURTHER + 1)))
            )
            price = int(drawn.integers(1, 100))
            title = f"{'Striped' if number % 5 == 0 else 'Plain'} thing {number}"
            add_product(connection, sku, title=title, price=price, embedding=first, embedding_model=model)
            for place, vector in enumerate(further, 1):
                add_view(connection, sku, place, model, vector)
            shop.vectors[sku] = [first, *further]
            if price <= 20:
                shop.cheap.add(sku)
    return shop


@pytest.fixture(params=["ranked", "walked"])
def way(request: pytest.FixtureRequest, database: Database, shop: Shop) -> Iterator[str]:
    """All further pictures ranked, or the index walked."""
    if request.param == "ranked":
        yield "ranked"
        return
    request.getfixturevalue("index_only")
    with psycopg.connect(database.url, autocommit=True) as connection:
        row = connection.execute("SELECT id FROM embedding_model").fetchone()
        assert row is not None
        picture_vectors.ensure_index(connection, row[0], DIMENSION)
        connection.execute("ANALYZE picture_embedding, product_search")
        yield "walked"
        connection.execute(f"DROP INDEX {picture_vectors.index_name(row[0])}")


def test_a_product_is_as_near_as_its_nearest_picture(shop: Shop, way: str) -> None:
    assert shop.find(mode=Mode.VECTOR) == shop.nearest(unit_vector(0))[:30]
    assert shop.find(mode=Mode.VECTOR, views=Views.FIRST) != shop.find(mode=Mode.VECTOR)


def test_under_a_filter_as_many_come_as_pass(shop: Shop, way: str) -> None:
    filters = Filters(price_max=20, currency="USD")  # type: ignore[arg-type]
    assert shop.find(filters=filters, mode=Mode.VECTOR) == shop.nearest(unit_vector(0), shop.cheap)[:30]
    assert len(shop.cheap) > 10


def test_a_walk_through_all_pages_gives_each_product_once_in_order(shop: Shop, way: str) -> None:
    found: list[str] = []
    query = Query(limit=7, views=Views.ALL, mode=Mode.VECTOR)
    while True:
        page = shop.search.by_text("query", query)
        found += [hit.sku for hit in page.hits]
        if page.next_cursor is None:
            break
        query = Query(limit=7, views=Views.ALL, mode=Mode.VECTOR, cursor=page.next_cursor)
    assert found == shop.nearest(unit_vector(0))


def test_cut_at_its_end_the_result_goes_on_as_it_began(shop: Shop, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.search.views.MOST_BY_VIEWS", 25)
    nearest = shop.nearest(unit_vector(0))
    first = shop.search.by_text("query", Query(limit=10, views=Views.ALL, mode=Mode.VECTOR))
    more = Query(limit=10, views=Views.ALL, mode=Mode.VECTOR, cursor=first.next_cursor)
    second = shop.search.by_text("query", more)
    assert [hit.sku for hit in (*first.hits, *second.hits)] == nearest[:20]


def test_words_rank_beside_the_nearest_picture(shop: Shop) -> None:
    look = shop.search._current.get().encoder.embed_text("striped")
    found = shop.search.by_text("striped", Query(limit=100, views=Views.ALL, explain=True)).hits
    for hit in found:
        assert hit.parts is not None
        best = max(float(vector @ look) for vector in shop.vectors[hit.sku])
        assert hit.parts.similarity == pytest.approx(best, abs=1e-3)
        assert (hit.parts.text > 0) == ("Striped" in hit.title)
    scores = [hit.parts.score for hit in found if hit.parts is not None]
    assert scores == sorted(scores, reverse=True)
    filtered = shop.search.by_text('query "striped"', Query(limit=100, views=Views.ALL)).hits
    assert {hit.sku for hit in filtered} == {f"P-{number:03}" for number in range(0, PRODUCTS, 5)}


def test_a_hit_tells_the_picture_that_found_it(shop: Shop) -> None:
    query = unit_vector(0)
    hits = shop.search.by_text("query", Query(limit=30, views=Views.ALL, mode=Mode.VECTOR)).hits
    for hit in hits:
        best = int(np.argmax([vector @ query for vector in shop.vectors[hit.sku]]))
        assert (hit.view is None) == (best == 0)
        if hit.view is not None:
            assert hit.view.sha256 == digest_of(hit.sku, best)
            assert hit.view.alt == f"{hit.sku} from side {best}"
            assert hit.distance == pytest.approx(1.0 - float(shop.vectors[hit.sku][best] @ query), abs=1e-3)
    assert {hit.view is None for hit in hits} == {True, False}
    assert all(hit.view is None for hit in shop.search.by_text("query", Query(limit=30, mode=Mode.VECTOR)).hits)


def test_pictures_and_products_are_looked_for_in_all_pictures_too(shop: Shop) -> None:
    picture = Image.new("RGB", (40, 40), "red")
    by_picture = shop.search.by_image(picture, Query(limit=20, views=Views.ALL)).hits
    look = shop.search._current.get().encoder.embed_image(picture)
    assert [hit.sku for hit in by_picture] == shop.nearest(look)[:20]
    like = [hit.sku for hit in shop.search.similar("P-007", Query(limit=20, views=Views.ALL)).hits]
    assert like == [sku for sku in shop.nearest(shop.vectors["P-007"][0]) if sku != "P-007"][:20]


def test_vectors_of_another_model_do_not_count(database: Database, shop: Shop) -> None:
    with database.connection() as connection:
        other = add_model(connection, digest="other", state="previous", dimension=DIMENSION)
        sku = shop.nearest(unit_vector(0))[-1]
        connection.execute("DELETE FROM product_picture WHERE sku = %s", [sku])
        add_view(connection, sku, 9, other, unit_vector(0))
    assert sku not in shop.find(mode=Mode.VECTOR)[:5]


def test_a_hidden_product_is_not_found_by_a_further_picture(database: Database, shop: Shop) -> None:
    sku = shop.nearest(unit_vector(0))[0]
    assert shop.find(mode=Mode.VECTOR)[0] == sku
    with database.connection() as connection:
        connection.execute("UPDATE product SET status = 'hidden' WHERE sku = %s", [sku])
    assert sku not in shop.find(mode=Mode.VECTOR)
