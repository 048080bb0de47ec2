"""Views, functions, rights and comments follow the switch, or are named before any work begins."""

import numpy as np
import psycopg
import pytest

from server.activation.run import check
from server.errors import ModelError
from tests.factories import DIMENSION
from tests.integration.activation.conftest import Shop, run

VIEW = """CREATE VIEW shop_item WITH (security_barrier = true) AS
  SELECT sku, title, embedding::halfvec AS embedding, embedding_source, embedded_text
  FROM product WHERE status = 'live'"""
# A parameter's type has no length, so one function serves every model.
FUNCTION = """CREATE FUNCTION nearest(query halfvec, n integer) RETURNS TABLE (sku text, distance float8)
  LANGUAGE sql STABLE AS 'SELECT sku, embedding <=> query FROM product ORDER BY embedding <=> query LIMIT n'"""


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
        (
            "; ".join(
                (
                    VIEW,
                    "CREATE VIEW on_top AS SELECT sku, embedding FROM shop_item",
                    "CREATE MATERIALIZED VIEW kept AS SELECT sku, embedding FROM on_top",
                )
            ),
            r"materialized view public\.kept is filled from a view over the vectors",
        ),
        (
            "CREATE VIEW bare AS SELECT sku, title FROM product; CREATE RULE changed AS ON UPDATE TO bare DO INSTEAD "
            "UPDATE product SET embedded_text = NEW.title WHERE sku = OLD.sku AND embedding_source = 'text'",
            r"model before: rule changed on view bare\. Drop the rule",
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


def test_a_rule_that_names_no_column_of_the_embedding_stays(shop: Shop) -> None:
    run(
        shop,
        VIEW,
        "CREATE RULE renamed AS ON UPDATE TO shop_item DO INSTEAD UPDATE product SET title = NEW.title "
        "WHERE sku = OLD.sku",
    )
    shop.activate(shop.wide)
    run(shop, "UPDATE shop_item SET title = 'By rule' WHERE sku = 'P-03'")
    with shop.database.connection() as connection:
        row = connection.execute("SELECT title FROM product WHERE sku = 'P-03'").fetchone()
    assert row == ("By rule",)


def test_a_view_of_another_role_is_named_with_what_makes_it_follow(shop: Shop) -> None:
    run(shop, "CREATE ROLE keeper", "CREATE ROLE vendor", VIEW, "ALTER VIEW shop_item OWNER TO keeper")
    try:
        run(shop, "ALTER TABLE product OWNER TO vendor", "GRANT ALL ON embedding_model, activation TO vendor")
        with shop.database.connection() as connection:
            connection.execute("SET LOCAL ROLE vendor")
            with pytest.raises(ModelError, match=r"public\.shop_item .* role keeper.*GRANT keeper TO .*ALTER VIEW"):
                check(connection, shop.wide.manifest)
            connection.execute("RESET ROLE")
            connection.execute("GRANT keeper TO vendor")
            connection.execute("SET LOCAL ROLE vendor")
            assert not check(connection, shop.wide.manifest)
    finally:
        run(
            shop,
            "ALTER TABLE product OWNER TO CURRENT_USER",
            "ALTER VIEW shop_item OWNER TO CURRENT_USER",
            "DROP OWNED BY vendor",
            "DROP ROLE keeper, vendor",
        )


def test_the_columns_made_anew_have_the_rights_and_comments_of_those_before(shop: Shop) -> None:
    def told() -> list[tuple[object, ...]]:
        with shop.database.connection() as connection:
            return connection.execute(
                "SELECT attname::text, col_description(attrelid, attnum), "
                "has_column_privilege('analyst', attrelid, attnum, 'SELECT') FROM pg_attribute "
                "WHERE attrelid = 'product'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1"
            ).fetchall()

    run(
        shop, "CREATE ROLE analyst", "GRANT SELECT (sku, embedding_other, embedding_other_source) ON product TO analyst"
    )
    try:
        before = told()
        assert any("by another model" in str(comment) for _, comment, _ in before)
        for encoder in (shop.wide, shop.slim, shop.old):
            shop.activate(encoder)
            assert told() == before
    finally:
        run(shop, "DROP OWNED BY analyst", "DROP ROLE analyst")


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
