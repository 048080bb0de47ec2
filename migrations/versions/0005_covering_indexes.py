"""Indexes that answer a filter and bring the sketches along, and a better connected index of the vectors.

Ranking sketches reads a row of `product_search` for every product that passes the filter, here and there in the table.
With the sketch in the index the table is not read at all: at 200,000 products 20,000 sketches take 5 ms in place of 25,
and a filter by category and price is one scan of one index (docs/layout.md). Whoever filters by a category also filters
by price or brand, so each index holds what goes with it.

An index-only scan pays as long as VACUUM has seen the pages, so autovacuum looks at this table sooner.

HNSW with 24 neighbours, chosen among 128, finds with 80 candidates what 16 among 64 find with more than 150. Where
somebody gave the index options of their own, it stays. Building it takes about half a minute for 100,000 products, and
searches wait meanwhile.
"""

import sqlalchemy
from alembic import op

revision = "0005"
down_revision = "0004"

COVERING = {
    "product_search_price": "(currency, current_price) INCLUDE (category, sku, basis, sketch)",
    "product_search_category": "(category, current_price, currency, brand) INCLUDE (sku, basis, sketch)",
    "product_search_brand": "(brand, category, current_price, currency) INCLUDE (sku, basis, sketch)",
}

VACUUM_SOONER = """
ALTER TABLE product_search SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05)
"""
# A filter that leaves one product in a hundred is smaller than a bar of the usual histogram.
ESTIMATE_FINER = """
ALTER TABLE product_search ALTER COLUMN category SET STATISTICS 400, ALTER COLUMN current_price SET STATISTICS 400
"""

HNSW = {"product_embedding_hnsw": "embedding", "product_embedding_other_hnsw": "embedding_other"}
HNSW_OPTIONS = "m = 24, ef_construction = 128"

AS_IT_WAS = "SELECT count(*) FROM pg_class WHERE oid = to_regclass(:name) AND reloptions IS NULL"

# Both tables at once, in the order in which searches and writers lock them. A hosted database may allow a statement
# less time than the graph takes. What ranking costs was measured with the old indexes.
BEFORE = (
    "LOCK TABLE product, product_search IN ACCESS EXCLUSIVE MODE",
    "SET LOCAL statement_timeout = 0",
    "UPDATE search_settings SET costs = NULL",
)


def upgrade() -> None:
    for statement in BEFORE:
        op.execute(statement)
    for name, definition in COVERING.items():
        op.execute(f"DROP INDEX IF EXISTS {name}")
        op.execute(f"CREATE INDEX {name} ON product_search {definition}")
    op.execute(VACUUM_SOONER)
    op.execute(ESTIMATE_FINER)
    for name, column in HNSW.items():
        if op.get_bind().execute(sqlalchemy.text(AS_IT_WAS), {"name": name}).scalar():
            op.execute(f"DROP INDEX {name}")
            op.execute(f"CREATE INDEX {name} ON product USING hnsw ({column} halfvec_cosine_ops) WITH ({HNSW_OPTIONS})")
