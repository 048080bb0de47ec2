"""The narrow table follows the wide one, whoever writes, and a change of a price touches no index of the wide one."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from server.db.engine import Database
from server.search.basis import load_basis, refresh_basis
from tests.factories import add_model, add_product, unit_vector


def narrow(database: Database, sku: str = "A-1") -> dict[str, Any] | None:
    with database.connection() as connection:
        cursor = connection.execute(
            "SELECT * FROM product_search JOIN product_words USING (sku) WHERE sku = %s", (sku,)
        )
        row = cursor.fetchone()
        assert cursor.description is not None
        return None if row is None else dict(zip([column.name for column in cursor.description], row, strict=True))


def run(database: Database, statement: str, *values: Any) -> None:
    with database.connection() as connection:
        connection.execute(statement, values)


def test_a_live_product_is_there_with_what_filters_and_words_ask(database: Database) -> None:
    with database.connection() as connection:
        add_product(
            connection,
            title="Striped  Shirts",
            brand="Acme",
            category="Apparel/Shirts",
            description="Made of linen",
            price=Decimal(30),
            sale_price=Decimal(20),
            stock=3,
            attributes={
                "colour": "Navy",
                "sizes": ["S", "M"],
                "washable": True,
                "care": {"iron": "no"},
                "long": "x" * 99,
            },
        )
    row = narrow(database)
    assert row is not None
    assert (row["brand"], row["category"], row["current_price"], row["stock"]) == ("Acme", "Apparel/Shirts", 20, 3)
    assert row["attributes"] == ["colour=Navy", "sizes=M", "sizes=S", "washable=true"]
    assert row["title_words"] == 2
    for query in ("stripe:A", "acm:B", "apparel:C", "navi:C", "linen:D"):
        with database.connection() as connection:
            found = connection.execute("SELECT sku FROM product_words WHERE search_text @@ %s::tsquery", (query,))
            assert found.fetchall() == [("A-1",)], query


@pytest.mark.parametrize(
    ("change", "column", "expected"),
    [
        ("UPDATE product SET price = 7", "current_price", 7),
        ("UPDATE product SET stock = 0", "stock", 0),
        ("UPDATE product SET currency = 'EUR'", "currency", "EUR"),
        ("UPDATE product SET brand = 'Zed'", "brand", "Zed"),
        ("UPDATE product SET category = 'Home'", "category", "Home"),
        ("""UPDATE product SET attributes = '{"fit": "slim"}'""", "attributes", ["fit=slim"]),
        ("UPDATE product SET title = 'Lamp'", "title_words", 1),
    ],
)
def test_a_change_arrives(database: Database, change: str, column: str, expected: object) -> None:
    with database.connection() as connection:
        add_product(connection)
    run(database, change)
    row = narrow(database)
    assert row is not None
    assert row[column] == expected


def test_only_live_products_are_there(database: Database) -> None:
    with database.connection() as connection:
        add_product(connection, status="draft")
    assert narrow(database) is None
    run(database, "UPDATE product SET status = 'live'")
    assert narrow(database) is not None
    run(database, "UPDATE product SET status = 'hidden'")
    assert narrow(database) is None


def test_another_sku_and_a_deletion_arrive(database: Database) -> None:
    with database.connection() as connection:
        add_product(connection)
    run(database, "UPDATE product SET sku = 'B-1'")
    assert narrow(database) is None
    assert narrow(database, "B-1") is not None
    run(database, "DELETE FROM product")
    assert narrow(database, "B-1") is None


def test_an_upsert_of_several_arrives(database: Database) -> None:
    with database.connection() as connection:
        add_product(connection)
    run(
        database,
        "INSERT INTO product (sku, title, currency, price) VALUES ('A-1', 'New', 'USD', 5), ('A-2', 'Other', 'USD', 6) "
        "ON CONFLICT (sku) DO UPDATE SET title = excluded.title, price = excluded.price",
    )
    first, second = narrow(database), narrow(database, "A-2")
    assert first is not None
    assert second is not None
    assert (first["current_price"], second["current_price"]) == (5, 6)


def test_no_index_of_the_wide_table_names_what_a_feed_changes(database: Database) -> None:
    with database.connection() as connection:
        definitions = connection.execute(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = 'product'::regclass"
        ).fetchall()
    assert definitions
    for (definition,) in definitions:
        for column in ("price", "stock", "updated_at", "status"):
            assert column not in definition.partition("(")[2]


def test_a_price_that_changes_moves_no_vector(database: Database) -> None:
    """The new version of the row stands in the page of the old one, and no index hears of it."""
    updates = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'product'"
    with database.connection() as connection:
        add_product(connection, embedding=unit_vector(1))
    with database.connection() as connection:
        before = connection.execute(updates).fetchone()
        connection.execute("UPDATE product SET price = 7")
        after = connection.execute(updates).fetchone()
    assert before is not None
    assert after is not None
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)


def add_many(database: Database, number: int) -> None:
    with database.connection() as connection:
        model = add_model(connection)
        for index in range(number):
            add_product(connection, f"P{index:03}", embedding=unit_vector(index), embedding_model=model)


def test_sketches_are_the_principal_components(database: Database) -> None:
    add_many(database, 70)
    assert refresh_basis(database)
    with database.connection() as connection:
        key = connection.execute("SELECT id FROM embedding_basis WHERE ready").fetchone()
        assert key is not None
        basis = load_basis(connection, key[0])
        stored = connection.execute("SELECT sku, sketch FROM product_search ORDER BY sku").fetchall()
    assert basis is not None
    vectors = np.stack([unit_vector(index) for index in range(70)])
    for (_, sketch), vector in zip(stored, vectors, strict=True):
        assert np.allclose(sketch.to_numpy(), basis.axes @ (vector - basis.center), atol=2e-3)
    query = unit_vector(1000)
    mean, deviation = basis.spread(query)
    cosines = vectors @ query
    assert mean == pytest.approx(cosines.mean(), abs=1e-3)
    assert deviation == pytest.approx(cosines.std(), rel=0.01)


def test_a_product_that_comes_later_is_sketched_as_it_comes(database: Database) -> None:
    add_many(database, 40)
    refresh_basis(database)
    with database.connection() as connection:
        add_product(connection, "later", embedding=unit_vector(99), embedding_model=add_model(connection))
    row = narrow(database, "later")
    assert row is not None
    assert row["sketch"] is not None
    run(database, "UPDATE product SET price = 1 WHERE sku = 'later'")
    again = narrow(database, "later")
    assert again is not None
    assert again["basis"] == row["basis"]


def test_too_few_products_have_no_sketches(database: Database) -> None:
    add_many(database, 10)
    assert not refresh_basis(database)
    row = narrow(database, "P001")
    assert row is not None
    assert row["sketch"] is None


def test_new_axes_take_the_place_of_the_old(database: Database) -> None:
    add_many(database, 40)
    refresh_basis(database)
    assert refresh_basis(database, anew=True)
    with database.connection() as connection:
        bases = connection.execute("SELECT id, ready FROM embedding_basis").fetchall()
        used = connection.execute("SELECT DISTINCT basis FROM product_search").fetchall()
    assert len(bases) == 1
    assert used == [(bases[0][0],)]
    assert bases[0][1]
