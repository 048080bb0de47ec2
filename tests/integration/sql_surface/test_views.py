"""What the views show, and what they keep to themselves."""

import datetime
import uuid
from typing import Any

import psycopg
import pytest

from tests.factories import add_image
from tests.integration.sql_surface.conftest import Team

DAY = datetime.datetime(2026, 11, 3, 12, tzinfo=datetime.UTC)


def searched(
    team: Team, query: str, times: int = 1, total: int = 5, at: datetime.datetime = DAY, click: str | None = None,
    kind: str = "words",
) -> None:  # fmt: skip
    with team.database.connection() as connection:
        for number in range(times):
            event = uuid.uuid4()
            connection.execute(
                "INSERT INTO search_event (id, at, origin, kind, query, normalised, mode, narrowed, total, "
                "total_is_exact, milliseconds, path, complete) "
                "VALUES (%s, %s, 'shop', %s, %s, lower(%s), 'hybrid', false, %s, true, 3, 'exact', true)",
                [event, at, kind, query, query, total],
            )
            if click is not None and number == 0:
                connection.execute("INSERT INTO search_click VALUES (%s, %s, 2, %s)", [event, click, at])


def test_every_column_has_a_comment(installed: Team) -> None:
    rows = installed.ask(
        "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid "
        "WHERE c.relnamespace = 'vitrine_sql'::regnamespace AND c.relkind IN ('v', 'c') AND a.attnum > 0 "
        "AND col_description(c.oid, a.attnum) IS NULL"
    )
    assert rows == []


def test_products_are_the_live_ones_and_all_products_are_all(installed: Team) -> None:
    assert [sku for (sku,) in installed.ask("SELECT sku FROM products ORDER BY sku")] == ["A-1", "A-2", "B-1"]
    rows = installed.ask("SELECT sku, status, department, in_stock, price FROM all_products ORDER BY sku")
    assert [(row[0], row[1], row[2], row[3], int(row[4])) for row in rows] == [
        ("A-1", "live", "Apparel", True, 10),
        ("A-2", "live", "Apparel", False, 20),
        ("B-1", "live", "Kitchen", True, 5),
        ("B-2", "draft", "Kitchen", True, 500),
    ]


def test_the_tree_of_categories_counts_what_lies_below(installed: Team) -> None:
    rows = installed.ask("SELECT category, name, parent, depth, products, own_products FROM categories ORDER BY 1")
    assert rows == [
        ("Apparel", "Apparel", None, 1, 2, 0),
        ("Apparel/Shirts", "Shirts", "Apparel", 2, 2, 2),
        ("Kitchen", "Kitchen", None, 1, 1, 0),
        ("Kitchen/Mugs", "Mugs", "Kitchen", 2, 1, 1),
    ]
    assert installed.ask("SELECT brand, products, in_stock FROM brands ORDER BY 1") == [("Acme", 2, 2), ("Zed", 1, 0)]


def test_pictures_tell_their_file_and_their_products(installed: Team) -> None:
    one, two = "ab" + "0" * 62, "cd" + "1" * 62
    with installed.database.connection() as connection:
        add_image(connection, one)
        add_image(connection, two, media_type="image/png")
        connection.execute("UPDATE product SET image_sha256 = %s WHERE sku = 'A-1'", [one])
        connection.execute(
            "INSERT INTO product_picture VALUES ('A-1', %s, 0, 'front'), ('A-1', %s, 1, 'back')", [one, two]
        )
    assert installed.ask("SELECT file FROM images ORDER BY 1") == [(f"ab/00/{one}.jpg",), (f"cd/11/{two}.png",)]
    rows = installed.ask("SELECT sku, place, sha256, alt FROM product_images ORDER BY place")
    assert rows == [("A-1", 0, one, "front"), ("A-1", 1, two, "back")]


def test_what_hardly_anybody_types_is_counted_and_not_told(installed: Team) -> None:
    searched(installed, "Red Shirt", times=3, click="A-1")
    searched(installed, "ann example, 5 high street", times=2, total=0, click="A-2")
    searched(installed, "", times=4, kind="browse")
    rows = installed.ask("SELECT query, searches, without_results, clicked FROM queries_by_day ORDER BY query")
    assert rows == [("red shirt", 3, 0, 1), (None, 2, 2, 1)]
    assert installed.ask("SELECT sku, query, clicks FROM clicks ORDER BY sku") == [
        ("A-1", "red shirt", 1),
        ("A-2", None, 1),
    ]
    assert installed.ask("SELECT sum(searches), sum(without_results) FROM searches_by_day") == [(9, 2)]
    assert installed.ask("SELECT * FROM queries_without_results") == []


def test_frequent_queries_without_a_result_are_told_with_their_last_day(installed: Team) -> None:
    searched(installed, "unicorn", times=3, total=0)
    searched(installed, "unicorn", times=1, total=2, at=DAY + datetime.timedelta(days=1))
    rows = installed.ask("SELECT query, without_results, searches, narrowed, last_day FROM queries_without_results")
    assert rows == [("unicorn", 3, 4, 0, DAY.date())]


def test_coverage_is_told_by_brand(installed: Team) -> None:
    with installed.database.connection() as connection:
        connection.execute("UPDATE product SET title = 'Another title' WHERE sku = 'A-1'")
        connection.execute(
            "INSERT INTO product (sku, title, price, currency, brand) VALUES ('N-1', 'New', 1, 'USD', 'Zed')"
        )
    rows = installed.ask(
        "SELECT brand, live, by_picture, by_title, without_vector, outdated FROM embedding_coverage ORDER BY 1"
    )
    assert rows == [("Acme", 2, 0, 2, 0, 1), ("Zed", 2, 0, 1, 1, 0)]
    with installed.database.connection() as connection:
        told = connection.execute("SELECT live, covered, without_vector, outdated FROM embedding_coverage()").fetchone()
    assert told == (4, 2, 1, 1)


def test_the_history_of_models_knows_their_logit_scale(installed: Team) -> None:
    rows = installed.ask("SELECT name, state, logit_scale FROM models")
    assert rows == [("fake", "active", 20.0)]


def test_everything_is_documented_where_tools_look(installed: Team) -> None:
    undocumented = installed.ask(
        "SELECT c.relname::text FROM pg_class AS c WHERE c.relnamespace = 'vitrine_sql'::regnamespace "
        "AND c.relkind = 'v' AND obj_description(c.oid, 'pg_class') IS NULL "
        "UNION ALL SELECT p.proname::text FROM pg_proc AS p WHERE p.pronamespace = 'vitrine_sql'::regnamespace "
        "AND obj_description(p.oid, 'pg_proc') IS NULL AND p.proname NOT IN ('embed_text', 'remember_text')"
    )
    assert undocumented == []


def as_row(team: Team, query: str, parameters: Any = None) -> dict[str, Any]:
    with team.login() as connection, connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        row = cursor.execute(query, parameters).fetchone()
    assert row is not None
    return row


def test_a_match_is_explained(installed: Team) -> None:
    with installed.database.connection() as connection:
        connection.execute(
            "UPDATE product SET title = 'A striped shirt', embedded_text = 'A striped shirt' WHERE sku = 'A-2'"
        )
    installed.know("the blue shirts with stripes by Zed")
    told = as_row(installed, "SELECT * FROM explain_match('A-2', 'the blue shirts with stripes by Zed')")
    assert told["words_found"] == ["shirts (title)", "stripes (title)", "zed (brand)"]
    assert told["words_missing"] == ["blue"]
    assert (told["rank"], told["of_products"], told["nearer_share"]) == (1, 3, 0.0)
    assert (told["status"], told["in_stock"], told["embedding_source"]) == ("live", False, "text")
    assert told["similarity"] > 0.3
    farther = as_row(installed, "SELECT * FROM explain_match('B-1', 'blue')")
    assert farther["rank"] > 1


def test_labels_get_probabilities_by_the_models_own_scale(installed: Team) -> None:
    rows = installed.ask(
        "SELECT label, probability, similarity FROM classify_product('A-1', ARRAY['mug', 'red shirt'])"
    )
    assert [label for label, _, _ in rows] == ["red shirt", "mug"]
    assert sum(probability for _, probability, _ in rows) == pytest.approx(1)
    (_, best, near), (_, _, far) = rows
    assert best == pytest.approx(1 / (1 + 2.718281828 ** (20.0 * (far - near))), rel=1e-4)


def test_without_a_logit_scale_there_are_no_probabilities(installed: Team) -> None:
    with installed.database.connection() as connection:
        connection.execute("DELETE FROM vitrine_sql_inner.model_scale")
    with pytest.raises(psycopg.Error, match="Run `vitrine sql install`"):
        installed.ask("SELECT * FROM classify_product('A-1', ARRAY['mug'])")


def test_every_match_above_a_threshold_joins_with_a_table_of_ones_own(installed: Team) -> None:
    rows = installed.ask(
        "WITH sales (sku, revenue) AS (VALUES ('A-1', 100), ('A-2', 10), ('B-1', 1)) "
        "SELECT sum(revenue) FROM products_matching('red', 0.4) JOIN sales USING (sku)"
    )
    assert rows == [(101,)]
