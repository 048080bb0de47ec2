"""search_products and its kin find what the shop's own search finds, complete whatever the filter and the way."""

from decimal import Decimal
from typing import Any

import numpy as np
import psycopg
import pytest

from server.search import plan as planning
from server.search.query import Filters, Mode, Query
from tests.factories import DIMENSION, unit_vector
from tests.integration.sql_surface.conftest import Team

COLOURS = ("red", "blue", "green", "black")
KINDS = ("shirt", "mug", "shoe", "bag", "hat")


@pytest.fixture
def shop(team: Team) -> Team:
    """120 products of 20 looks, with sketches."""
    for number in range(120):
        colour, kind = COLOURS[number % 4], KINDS[number % 5]
        look = team.encoder.embed_text(f"{colour} {kind}") + 0.3 * unit_vector(number)
        team.add(
            f"P-{number:03d}", embedding=look / np.linalg.norm(look), title=f"{colour} {kind} {number}",
            price=Decimal(number), category=f"Things/{kind.title()}s", brand=colour.title(), stock=number % 3,
        )  # fmt: skip
    team.know("red shirt", "blue mug", "red")
    team.install()
    team.sketch()
    return team


CASES: list[tuple[str, dict[str, Any], Filters]] = [
    ("everything", {}, Filters()),
    ("price", {"max_price": 40}, Filters(price_max=Decimal(40), currency="USD")),
    ("band", {"min_price": 10, "max_price": 60}, Filters(price_min=Decimal(10), price_max=Decimal(60), currency="USD")),
    ("category", {"category": "Things/Mugs"}, Filters(category="Things/Mugs")),
    ("its beginning", {"category": "Things"}, Filters(category="Things")),
    ("its capitals", {"category": "things/mugs"}, Filters(category="things/mugs")),
    ("brand", {"brand": "green"}, Filters(brands=("green",))),
    ("stock", {"in_stock": True}, Filters(in_stock=True)),
    ("a few", {"brand": "Red", "max_price": 9}, Filters(brands=("Red",), price_max=Decimal(9), currency="USD")),
    ("nothing", {"brand": "Nobody"}, Filters(brands=("Nobody",))),
    ("another currency", {"max_price": 40, "currency": "EUR"}, Filters(price_max=Decimal(40), currency="EUR")),
]


def find(team: Team, query: str, k: int = 20, **filters: Any) -> list[tuple[Any, ...]]:
    named = "".join(f", {name} => %({name})s" for name in filters)
    return team.ask(
        f"SELECT sku, rank, distance, score, path FROM search_products(%(query)s, k => %(k)s{named})",  # noqa: S608
        {"query": query, "k": k, **filters},
    )


WAYS: dict[str, dict[str, Any]] = {
    "exact": {},
    "sketch": {"EXACT_ROWS": 0, "costs": planning.Costs(walk_start=1000.0)},
    "hnsw": {"EXACT_ROWS": 0, "costs": planning.Costs(sketch_start=1000.0)},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_same_products_in_the_same_order_as_by_http(shop: Team, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    def ask(filters: Filters) -> list[Any]:
        query = Query(filters=filters, limit=20, mode=Mode.VECTOR, parse=False)
        return list(shop.search.by_text("red shirt", query).hits)

    expected = {name: ask(filters) for name, _, filters in CASES}
    choose(shop, monkeypatch, way)
    for name, given, _ in CASES:
        found, hits = find(shop, "red shirt", **given), expected[name]
        assert [row[0] for row in found] == [hit.sku for hit in hits], name
        assert [row[1] for row in found] == list(range(1, len(found) + 1)), name
        np.testing.assert_allclose([row[2] for row in found], [1 - hit.score for hit in hits], atol=1e-3)
        if name not in ("nothing", "another currency"):
            assert found, name
            assert {row[4].split("_")[0] for row in found} == {way}, name


def choose(team: Team, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Have every filter go this way."""
    how = dict(WAYS[way])
    costs = how.pop("costs", None)
    for constant, value in how.items():
        monkeypatch.setattr(planning, constant, value)
    team.install()
    if costs is not None:
        with team.database.connection() as connection:
            values = psycopg.types.json.Jsonb(vars(costs))
            connection.execute("UPDATE search_settings SET costs = %s", [values])


def test_a_filter_that_fights_the_query_still_fills_the_page(shop: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(shop, monkeypatch, "hnsw")
    # Two candidates are kept, and of the nearest none passes.
    monkeypatch.setattr(planning, "EF_SEARCH", 2)
    monkeypatch.setattr(planning, "MARGIN", 0.01)
    shop.install()
    with shop.database.connection() as connection:
        # Among so few rows Postgres would rather sort them all.
        for setting in ("enable_sort", "enable_seqscan"):
            connection.execute(f"ALTER DATABASE {connection.info.dbname} SET {setting} = off")
    found = find(shop, "red shirt", k=10, brand="Blue")
    assert len(found) == 10
    assert {row[4] for row in found} == {"hnsw_then_sketch"}
    best = shop.search.by_text("red shirt", Query(filters=Filters(brands=("Blue",)), limit=10, mode=Mode.VECTOR))
    assert [row[0] for row in found] == [hit.sku for hit in best.hits]


def test_the_analysts_own_settings_are_as_before_a_search(shop: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(shop, monkeypatch, "hnsw")
    with shop.login() as connection, connection.transaction():
        connection.execute("SET LOCAL hnsw.ef_search = 55")
        rows = connection.execute("SELECT path FROM search_products('red shirt', k => 3)").fetchall()
        assert {path for (path,) in rows} == {"hnsw"}
        after = [connection.execute(f"SHOW {name}").fetchone() for name in ("hnsw.ef_search", "hnsw.iterative_scan")]
    assert after == [("55",), ("relaxed_order",)]


def test_a_search_writes_nothing(shop: Team) -> None:
    with shop.login() as connection:
        connection.execute("SET default_transaction_read_only = on")
        assert connection.execute("SELECT count(*) FROM search_products('red shirt', max_price => 50)").fetchone() == (
            20,
        )
        assert connection.execute("SELECT count(*) FROM similar_products('P-001', 5)").fetchone() == (5,)


def test_scores_are_those_of_the_shop(shop: Team) -> None:
    expected = shop.search.by_text("red shirt", Query(limit=5, mode=Mode.VECTOR, explain=True))
    found = find(shop, "red shirt", k=5)
    assert [row[3] for row in found] == pytest.approx([hit.parts.z for hit in expected.hits if hit.parts], rel=0.01)


def test_similar_products_leave_out_the_product_itself(shop: Team) -> None:
    expected = shop.search.similar("P-004", Query(limit=6))
    found = shop.ask("SELECT sku FROM similar_products('P-004', k => 6)")
    assert [sku for (sku,) in found] == [hit.sku for hit in expected.hits]
    assert "P-004" not in {sku for (sku,) in found}


def test_the_average_look_of_a_brand_is_a_query_too(shop: Team) -> None:
    rows = shop.ask(
        "SELECT brand, count(*) FROM nearest_products("
        "(SELECT avg(embedding)::halfvec FROM products WHERE brand = 'Red'), k => 30) GROUP BY brand"
    )
    counts = dict(rows)
    assert counts["Red"] > 15


def test_other_statuses_are_found_where_they_are_asked_for(shop: Team) -> None:
    shop.add("D-1", "red shirt", status="draft", title="A draft")
    assert "D-1" not in {row[0] for row in find(shop, "red shirt", k=120)}
    assert [row[0] for row in find(shop, "red shirt", status="draft")] == ["D-1"]
    assert find(shop, "red shirt", k=1, status=None)[0][0] == "D-1"


def test_the_index_is_used_by_an_order_of_the_analysts_own(shop: Team) -> None:
    with shop.login() as connection:
        connection.execute("SET enable_sort = off")
        connection.execute("SET enable_seqscan = off")
        rows = connection.execute(
            "EXPLAIN SELECT sku FROM products WHERE price < 50 "
            "ORDER BY embedding <=> (SELECT embed_text('red shirt')) LIMIT 10"
        ).fetchall()
        found = connection.execute(
            "SELECT sku FROM products WHERE brand = 'Blue' "
            "ORDER BY embedding <=> (SELECT embed_text('red shirt')) LIMIT 10"
        ).fetchall()
    assert any("product_embedding_hnsw" in line for (line,) in rows)
    assert len(found) == 10


def test_prices_that_change_are_those_of_the_next_search(shop: Team) -> None:
    with shop.database.connection() as connection:
        connection.execute("UPDATE product SET price = 1 WHERE sku = 'P-100'")
    assert "P-100" in {row[0] for row in find(shop, "red shirt", k=50, max_price=2)}
    assert shop.ask("SELECT price FROM products WHERE sku = 'P-100'") == [(Decimal(1),)]


MISTAKES = (
    ("search_products('red', max_price => 'NaN')", "max_price is not a number (NaN)"),
    ("search_products('red', min_price => 9.5, max_price => 3)", "min_price (9.5) is more than max_price (3)"),
    ("search_products('red', currency => 'dollars')", '"dollars" is no currency'),
    ("search_products('red', k => 0)", "k is how many products to return: a number from 1 to 1000"),
    ("search_products('red', k => NULL)", "k is how many"),
    ("search_products('red', status => 'gone')", 'There is no status "gone"'),
    ("nearest_products('[1,2,3]')", f"has 3 numbers, and those of the active model fake have {DIMENSION}"),
    (f"nearest_products(array_fill(0, ARRAY[{DIMENSION}])::real[]::halfvec)", "all zeros"),
    ("products_matching('red', 2)", "The threshold is a cosine"),
    ("classify_product('A', '{}')", "Give at least one label"),
    ("classify_product('A', ARRAY[['red'], ['blue']])", "The labels are one list"),
    ("classify_product('A', ARRAY['red', NULL])", "Give at least one label, and none that is NULL"),
    ("classify_product('A', ARRAY['red', ' '])", "One of the labels is blank"),
)


def test_what_cannot_be_asked_is_a_sentence(shop: Team) -> None:
    for call, sentence in MISTAKES:
        with pytest.raises(psycopg.Error) as caught:
            shop.ask(f"SELECT * FROM {call}")  # noqa: S608
        assert sentence in (caught.value.diag.message_primary or ""), call


@pytest.mark.parametrize(
    "call",
    [
        "search_products(NULL)",
        "similar_products(NULL)",
        "nearest_products(NULL::halfvec)",
        "products_matching(NULL, 0.2)",
        "products_matching('red', NULL)",
        "classify_product(NULL, ARRAY['red'])",
        "classify_product('P-001', NULL)",
        "explain_match(NULL, 'red')",
        "explain_match('P-001', NULL)",
    ],
)
def test_of_what_is_unknown_nothing_is_found(installed: Team, call: str) -> None:
    """As a join expects it whose other side has no row."""
    assert installed.ask(f"SELECT * FROM {call}") == []  # noqa: S608


NO_PRODUCT, NO_WORDS = 'There is no product "{}".', "A text without words finds nothing."
NOTHING = (
    ("search_products('')", NO_WORDS),
    (r"search_products(E' \t\n\u00a0\u2003\u200b')", NO_WORDS),
    ("products_matching(' ', 0.1)", NO_WORDS),
    ("explain_match('P-001', '')", NO_WORDS),
    ("similar_products('')", NO_PRODUCT.format("")),
    ("similar_products('nowhere')", NO_PRODUCT.format("nowhere")),
    ("explain_match('nowhere', 'red shirt')", NO_PRODUCT.format("nowhere")),
    ("classify_product('nowhere', ARRAY['red shirt'])", NO_PRODUCT.format("nowhere")),
    ("search_products('red shirt', category => 'Kitchin')", 'No live product is in the category "Kitchin".'),
    ("search_products('red shirt', brand => 'Akme')", 'No live product has the brand "Akme".'),
)


def test_what_may_come_from_somebodys_own_table_finds_nothing_and_says_so(shop: Team) -> None:
    """One SKU that is gone ends no join of thousands."""
    for call, sentence in NOTHING:
        with shop.login() as connection:
            said: list[str] = []
            connection.add_notice_handler(lambda notice, said=said: said.append(notice.message_primary or ""))
            assert connection.execute(f"SELECT * FROM {call}".encode()).fetchall() == [], call  # noqa: S608
        assert [one for one in said if sentence in one], call
        assert len(said) == 1, said


def test_a_product_without_a_vector_says_why(installed: Team) -> None:
    with installed.database.connection() as connection:
        connection.execute("UPDATE product SET embedding = NULL, embedding_source = NULL, embedding_model = NULL")
    for sku, sentence in (("A-1", "has no vector yet"), ("B-2", "gets one when it is live. It is draft now.")):
        with installed.login() as connection:
            said: list[str] = []
            connection.add_notice_handler(lambda notice, said=said: said.append(notice.message_primary or ""))
            assert connection.execute("SELECT * FROM similar_products(%s)", [sku]).fetchall() == []
        assert sentence in said[0]


def test_words_that_tell_nothing_are_explained_without_a_notice(installed: Team) -> None:
    installed.know("the", "red shirt")
    with installed.login() as connection:
        said: list[str] = []
        connection.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        rows = connection.execute("SELECT words_found, words_missing FROM explain_match('A-1', 'the')").fetchall()
    assert (rows, said) == ([([], [])], [])


def test_labels_are_embedded_once_for_many_products(installed: Team) -> None:
    installed.know("a mug", "red shirt")
    one = "SELECT label, probability FROM classify_product(%s, ARRAY['a mug', 'red shirt'])"
    expected = [(sku, *row) for sku in ("A-1", "B-1") for row in installed.ask(one, [sku])]
    with installed.database.connection() as connection:
        # Its calls are counted by the one who made it.
        connection.execute("SET track_functions = 'all'")
        rows = connection.execute(
            "SELECT p.sku, c.label, c.probability FROM vitrine_sql.products AS p, vitrine_sql.classify_product(p.sku, "
            "ARRAY['a mug', 'red shirt']) AS c WHERE p.sku IN ('A-1', 'B-1') ORDER BY p.sku, c.probability DESC"
        ).fetchall()
        calls = connection.execute(
            "SELECT pg_stat_get_xact_function_calls('vitrine_sql.embed_text(text)'::regprocedure)"
        ).fetchone()
    assert calls == (2,)
    assert sorted(rows) == sorted(expected)


def test_numbers_of_every_type_are_taken(shop: Team) -> None:
    expected = find(shop, "red shirt", k=5, max_price=40)
    for k, price in ((5, 40.0), (5, Decimal(40)), (np.int64(5), np.float64(40)), (5, np.float32(40))):
        assert find(shop, "red shirt", k=k, max_price=price) == expected
    rows = shop.ask(
        "SELECT count(*) FROM (SELECT count(*) / 40 AS few FROM products) AS n, "
        "LATERAL similar_products('P-000', k => n.few, max_price => 40::real)"
    )
    assert rows == [(3,)]


def test_a_price_is_the_bound_that_was_written(installed: Team) -> None:
    installed.add("C-1", "red bag", price=Decimal("19.99"))
    for bound in ("19.99", "19.99::float8", "19.99::numeric"):
        call = f"SELECT sku FROM search_products('red', min_price => {bound}, max_price => {bound})"  # noqa: S608
        assert installed.ask(call) == [("C-1",)]


def test_a_list_of_numbers_is_a_vector(installed: Team) -> None:
    look = [float(x) for x in installed.encoder.embed_text("red mug")]
    for given in ("%s::halfvec", "%s::real[]::halfvec"):
        assert installed.ask(f"SELECT sku FROM nearest_products({given}, k => 1)", [look]) == [("B-1",)]  # noqa: S608


def test_null_among_the_skus_to_leave_out_leaves_out_nothing(installed: Team) -> None:
    rows = installed.ask("SELECT sku FROM nearest_products(embed_text('red'), not_skus => ARRAY['A-1', NULL])")
    assert sorted(rows) == [("A-2",), ("B-1",)]


def test_a_currency_that_nothing_is_priced_in_is_told(installed: Team) -> None:
    told: list[str] = []
    with installed.login() as connection:
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        assert connection.execute("SELECT sku FROM search_products('red', currency => 'eur')").fetchall() == []
        connection.execute("SELECT sku FROM search_products('red', currency => 'usd')")
    assert told == ["No live product is priced in EUR."]


def test_a_category_may_end_in_a_slash(installed: Team) -> None:
    for category in ("Apparel/", "apparel/shirts/", " Apparel "):
        rows = installed.ask("SELECT sku FROM search_products('red', category => %s)", [category])
        assert sorted(rows) == [("A-1",), ("A-2",)], category


def test_an_empty_shop_finds_nothing(team: Team) -> None:
    team.install()
    assert team.ask("SELECT * FROM nearest_products('[1,0]')") == []
