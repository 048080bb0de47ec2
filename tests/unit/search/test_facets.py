"""What a result is counted by."""

from decimal import Decimal

from server.search.facets import Count, FacetRow, count_facets
from server.search.query import Facet


def row(sku: str, colour: str, price: int = 10, stock: int | None = None) -> FacetRow:
    return FacetRow(sku, "Acme", "Apparel/Shirts", Decimal(price), "USD", stock, [f"colour={colour}"])


SHIRTS = [row("red", "red", 10, 0), row("blue", "blue", 20, 3), row("other", "red", 30)]


def test_products_are_counted_by_each_of_their_values() -> None:
    found = count_facets(SHIRTS, tuple(Facet), "USD")
    assert found.brand == [Count("Acme", 3)]
    assert found.category == [Count("Apparel", 3), Count("Apparel/Shirts", 3)]
    assert found.attributes == {"colour": [Count("red", 2), Count("blue", 1)]}
    assert found.in_stock == 2
    assert (found.lowest, found.highest) == (10, 30)


def test_of_variants_that_are_shown_as_one_each_counts_where_it_would_be_shown() -> None:
    variants = {"red": "shirt", "blue": "shirt"}
    found = count_facets(SHIRTS, tuple(Facet), "USD", variants, {"red", "other"})
    assert found.brand == [Count("Acme", 2)]
    assert found.category == [Count("Apparel", 2), Count("Apparel/Shirts", 2)]
    assert found.attributes == {"colour": [Count("red", 2), Count("blue", 1)]}
    assert found.in_stock == 2
    assert (found.lowest, found.highest) == (10, 30)
    assert sum(bar.products for bar in found.price or []) == 2


def test_nothing_is_counted_that_nobody_asked_for() -> None:
    found = count_facets(SHIRTS, (Facet.BRAND,), "USD")
    assert (found.category, found.price, found.in_stock, found.attributes, found.lowest) == (None,) * 5
