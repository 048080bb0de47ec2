"""What a search returns: the right products, in order, never short, page after page."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from server.db.engine import Database
from server.errors import InvalidCursor, NotFound, OtherModel
from server.search import plan as planning
from server.search.basis import refresh_basis
from server.search.plan import Costs
from server.search.query import Filters, Query, Sort
from server.search.service import SearchService
from tests.factories import add_model, add_product
from tests.fakes import FakeEncoder, fake_manifest

Near = Callable[..., np.ndarray]


@pytest.fixture
def add(database: Database, encoder: FakeEncoder, near: Near) -> Callable[..., None]:
    def make(sku: str, distance: float, **columns: Any) -> None:
        with database.connection() as connection:
            model = add_model(connection, digest=encoder.manifest.digest)
            vector = near(distance, seed=abs(hash(sku)) % 1000 + 1)
            add_product(connection, sku, embedding=vector, embedding_model=model, **columns)

    return make


def skus(search: SearchService, query: Query, text: str = "query") -> list[str]:
    return [hit.sku for hit in search.by_text(text, query).hits]


def walk(search: SearchService, query: Query, text: str = "query") -> list[str]:
    found, cursor = [], None
    while True:
        page = search.by_text(text, replace(query, cursor=cursor))
        found += [hit.sku for hit in page.hits]
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_the_nearest_product_comes_first_with_its_similarity(search: SearchService, add: Callable[..., None]) -> None:
    add("far", 0.8)
    add("near", 0.1)
    page = search.by_text("query", Query())
    assert [hit.sku for hit in page.hits] == ["near", "far"]
    assert page.hits[0].score == pytest.approx(0.9, abs=0.002)
    assert page.total == 2
    assert page.next_cursor is None


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), {"cheap", "dear", "sale", "free", "sold", "unpriced", "euro"}),
        (Filters(price_max=Decimal(50)), {"cheap", "sale", "free", "sold"}),
        (Filters(price_min=Decimal("0.01"), price_max=Decimal(50)), {"cheap", "sale", "sold"}),
        (Filters(price_min=Decimal(100)), {"dear"}),
        (Filters(price_max=Decimal(50), currency="EUR"), {"euro"}),
        (Filters(category="A"), {"cheap", "dear"}),
        (Filters(category="A/B"), {"cheap"}),
        (Filters(category="a"), {"cheap", "dear"}),
        (Filters(category="ab"), {"sale"}),
        (Filters(category="b"), set()),
        (Filters(brands=("Acme",)), {"cheap", "euro"}),
        (Filters(brands=("ACME",)), {"cheap", "euro"}),
        (Filters(brands=("Acm",)), set()),
        (Filters(brands=("Acme", "Zed")), {"cheap", "euro", "dear"}),
        (Filters(in_stock=True), {"cheap", "dear", "sale", "free", "unpriced", "euro"}),
    ],
)
def test_filters_keep_what_a_shopper_means(
    search: SearchService, add: Callable[..., None], filters: Filters, expected: set[str]
) -> None:
    add("cheap", 0.1, price=Decimal(10), category="A/B", brand="Acme", stock=3)
    add("dear", 0.2, price=Decimal(200), category="A/Bc", brand="Zed")
    add("sale", 0.3, price=Decimal(80), sale_price=Decimal(40), category="AB")
    add("free", 0.4, price=Decimal(0))
    add("sold", 0.5, price=Decimal(20), stock=0)
    add("unpriced", 0.6, price=None)
    add("euro", 0.7, price=Decimal(20), currency="EUR", brand="Acme")
    add("hidden", 0.1, status="hidden")
    add("draft", 0.1, status="draft")
    page = search.by_text("query", Query(filters=filters))
    assert {hit.sku for hit in page.hits} == expected
    assert page.total == len(expected)
    assert {hit.sku for hit in search.by_text("", Query(filters=filters)).hits} == expected


@pytest.mark.parametrize("walked", [False, True])
@pytest.mark.parametrize("text", ["query", ""])
@pytest.mark.parametrize("sort", list(Sort))
def test_walking_the_pages_gives_every_product_once(
    search: SearchService,
    add: Callable[..., None],
    request: pytest.FixtureRequest,
    walked: bool,
    text: str,
    sort: Sort,
) -> None:
    if walked:
        request.getfixturevalue("index_only")
    for number in range(45):
        # Some share a price, some a distance, some have no price: the order must not depend on luck.
        price = None if number % 7 == 0 else Decimal(number % 5)
        add(f"P-{number:02}", 0.01 + (number % 9) * 0.1, price=price)
    found = walk(search, Query(limit=7, sort=sort), text)
    assert len(found) == len(set(found)) == 45


def test_the_index_gives_the_same_order_as_ranking_all(
    search: SearchService, add: Callable[..., None], request: pytest.FixtureRequest
) -> None:
    for number in range(60):
        add(f"P-{number:02}", 0.9 - number * 0.01)
    exact = search.by_text("query", Query(limit=20))
    request.getfixturevalue("index_only")
    walked = search.by_text("query", Query(limit=20))
    assert exact.plan.path == "exact"
    assert walked.plan.path == "hnsw"
    assert [hit.sku for hit in walked.hits] == [hit.sku for hit in exact.hits]
    distances = [hit.distance for hit in walked.hits]
    assert distances == sorted(distances, key=lambda distance: distance or 0)


@pytest.mark.parametrize("sketches", [False, True])
@pytest.mark.usefixtures("index_only")
def test_a_filter_that_fights_the_query_still_fills_the_page(
    search: SearchService,
    add: Callable[..., None],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    sketches: bool,
) -> None:
    for number in range(80):
        add(f"near-{number:02}", 0.05 + number * 0.001, brand="popular")
    for number in range(12):
        add(f"far-{number:02}", 0.95 + number * 0.001, brand="rare")
    if sketches:
        assert refresh_basis(database)
        monkeypatch.setattr(search.facts, "costs", lambda: Costs(sketch_start=1000.0))
    monkeypatch.setattr(planning, "EF_SEARCH", 10)
    monkeypatch.setattr(planning, "MARGIN", 0.01)
    page = search.by_text("query", Query(filters=Filters(brands=("rare",)), limit=10))
    assert len(page.hits) == 10
    assert all(hit.brand == "rare" for hit in page.hits)
    assert page.plan.path == ("hnsw_then_sketch" if sketches else "hnsw_then_exact")
    assert page.plan.complete


def test_a_price_sort_keeps_the_relevant_ones(
    search: SearchService, add: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MOST", 3)
    for number, price in enumerate([30, 10, 20, 1, 2]):
        add(f"P{number}", 0.1 + number * 0.1, price=Decimal(price))
    assert skus(search, Query(sort=Sort.PRICE_ASC)) == ["P1", "P2", "P0"]
    assert skus(search, Query(sort=Sort.PRICE_DESC)) == ["P0", "P2", "P1"]


@pytest.mark.parametrize("text", ["query", ""])
def test_a_price_in_another_currency_is_not_compared(
    search: SearchService, add: Callable[..., None], text: str
) -> None:
    add("rupees", 0.1, price=Decimal(5), currency="INR")
    add("dear", 0.2, price=Decimal(90))
    add("unpriced", 0.3, price=None)
    add("cheap", 0.4, price=Decimal(10))
    assert walk(search, Query(sort=Sort.PRICE_ASC, limit=1), text) == ["cheap", "dear", "unpriced", "rupees"]
    assert walk(search, Query(sort=Sort.PRICE_DESC, limit=1), text) == ["dear", "cheap", "unpriced", "rupees"]


def test_a_sorted_page_goes_on_though_products_before_it_are_gone(
    search: SearchService, add: Callable[..., None], database: Database
) -> None:
    for number in range(6):
        add(f"P{number}", 0.1 + number * 0.1, price=Decimal(number))
    first = search.by_text("query", Query(limit=3, sort=Sort.PRICE_ASC))
    with database.connection() as connection:
        connection.execute("DELETE FROM product WHERE sku = 'P1'")
    second = search.by_text("query", Query(limit=3, sort=Sort.PRICE_ASC, cursor=first.next_cursor))
    assert [hit.sku for hit in second.hits] == ["P3", "P4", "P5"]


def test_a_page_goes_on_where_the_last_ended_though_products_come_and_go(
    search: SearchService, add: Callable[..., None], database: Database
) -> None:
    for number in range(10):
        add(f"P{number}", 0.1 + number * 0.05)
    first = search.by_text("query", Query(limit=5))
    add("newcomer", 0.05)
    with database.connection() as connection:
        connection.execute("DELETE FROM product WHERE sku IN ('P2', 'P7')")
    second = search.by_text("query", Query(limit=5, cursor=first.next_cursor))
    assert [hit.sku for hit in second.hits] == ["P5", "P6", "P8", "P9"]


def test_a_cursor_of_another_search_is_refused(search: SearchService, add: Callable[..., None]) -> None:
    for number in range(4):
        add(f"P{number}", 0.1 + number * 0.1)
    cursor = search.by_text("query", Query(limit=2)).next_cursor
    assert cursor is not None
    with pytest.raises(InvalidCursor, match="another search"):
        search.by_text("query", Query(limit=2, cursor=cursor, filters=Filters(in_stock=True)))
    for altered in (cursor[:-2], "nonsense", "é" * 20, cursor.replace(".", "", 1)):
        with pytest.raises(InvalidCursor):
            search.by_text("query", Query(cursor=altered))


def test_similar_leaves_the_product_itself_out(search: SearchService, add: Callable[..., None]) -> None:
    add("a", 0.1)
    add("b", 0.1)
    add("c", 0.9)
    page = search.similar("a", Query())
    assert "a" not in [hit.sku for hit in page.hits]
    assert page.total == 2
    with pytest.raises(NotFound):
        search.similar("nobody", Query())


def test_a_catalogue_whose_model_is_not_installed_is_not_searched(database: Database, search: SearchService) -> None:
    other = FakeEncoder(fake_manifest(64, name="other"))
    with pytest.raises(OtherModel, match=r"model test \(1\), which is not installed here\. .*`vitrine models add`"):
        SearchService(database, other, "0123456789abcdef", "USD").by_text("query", Query())


def test_the_shop_speaks_the_currency_that_most_products_have(database: Database, encoder: FakeEncoder) -> None:
    with database.connection() as connection:
        for number in range(3):
            add_product(connection, f"I{number}", currency="INR", price=Decimal(1500))
        add_product(connection, "D", currency="USD", price=Decimal(15))
    search = SearchService(database, encoder, "0123456789abcdef", None)
    page = search.by_text("", Query(filters=Filters(price_max=Decimal(2000))))
    assert page.currency == "INR"
    assert page.total == 3


def test_categories_count_what_lies_below_them(search: SearchService, add: Callable[..., None]) -> None:
    add("a", 0.1, category="A/B")
    add("b", 0.1, category="A/C")
    add("c", 0.1, category="A", status="hidden")
    assert search.facts.categories() == [("A", 2), ("A/B", 1), ("A/C", 1)]


def test_an_empty_catalogue_answers(search: SearchService) -> None:
    for sort in Sort:
        page = search.by_text("query", Query(sort=sort))
        assert (page.hits, page.total, page.next_cursor) == ([], 0, None)


def test_a_result_that_was_cut_says_so_though_its_variants_were_joined(
    search: SearchService, add: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "MOST", 4)
    for number in range(8):
        add(f"p{number}", 0.1, item_group="one" if number else None)
    page = search.by_text("", Query(collapse=True))
    assert page.total == 1
    assert not page.total_is_exact
