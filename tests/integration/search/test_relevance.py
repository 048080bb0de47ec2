"""What is relevant, and what words count beside the look, on the real database."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from server.db.engine import Database
from server.search.query import Mode, Query
from server.search.refresh import refresh_search
from server.search.service import ResultPage, SearchService
from tests.factories import add_model, add_product, unit_vector
from tests.fakes import FakeEncoder

Near = Callable[..., np.ndarray]
LOOKS = {"best", "good"}
ALIKE = Query(relevant_only=True, limit=100)


@pytest.fixture
def shop(database: Database, search: SearchService, encoder: FakeEncoder, near: Near) -> SearchService:
    """220 products that look like nothing in particular, among them four that say "query" and one of a rare brand.

    Three look like the query, each less than the one before.
    """
    with database.connection() as connection:
        model = add_model(connection, digest=encoder.manifest.digest)
        for number in range(220):
            says = {"title": "query"} if number < 2 else {"description": "A query"} if number < 4 else {}
            brand = "Rarest" if number == 4 else "Common"
            vector = unit_vector(1000 + number)
            add_product(connection, f"P-{number:03}", embedding=vector, embedding_model=model, brand=brand, **says)
        for sku, distance in (("best", 0.1), ("good", 0.25), ("fair", 0.55)):
            add_product(connection, sku, title="Vase", embedding=near(distance, seed=7), embedding_model=model)
    refresh_search(database)
    search.words.update()
    return search


def skus(page: ResultPage) -> list[str]:
    return [hit.sku for hit in page.hits]


def test_looks_far_below_the_best_one_are_cut_and_words_never(shop: SearchService) -> None:
    found = set(skus(shop.by_text("query", ALIKE)))
    assert found == {*LOOKS, "P-000", "P-001", "P-002", "P-003"}
    assert set(skus(shop.by_text("query", replace(ALIKE, mode=Mode.VECTOR)))) == LOOKS


def test_the_total_counts_what_is_relevant(shop: SearchService) -> None:
    page = shop.by_text("query", replace(ALIKE, limit=2))
    assert (page.total, len(page.hits)) == (6, 2)


def test_what_the_shop_does_not_sell_finds_hardly_anything_relevant(shop: SearchService) -> None:
    assert len(shop.by_text("asdf qwerty", ALIKE).hits) < 3
    assert len(shop.by_text("asdf qwerty", Query()).hits) == 24


def test_a_named_brand_is_relevant_whatever_it_looks_like(shop: SearchService) -> None:
    assert skus(shop.by_text("rarest", ALIKE))[0] == "P-004"


def test_later_pages_cut_where_the_first_one_did(shop: SearchService, database: Database) -> None:
    first = shop.by_text("query", replace(ALIKE, limit=3))
    shown = set(skus(first))
    # Without the best look the cutoff would be lower by now.
    with database.connection() as connection:
        connection.execute("UPDATE product SET status = 'hidden' WHERE sku = 'best'")
    found, cursor = set(shown), first.next_cursor
    while cursor is not None:
        page = shop.by_text("query", replace(ALIKE, limit=3, cursor=cursor))
        found |= set(skus(page))
        cursor = page.next_cursor
    assert found | {"best"} == {*LOOKS, "P-000", "P-001", "P-002", "P-003"}


def test_words_alone_cut_nothing_that_has_them(shop: SearchService) -> None:
    assert set(skus(shop.by_text("query", replace(ALIKE, mode=Mode.TEXT)))) == {"P-000", "P-001", "P-002", "P-003"}


def test_a_title_tells_more_than_a_description(shop: SearchService) -> None:
    found = skus(shop.by_text("query", Query(mode=Mode.TEXT)))
    assert found == ["P-000", "P-001", "P-002", "P-003"]


def test_in_a_small_shop_nothing_is_cut(
    database: Database, search: SearchService, encoder: FakeEncoder, near: Near
) -> None:
    with database.connection() as connection:
        model = add_model(connection, digest=encoder.manifest.digest)
        for number in range(5):
            vector = near(0.1 + 0.2 * number)
            add_product(connection, f"P-{number}", embedding=vector, embedding_model=model)
    assert len(search.by_text("query", ALIKE).hits) == 5
