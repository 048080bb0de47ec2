"""One result set: pages, totals, facets, orders and page sizes all tell the same, also while the catalogue changes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.db.engine import Database
from server.search import plan as planning
from server.search.basis import refresh_basis
from server.search.query import Facet, Filters, Mode, Query, Sort
from server.search.service import Hit, ResultPage, SearchService
from tests.factories import add_model, add_product, unit_vector
from tests.fakes import FakeEncoder

COLOURS = ("red", "blue", "green")
KINDS = ("shirt", "shoe")
FACETS = (Facet.BRAND, Facet.CATEGORY, Facet.PRICE, Facet.STOCK, Facet.ATTRIBUTES)
# As many as a result holds in these tests, so that some are cut.
MOST = 25


@dataclass(frozen=True)
class Catalogue:
    """Products by number; what differs between them is drawn."""

    numbers: list[int]
    seed: int

    def columns(self, number: int) -> dict[str, Any]:
        rng = np.random.default_rng([self.seed, number])
        colour, kind = COLOURS[rng.integers(3)], KINDS[rng.integers(2)]
        price = None if rng.random() < 0.1 else Decimal(int(rng.integers(1, 6)) * 10)
        return {
            # Few vectors for many products: equal distances must not shake the order.
            "embedding": unit_vector(int(rng.integers(1, 9))),
            "title": f"{colour} {kind}" + (" of cotton" if rng.random() < 0.5 else ""),
            "brand": ["Acme", "Zed", None][rng.integers(3)],
            "category": f"Apparel/{kind}",
            "price": price,
            "currency": "USD" if rng.random() < 0.9 else "EUR",
            "stock": [None, 0, 3][rng.integers(3)],
            "item_group": [None, "a", "b", "c"][rng.integers(4)],
            "attributes": {"colour": colour},
        }


catalogues = st.builds(Catalogue, st.lists(st.integers(0, 80), min_size=1, max_size=45, unique=True), st.integers(0, 5))
queries = st.builds(
    Query,
    filters=st.builds(
        Filters,
        brands=st.sampled_from([(), ("Acme",), ("Acme", "Zed")]),
        in_stock=st.booleans(),
        price_max=st.sampled_from([None, Decimal(30)]),
        attributes=st.sampled_from([(), (("colour", "red"),), (("colour", "red"), ("colour", "blue"))]),
    ),
    sort=st.sampled_from(list(Sort)),
    limit=st.integers(1, 12),
    mode=st.sampled_from(list(Mode)),
    relevant_only=st.booleans(),
    collapse=st.booleans(),
    facets=st.sampled_from([(), FACETS]),
)
texts = st.sampled_from(["query", "red shirt", "green cotton shoe", "shirt -red", "", '"of cotton" under 40'])
ways = st.sampled_from(["exact", "sketch", "hnsw"])


@pytest.fixture
def fill(database: Database, encoder: FakeEncoder) -> Callable[[Catalogue], None]:
    def make(catalogue: Catalogue) -> None:
        with database.connection() as connection:
            connection.execute("DELETE FROM product")
            model = add_model(connection, digest=encoder.manifest.digest)
            for number in catalogue.numbers:
                add_product(connection, f"P{number:02}", embedding_model=model, **catalogue.columns(number))

    return make


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch, database: Database, search: SearchService) -> Callable[[str], None]:
    """Have searches go one way."""
    monkeypatch.setattr(planning, "MOST", MOST)

    def choose(way: str) -> None:
        monkeypatch.setattr(planning, "EXACT_ROWS", 1_000 if way == "exact" else 2)
        monkeypatch.setattr(planning, "EXACT_ROWS_WITHOUT_SKETCHES", 1_000 if way == "exact" else 2)
        cost = planning.Costs(walk_start=0.0 if way == "hnsw" else 1e6, sketch_start=1e3)
        monkeypatch.setattr(search.facts, "costs", lambda: cost)
        if way == "sketch":
            refresh_basis(database)

    return choose


def walk(
    search: SearchService, text: str, query: Query, between: Callable[[], None] = lambda: None
) -> tuple[list[Hit], list[ResultPage]]:
    hits: list[Hit] = []
    pages: list[ResultPage] = []
    cursor = None
    while True:
        pages.append(search.by_text(text, replace(query, cursor=cursor)))
        hits += pages[-1].hits
        cursor = pages[-1].next_cursor
        if cursor is None:
            return hits, pages
        assert len(pages) < 200
        between()


several = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@several
@given(catalogues, texts, queries, ways)
def test_a_walk_gives_the_whole_result_once(
    search: SearchService,
    fill: Callable[[Catalogue], None],
    go: Callable[[str], None],
    catalogue: Catalogue,
    text: str,
    query: Query,
    way: str,
) -> None:
    fill(catalogue)
    go(way)
    hits, pages = walk(search, text, query)
    skus = [hit.sku for hit in hits]
    assert len(skus) == len(set(skus))
    assert {page.total for page in pages} == {len(hits)}
    assert {page.total_is_exact for page in pages} == {pages[0].total_is_exact}
    # Another page size, and all at once.
    for limit in (3, 100):
        assert [hit.sku for hit in walk(search, text, replace(query, limit=limit))[0]] == skus
    # Another order is one of the same products, where anything but the order decides which they are.
    if text and query.mode is not Mode.TEXT:
        other = walk(search, text, replace(query, sort=Sort.PRICE_ASC))[0]
        assert {hit.sku for hit in other} == set(skus) or not any(hit.distance is not None for hit in hits)


@several
@given(catalogues, texts, queries)
def test_facets_count_the_hits_of_the_walk(
    search: SearchService,
    fill: Callable[[Catalogue], None],
    go: Callable[[str], None],
    catalogue: Catalogue,
    text: str,
    query: Query,
) -> None:
    # Joined variants are counted by what a filter would show, which test_search.py looks at.
    query = replace(query, facets=FACETS, collapse=False)
    fill(catalogue)
    go("exact")
    hits, pages = walk(search, text, query)
    for page in pages:
        facets = page.facets
        assert facets is not None
        assert {one.value: one.products for one in facets.brand or []} == Counter(h.brand for h in hits if h.brand)
        below = Counter(path for hit in hits for path in ("Apparel", hit.category))
        assert {one.value: one.products for one in facets.category or []} == below
        assert facets.in_stock == sum(1 for hit in hits if hit.stock != 0)
        priced = [hit.current_price for hit in hits if hit.currency == "USD" and hit.current_price is not None]
        assert sum(bar.products for bar in facets.price or []) == len(priced)
        for bar in facets.price or []:
            assert bar.products == sum(1 for price in priced if bar.low <= price < bar.high)
        colours = Counter(catalogue.columns(int(hit.sku[1:]))["attributes"]["colour"] for hit in hits)
        told = {one.value: one.products for one in (facets.attributes or {}).get("colour", [])}
        assert told == (colours if len(colours) > 1 else {})


@several
@given(catalogues, texts, queries, ways, st.data())
def test_a_walk_while_products_come_and_go_gives_those_that_stayed_once(
    search: SearchService,
    database: Database,
    fill: Callable[[Catalogue], None],
    go: Callable[[str], None],
    catalogue: Catalogue,
    text: str,
    query: Query,
    way: str,
    data: st.DataObject,
) -> None:
    query = replace(query, collapse=False)
    fill(catalogue)
    go(way)
    before = [hit.sku for hit in walk(search, text, query)[0]]
    fresh = iter(range(1_000, 2_000))
    deleted: set[str] = set()
    reached: list[str] = []

    def change() -> None:
        with database.connection() as connection:
            model = add_model(connection, digest=search.check_model().digest)  # type: ignore[union-attr]
            for action in data.draw(st.lists(st.sampled_from(["add", "delete", "text"]), max_size=3)):
                if action == "add":
                    number = next(fresh)
                    add_product(connection, f"P{number}", embedding_model=model, **catalogue.columns(number))
                elif action == "delete":
                    number = data.draw(st.sampled_from(catalogue.numbers))
                    connection.execute("DELETE FROM product WHERE sku = %s", (f"P{number:02}",))
                    deleted.add(f"P{number:02}")
                else:
                    connection.execute("UPDATE product SET description = 'said otherwise'")

    hits, _ = walk(search, text, query, change)
    reached = [hit.sku for hit in hits]
    assert len(reached) == len(set(reached))
    missing = set(before) - set(reached) - deleted
    assert not missing
