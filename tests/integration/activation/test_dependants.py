"""Views, functions, rights and comments follow the switch, or are named before any work begins."""

import numpy as np
import psycopg
import pytest

from server.errors import ModelError
from tests.factories import DIMENSION
from tests.integration.activation.conftest import Shop

VIEW = """CREATE VIEW shop_item WITH (security_barrier = true) AS
  SELECT sku, title, embedding::halfvec AS embedding, embedding_source, embedded_text
  FROM product WHERE status = 'live'"""
# A parameter's type has no length, so one function serves every model.
FUNCTION = """CREATE FUNCTION nearest(query halfvec, n integer) RETURNS TABLE (sku text, distance float8)
  LANGUAGE sql STABLE AS 'SELECT sku, embedding <=> query FROM product ORDER BY embedding <=> query LIMIT n'"""


def run(shop: Shop, *statements: str) -> None:
    with shop.database.connection() as connection:
        for statement in statements:
            connection.execute(statement)


def shown(connection: psycopg.Connection, view: str) -> dict[str, np.ndarray]:
    rows = connection.execute(f"SELECT sku, embedding::halfvec FROM {view}").fetchall()  # noqa: S608
    return {sku: np.asarray(vector.to_numpy(), np.float32) for sku, vector in rows}


def assert_shows(shop: Shop, view: str) -> None:
    with shop.database.connection() as connection:
        found = shown(connection, view)
    for sku, (_, vector) in shop.vectors().items():
        np.testing.assert_array_equal(found[sku], vector)


def test_views_follow_with_their_options_and_grants(shop: Shop) -> None:
    run(
        shop,
        VIEW,
        "CREATE VIEW on_top AS SELECT sku, embedding, embedding_source FROM shop_item",
        "CREATE ROLE analyst",
        "GRANT SELECT ON shop_item TO analyst",
        "COMMENT ON VIEW shop_item IS 'For reports.'",
    )
    try:
        for encoder in (shop.wide, shop.old):
            shop.activate(encoder)
            assert_shows(shop, "shop_item")
            assert_shows(shop, "on_top")
            with shop.database.connection() as connection:
                row = connection.execute(
                    "SELECT reloptions, has_table_privilege('analyst', oid, 'SELECT'), obj_description(oid) "
                    "FROM pg_class WHERE relname = 'shop_item'"
                ).fetchone()
            assert row == (["security_barrier=true"], True, "For reports.")
    finally:
        run(shop, "DROP OWNED BY analyst", "DROP ROLE analyst")


def test_a_view_of_the_previous_models_vectors_goes_on_showing_those(shop: Shop) -> None:
    shop.activate(shop.wide)
    run(shop, "CREATE VIEW before AS SELECT p.sku, p.embedding_other::halfvec AS embedding FROM product p")
    shop.activate(shop.old)
    with shop.database.connection() as connection:
        found = shown(connection, "before")
    for sku, (name, vector) in shop.vectors("embedding_other").items():
        assert name == "wide"
        np.testing.assert_array_equal(found[sku], vector)
    with pytest.raises(ModelError, match=r"made anew for another one: rule _RETURN on view before"):
        shop.activate(shop.slim)


def test_functions_go_by_name_also_in_a_session_that_called_them_before(shop: Shop) -> None:
    run(shop, FUNCTION)

    def nearest(connection: psycopg.Connection) -> str:
        query = "(SELECT embedding::halfvec FROM product WHERE sku = 'P-03')"
        row = connection.execute(f"SELECT sku FROM nearest({query}, 1)", prepare=True).fetchone()  # noqa: S608
        connection.commit()
        assert row is not None
        return str(row[0])

    with psycopg.connect(shop.database.url) as connection:
        assert nearest(connection) == "P-03"
        for encoder in (shop.wide, shop.old, shop.twin):
            shop.activate(encoder)
            assert nearest(connection) == "P-03"


def test_a_view_with_the_columns_own_type_follows_a_model_of_the_same_dimension(shop: Shop) -> None:
    run(shop, "CREATE VIEW everything AS SELECT * FROM product")
    with pytest.raises(ModelError, match=r"public\.everything|view everything"):
        shop.activate(shop.wide)
    run(shop, "DROP VIEW everything", "CREATE VIEW typed AS SELECT sku, embedding FROM product")
    shop.activate(shop.twin)
    assert_shows(shop, "typed")


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        (
            "CREATE VIEW typed AS SELECT sku, embedding FROM product",
            r"public\.typed shows an embedding with its fixed len",
        ),
        ("CREATE MATERIALIZED VIEW kept AS SELECT sku, embedding FROM product", r"materialized view public\.kept"),
        (
            "CREATE FUNCTION bound() RETURNS bigint LANGUAGE sql RETURN (SELECT count(embedding) FROM product)",
            r"function bound\(\)",
        ),
        ("CREATE INDEX mine ON product (sku) WHERE embedding_source = 'text'", r"model before: index mine\."),
        ("ALTER TABLE product ADD CONSTRAINT mine CHECK (embedding_source <> 'x')", "constraint mine on table product"),
        ("CREATE STATISTICS mine ON embedding_source, brand FROM product", r"statistics object mine\."),
    ],
)
def test_what_could_not_follow_is_named_before_any_work(shop: Shop, statement: str, sentence: str) -> None:
    run(shop, statement)
    with pytest.raises(ModelError, match=sentence):
        shop.activate(shop.wide)
    assert shop.states() == {"old": "active"}


def test_rights_on_the_column_and_its_comment_go_with_the_name(shop: Shop) -> None:
    run(shop, "CREATE ROLE analyst", "GRANT SELECT (sku, embedding) ON product TO analyst")
    try:
        for encoder in (shop.wide, shop.old):
            shop.activate(encoder)
            with shop.database.connection() as connection:
                row = connection.execute(
                    "SELECT has_column_privilege('analyst', 'product', 'embedding', 'SELECT') "
                    "AND has_column_privilege('analyst', 'product', 'sku', 'SELECT') "
                    "AND NOT has_column_privilege('analyst', 'product', 'embedding_other', 'SELECT'), "
                    "col_description('product'::regclass, attnum) FROM pg_attribute "
                    "WHERE attrelid = 'product'::regclass AND attname = 'embedding'"
                ).fetchone()
            assert row is not None
            assert row[0]
            assert row[1].startswith("Unit vector of the picture")
    finally:
        run(shop, "DROP OWNED BY analyst", "DROP ROLE analyst")


def test_the_columns_made_anew_are_those_of_the_migration(shop: Shop) -> None:
    def described() -> list[tuple[object, ...]]:
        with shop.database.connection() as connection:
            columns = connection.execute(
                "SELECT attname::text, format_type(atttypid, NULL), attnotnull::text FROM pg_attribute "
                "WHERE attrelid = 'product'::regclass AND attnum > 0 AND NOT attisdropped"
            ).fetchall()
            constraints = connection.execute(
                "SELECT conname::text, pg_get_constraintdef(oid), convalidated::text FROM pg_constraint "
                "WHERE conrelid = 'product'::regclass AND contype IN ('c', 'f')"
            ).fetchall()
        return sorted([*columns, *constraints])

    def valid(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
        return [(name, str(what).removesuffix(" NOT VALID")) for name, what, _ in rows]

    before = described()
    shop.activate(shop.wide)
    shop.activate(shop.slim)
    shop.activate(shop.twin)
    after = described()
    assert valid(after) == valid(before)
    assert not any("NOT VALID" in str(what) for _, what, _ in after)


def test_a_tuned_index_is_built_with_the_same_options(shop: Shop) -> None:
    run(
        shop,
        "DROP INDEX product_embedding_hnsw",
        "CREATE INDEX product_embedding_hnsw ON product USING hnsw (embedding halfvec_cosine_ops) "
        "WITH (m = 24, ef_construction = 100)",
    )
    shop.activate(shop.wide)
    with shop.database.connection() as connection:
        row = connection.execute("SELECT reloptions FROM pg_class WHERE relname = 'product_embedding_hnsw'").fetchone()
    assert row == (["m=24", "ef_construction=100"],)
    assert shop.old.manifest.dimension == DIMENSION
