"""Rules that somebody made for a query: what stands where, for whom, how long, and that pages stay one result."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from server.db.engine import Database
from server.errors import InvalidInput, NotFound
from server.search.merchandising.editing import NewRule, add_rule, delete_rule, enable_rule, is_safe_target, list_rules
from server.search.merchandising.rules import Kind
from server.search.query import Filters, Mode, Query, Sort
from server.search.service import SearchService
from tests.factories import add_model, add_product
from tests.integration.search.conftest import Vector

NOW = datetime.datetime.now(datetime.UTC)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def shop(database: Database, search: SearchService, near: Callable[[float], Vector]) -> SearchService:
    """P-00 is the nearest to "query", P-29 the farthest; every third is of Acme, every fourth a bag."""
    with database.connection() as connection:
        model = add_model(connection, digest=search.check_model().digest)  # type: ignore[union-attr]
        for number in range(30):
            add_product(
                connection,
                f"P-{number:02}",
                title=f"Thing {number}",
                brand="Acme" if number % 3 == 0 else "Other",
                category="Bags/Small" if number % 4 == 0 else "Shoes",
                price=number + 1,
                embedding=near(0.05 + number * 0.02),
                embedding_model=model,
            )
    return search


def rule(database: Database, kind: str, query: str = "query", **more: Any) -> int:
    with database.connection() as connection:
        return add_rule(connection, NewRule(Kind(kind), query, **more), "ann")


def find(search: SearchService, text: str = "query", **more: Any) -> list[str]:
    search.rules.forget()
    return [hit.sku for hit in search.by_text(text, Query(**{"limit": 30, **more})).hits]


def test_pinned_products_stand_first_in_their_order(database: Database, shop: SearchService) -> None:
    usual = find(shop)
    rule(database, "pin", sku="P-20", place=2)
    rule(database, "pin", sku="P-25", place=1)
    pinned = find(shop)
    assert pinned[:2] == ["P-25", "P-20"]
    assert pinned[2:] == [sku for sku in usual if sku not in ("P-25", "P-20")]
    assert find(shop, merchandise=False) == usual
    assert find(shop, mode=Mode.VECTOR) == usual


def test_a_pinned_product_needs_neither_look_nor_words(database: Database, shop: SearchService) -> None:
    with database.connection() as connection:
        connection.execute("INSERT INTO product (sku, title, currency) VALUES ('NEW', 'Not embedded', 'USD')")
    assert "NEW" not in find(shop)
    rule(database, "pin", sku="NEW", place=1)
    assert find(shop)[0] == "NEW"
    assert find(shop, mode=Mode.TEXT)[0] == "NEW"


def test_a_pin_passes_no_filter(database: Database, shop: SearchService) -> None:
    rule(database, "pin", sku="P-20", place=1)
    found = find(shop, filters=Filters(brands=("Acme",)))
    assert "P-20" not in found
    with database.connection() as connection:
        connection.execute("UPDATE product SET status = 'hidden' WHERE sku = 'P-20'")
    assert "P-20" not in find(shop)


def test_a_buried_product_is_last_and_still_there(database: Database, shop: SearchService) -> None:
    usual = find(shop)
    rule(database, "bury", sku=usual[0])
    assert find(shop) == [*usual[1:], usual[0]]


def test_a_boost_moves_a_product_a_brand_or_a_category(database: Database, shop: SearchService) -> None:
    usual = find(shop)
    number = rule(database, "boost", brand="Acme", points=3)
    assert find(shop).index("P-27") < usual.index("P-27")
    assert find(shop).index("P-26") >= usual.index("P-26")
    with database.connection() as connection:
        delete_rule(connection, number, "ann")
    number = rule(database, "boost", category="Bags", points=3)
    assert find(shop).index("P-28") < usual.index("P-28")
    with database.connection() as connection:
        delete_rule(connection, number, "ann")
    rule(database, "boost", sku="P-00", points=-10)
    assert find(shop).index("P-00") > 0


def test_explain_names_the_rule(database: Database, shop: SearchService) -> None:
    number = rule(database, "pin", sku="P-20", place=1)
    shop.rules.forget()
    first = shop.by_text("query", Query(explain=True)).hits[0]
    assert first.parts is not None
    assert first.parts.rules == (f"pin {number}",)


@pytest.mark.parametrize(
    ("made_for", "whole", "typed", "holds"),
    [
        ("Red  Shoes", True, "red shoes", True),
        ("red shoes", True, "RED shoes under 50", True),
        ("red shoes", True, "big red shoes", False),
        ("red shoes", False, "big red leather shoes", True),
        ("red shoes", False, "shoes", False),
        ("red shoes", False, "red shoe", False),
        ("shoes", False, "-shoes bags", False),
    ],
)
def test_which_queries_a_rule_holds_for(
    database: Database, shop: SearchService, made_for: str, whole: bool, typed: str, holds: bool
) -> None:
    rule(database, "redirect", made_for, whole=whole, target="/?category=Shoes")
    shop.rules.forget()
    page = shop.by_text(typed, Query())
    assert (page.redirect is not None) == holds


def test_a_rule_holds_for_its_time(database: Database, shop: SearchService) -> None:
    rule(database, "pin", sku="P-20", place=1, ends_at=NOW - HOUR)
    rule(database, "pin", sku="P-21", place=1, starts_at=NOW + HOUR)
    assert find(shop)[0] == "P-00"
    rule(database, "pin", sku="P-22", place=1, starts_at=NOW - HOUR, ends_at=NOW + HOUR)
    assert find(shop)[0] == "P-22"
    with database.connection() as connection:
        assert [one.state(NOW) for one in list_rules(connection)] == ["over", "to come", "on"]


def test_a_rule_rests_and_holds_again(database: Database, shop: SearchService) -> None:
    number = rule(database, "pin", sku="P-20", place=1)
    with database.connection() as connection:
        enable_rule(connection, number, False, "bob")
    assert find(shop)[0] == "P-00"
    with database.connection() as connection:
        enable_rule(connection, number, True, "bob")
    assert find(shop)[0] == "P-20"
    with database.connection() as connection:
        told = connection.execute("SELECT actor, action, subject FROM audit_entry ORDER BY id").fetchall()
    assert told == [
        ("ann", "rule added", f"rule {number}"),
        ("bob", "rule switched off", f"rule {number}"),
        ("bob", "rule switched on", f"rule {number}"),
    ]


@pytest.mark.parametrize("limit", [1, 4, 7])
@pytest.mark.parametrize("mode", [Mode.HYBRID, Mode.TEXT])
def test_pages_are_one_result_though_rules_change_on_the_way(
    database: Database, shop: SearchService, limit: int, mode: Mode
) -> None:
    text = "query" if mode is Mode.HYBRID else "thing"
    rule(database, "pin", text, sku="P-20", place=1)
    rule(database, "pin", text, sku="P-05", place=2)
    buried = rule(database, "bury", text, sku="P-01")
    rule(database, "boost", text, category="Bags", points=3)
    whole = find(shop, text, mode=mode)
    walked: list[str] = []
    cursor = None
    while True:
        page = shop.by_text(text, Query(limit=limit, cursor=cursor, mode=mode))
        walked += [hit.sku for hit in page.hits]
        cursor = page.next_cursor
        if cursor is None:
            break
        # Somebody changes the rules while a shopper turns pages.
        with database.connection() as connection:
            enable_rule(connection, buried, len(walked) % 2 == 0, "ann")
        shop.rules.forget()
    assert walked == whole
    assert len(whole) == len(set(whole)) == 30


def test_the_order_by_price_knows_no_rules(database: Database, shop: SearchService) -> None:
    rule(database, "pin", sku="P-20", place=1)
    assert find(shop, sort=Sort.PRICE_ASC)[0] == "P-00"


def test_beside_a_product_and_to_browse_there_are_no_rules(database: Database, shop: SearchService) -> None:
    rule(database, "redirect", "query", target="/")
    rule(database, "pin", sku="P-20", place=1)
    shop.rules.forget()
    assert shop.like_but("P-03", "query", Query()).redirect is None
    assert shop.by_text("", Query()).redirect is None


@pytest.mark.parametrize(
    ("kind", "more", "field"),
    [
        ("pin", {"place": 1}, "sku"),
        ("pin", {"sku": "P-00"}, "place"),
        ("pin", {"sku": "P-00", "place": 101}, "place"),
        ("pin", {"sku": "gone", "place": 1}, "sku"),
        ("bury", {}, "sku"),
        ("boost", {"sku": "P-00"}, "points"),
        ("boost", {"sku": "P-00", "points": 11.0}, "points"),
        ("boost", {"points": 1.0}, "sku"),
        ("boost", {"points": 1.0, "brand": "Acme", "category": "Bags"}, "sku"),
        ("redirect", {"target": "javascript:alert(1)"}, "target"),
        ("pin", {"sku": "P-00", "place": 1, "starts_at": NOW, "ends_at": NOW - HOUR}, "ends_at"),
    ],
)
def test_what_is_wrong_is_said_by_field(
    database: Database, shop: SearchService, kind: str, more: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput, match=rf"^{field}: "):
        rule(database, kind, **more)
    for query in ("", "  ", "x" * 201):
        with pytest.raises(InvalidInput, match=r"^query: "):
            rule(database, "redirect", query, target="/")
    with pytest.raises(NotFound), database.connection() as connection:
        delete_rule(connection, 12345, "ann")


@pytest.mark.parametrize(
    ("target", "is_safe"),
    [
        ("/?category=Bags", True),
        ("/p/A-1", True),
        ("https://other.example/page?a=b", True),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("https://", False),
        ("bags", False),
        ("/a b", False),
        ("", False),
        ("http://[", False),
    ],
)
def test_shoppers_are_sent_to_pages_alone(target: str, is_safe: bool) -> None:
    assert is_safe_target(target) is is_safe


def test_a_rule_makes_nothing_relevant_or_irrelevant(
    database: Database, search: SearchService, near: Callable[[float], Vector], monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.connection() as connection:
        model = add_model(connection, digest=search.check_model().digest)  # type: ignore[union-attr]
        for number in range(20):
            distance = 0.1 if number < 5 else 0.9
            add_product(connection, f"P-{number:02}", brand="Acme", embedding=near(distance), embedding_model=model)
    monkeypatch.setattr("server.search.result_set.cutoff_of", lambda scored, products: 10.0)
    assert sorted(find(search, relevant_only=True)) == [f"P-{number:02}" for number in range(5)]
    rule(database, "boost", brand="Acme", points=3.0)
    rule(database, "bury", sku="P-00")
    rule(database, "pin", sku="P-19", place=1)
    found = find(search, relevant_only=True)
    assert found[0] == "P-19"
    assert found[-1] == "P-00"
    assert len(found) == 6


@pytest.mark.parametrize(
    ("target", "whole", "leads_back"),
    [
        ("/?q=query&category=Shoes", True, True),
        ("/?q=big+query", False, True),
        ("/?q=big+query", True, False),
        ("/?category=Shoes", False, False),
        ("https://other.example/?q=query", False, False),
    ],
)
def test_no_redirect_leads_to_itself(
    database: Database, shop: SearchService, target: str, whole: bool, leads_back: bool
) -> None:
    if leads_back:
        with pytest.raises(InvalidInput, match=r"^target: "):
            rule(database, "redirect", target=target, whole=whole)
    else:
        assert rule(database, "redirect", target=target, whole=whole) > 0


def test_a_boost_takes_the_catalogue_s_spelling(database: Database, shop: SearchService) -> None:
    rule(database, "boost", brand="acme", points=3)
    rule(database, "boost", category="bags", points=3)
    rule(database, "boost", category="BAGS/small", points=1)
    with database.connection() as connection:
        made = {(one.brand, one.category) for one in list_rules(connection)}
    assert made == {("Acme", None), (None, "Bags"), (None, "Bags/Small")}


@pytest.mark.parametrize(("field", "typed"), [("brand", "Nobody"), ("category", "Bags/Nope"), ("category", "Bag")])
def test_a_boost_that_would_do_nothing_is_refused(
    database: Database, shop: SearchService, field: str, typed: str
) -> None:
    with pytest.raises(InvalidInput, match=rf"^{field}: No product in the shop .*{typed}\."):
        rule(database, "boost", points=3, **{field: typed})


def test_the_same_boost_and_the_same_place_are_given_once(database: Database, shop: SearchService) -> None:
    number = rule(database, "boost", brand="Acme", points=3)
    with pytest.raises(InvalidInput, match=r"^brand: Acme has a boost for this query already"):
        rule(database, "boost", brand="ACME", points=5)
    with database.connection() as connection:
        enable_rule(connection, number, False, "ann")
    with pytest.raises(InvalidInput, match=r"It is switched off\."):
        rule(database, "boost", brand="Acme", points=3)
    rule(database, "pin", sku="P-01", place=1)
    with pytest.raises(InvalidInput, match=r"^place: At place 1 of this query P-01 is pinned already\."):
        rule(database, "pin", sku="P-02", place=1)
    with pytest.raises(InvalidInput, match=r"^sku: P-01 is pinned"):
        rule(database, "pin", sku="P-01", place=2)
    rule(database, "redirect", target="/?category=Bags")
    with pytest.raises(InvalidInput, match=r"^target: This query leads to a page already"):
        rule(database, "redirect", target="/?category=Shoes")
    # Other words, another kind, another place.
    rule(database, "boost", "other", brand="Acme", points=3)
    rule(database, "pin", sku="P-02", place=2)
    rule(database, "bury", sku="P-01")


def test_a_place_is_free_at_another_time(database: Database, shop: SearchService) -> None:
    rule(database, "pin", sku="P-01", place=1, starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)
    rule(database, "pin", sku="P-02", place=1, ends_at=NOW + HOUR)
    rule(database, "pin", sku="P-03", place=1, starts_at=NOW + 2 * HOUR)
    with pytest.raises(InvalidInput, match=r"^place: "):
        rule(database, "pin", sku="P-04", place=1, starts_at=NOW + 1.5 * HOUR)
