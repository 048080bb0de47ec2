"""What the indexes of product_search answer alone, and that they take whatever a product may hold."""

import json
import random
import threading
from decimal import Decimal

import psycopg
import pytest

from server.db import migrate
from server.db.engine import Database
from server.search import plan as planning
from server.search.basis import AXES, COVERING, refresh_basis
from server.search.plan import Path
from server.search.query import Filters, Query
from server.search.service import SearchService
from server.search.statements import SQL
from server.search.transaction import Wanted
from tests.databases import fresh_database, upgrade_to
from tests.factories import DIMENSION, add_model, add_product, unit_vector

CATEGORIES = (
    "Shoes",
    "Shoes/Boots",
    "Shoes/Boots/Red",
    "Shoes Kids",
    "Shoes-Sale",
    "Shoes.Old",
    "Shoes0",
    "Shoe",
    "Shop",
)


def add_shop(database: Database) -> None:
    with database.connection() as connection:
        known = connection.execute("SELECT id FROM embedding_model").fetchone()
        model = add_model(connection) if known is None else known[0]
        for number in range(60):
            add_product(
                connection,
                f"P{number:02}",
                embedding=unit_vector(number),
                embedding_model=model,
                category=CATEGORIES[number % 3],
                brand=f"Brand {number % 4}",
                price=Decimal(number + 1),
            )
    refresh_basis(database)
    database.refresh_statistics()


def scans(database: Database, filters: Filters) -> dict[str, str | None]:
    """The kind of each scan of product_search that ranking sketches under these filters takes, with its index."""
    parameters = {
        **Wanted(filters, unit_vector(0)).parameters(),
        "limit": 10, "pool": 20, "rough_bound": None, "basis": 1, "sketch": "[" + ",".join(["0"] * 64) + "]",
    }  # fmt: skip
    with database.connection() as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        connection.execute("SET LOCAL enable_bitmapscan = off")
        statement = SQL["sketch"].replace("%(sketch)b", "%(sketch)s::halfvec").replace("%(vector)b", "%(vector)s")
        row = connection.execute("EXPLAIN (FORMAT JSON) " + statement, parameters).fetchone()
    assert row is not None
    found: dict[str, str | None] = {}

    def look(node: dict[str, object]) -> None:
        if node.get("Relation Name") == "product_search":
            found[str(node["Node Type"])] = str(node.get("Index Name"))
        for child in node.get("Plans", ()):  # type: ignore[attr-defined]
            look(child)

    look(json.loads(json.dumps(row[0][0]["Plan"])))
    return found


@pytest.mark.parametrize(
    "filters",
    [
        Filters(price_max=Decimal(20), currency="USD"),
        Filters(category="Shoes/Boots"),
        Filters(brands=("Brand 1",)),
        Filters(category="Shoes/Boots", price_min=Decimal(5), price_max=Decimal(50), currency="USD"),
        Filters(category="Shoes", brands=("Brand 1", "Brand 2"), price_max=Decimal(50), currency="USD"),
    ],
)
def test_sketches_under_a_usual_filter_are_read_from_one_index(database: Database, filters: Filters) -> None:
    add_shop(database)
    assert list(scans(database, filters)) == ["Index Only Scan"]
    assert set(scans(database, filters).values()) <= set(COVERING)


@pytest.mark.parametrize("path", ["exact", "walk"])
def test_a_category_is_itself_and_what_lies_below(
    search: SearchService, database: Database, path: str, request: pytest.FixtureRequest
) -> None:
    if path == "walk":
        request.getfixturevalue("index_only")
    with database.connection() as connection:
        (model,) = connection.execute("SELECT id FROM embedding_model").fetchone() or ()
        for number, category in enumerate(CATEGORIES):
            add_product(
                connection, f"P{number}", category=category, embedding=unit_vector(number), embedding_model=model
            )
    database.refresh_statistics()
    found = search.by_text("query", Query(filters=Filters(category="Shoes")))
    assert sorted(hit.category or "" for hit in found.hits) == ["Shoes", "Shoes/Boots", "Shoes/Boots/Red"]
    none = search.by_text("query", Query(filters=Filters(category="Sho")))
    assert none.hits == []


def rare_letters(number: int) -> str:
    """Letters of four bytes that no compression makes shorter."""
    draw = random.Random(number)
    return "".join(chr(draw.randrange(0x20000, 0x2A6D0)) for _ in range(number))


def test_the_longest_names_fit_into_the_indexes(database: Database) -> None:
    """An index's row may have 2,704 bytes, and four bytes a character are the most."""
    add_shop(database)
    with database.connection() as connection:
        (model,) = connection.execute("SELECT id FROM embedding_model").fetchone() or ()
        add_product(
            connection,
            "S" * 100,
            category=rare_letters(300),
            brand=rare_letters(200),
            price=Decimal("9999999999.99"),
            embedding=unit_vector(7),
            embedding_model=model,
        )
        row = connection.execute(
            "SELECT octet_length(category), sketch FROM product_search WHERE sku ~ 'SS'"
        ).fetchone()
    assert row is not None
    assert row[0] == 1200


def test_new_axes_leave_packed_indexes(database: Database) -> None:
    add_shop(database)
    before = _files(database)
    assert refresh_basis(database, anew=True)
    after = _files(database)
    assert set(after) == set(before) == set(COVERING)
    assert not set(after.values()) & set(before.values())


def test_an_index_that_cannot_be_packed_is_left_as_it_is(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    add_shop(database)
    monkeypatch.setattr("server.search.basis.COVERING", ("no_such_index",))
    assert refresh_basis(database, anew=True)
    assert "were not packed" in caplog.text
    assert set(_files(database)) == set(COVERING)


def test_a_refresh_does_not_wait_for_a_forgotten_transaction_and_clears_up_behind_itself(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_shop(database)
    monkeypatch.setattr("server.search.basis.PACK_WAIT", "200ms")
    with database.connection() as connection:
        connection.execute("SELECT count(*) FROM product_search")
        assert refresh_basis(database, anew=True)
    # What is left of the try is dropped by the next one at the latest.
    assert refresh_basis(database, anew=True)
    assert set(_files(database)) == set(COVERING)


def test_axes_of_which_there_could_be_more_are_made_anew(database: Database) -> None:
    add_shop(database)
    with database.connection() as connection:
        connection.execute("DELETE FROM embedding_axis WHERE position > 20")
    assert refresh_basis(database)
    with database.connection() as connection:
        row = connection.execute("SELECT count(*) FROM embedding_axis").fetchone()
    assert row == (min(AXES, DIMENSION),)


def test_while_new_axes_take_the_place_of_others_nothing_is_ranked_by_sketches(
    search: SearchService, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "EXACT_ROWS", 0)
    add_shop(database)
    asked = Query(filters=Filters(price_max=Decimal(30), currency="USD"))
    assert search.by_text("query", asked).plan.path is Path.SKETCH
    with database.connection() as connection:
        connection.execute(
            "INSERT INTO embedding_basis (model, center, variance, products) "
            "SELECT model, center, variance, products FROM embedding_basis"
        )
    assert search.by_text("query", asked).plan.path is Path.EXACT


def _files(database: Database) -> dict[str, int]:
    with database.connection() as connection:
        rows = connection.execute(
            "SELECT relname, relfilenode FROM pg_class WHERE relname ~ '^product_search_(price|category|brand)'"
        ).fetchall()
    return dict(rows)


@pytest.mark.parametrize("own", ["", " WITH (m = 8)"])
def test_an_upgrade_gives_the_graph_better_options_and_leaves_somebodys_own(migrated: Database, own: str) -> None:
    with fresh_database(migrated) as database:
        upgrade_to(database, "0004")
        with database.connection() as connection:
            connection.execute("DROP INDEX product_embedding_hnsw")
            connection.execute(
                psycopg.sql.SQL(
                    "CREATE INDEX product_embedding_hnsw ON product USING hnsw (embedding halfvec_cosine_ops)" + own
                )
            )
        assert migrate.upgrade(database, dimension=8).is_current
        with database.connection() as connection:
            row = connection.execute(
                "SELECT reloptions FROM pg_class WHERE relname = 'product_embedding_hnsw'"
            ).fetchone()
    assert row == ((["m=8"],) if own else (["m=24", "ef_construction=128"],))


def test_an_upgrade_and_a_search_do_not_wait_for_each_other(migrated: Database) -> None:
    with fresh_database(migrated) as database:
        upgrade_to(database, "0004")
        upgrading = threading.Thread(target=migrate.upgrade, args=(database, 8))
        with database.connection() as connection:
            connection.execute("SELECT count(*) FROM product")
            upgrading.start()
            upgrading.join(1.0)
            assert upgrading.is_alive()
            # As a search goes on behind its first statement.
            assert connection.execute("SELECT count(*) FROM product_search").fetchone() == (0,)
        upgrading.join(30)
        assert migrate.status(database).is_current
