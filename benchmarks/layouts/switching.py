"""Question (c): fill vectors of a second model beside the first, build its index, switch; and what a page can hold."""

import time
from typing import Any

import psycopg

from benchmarks.layouts.feeding import BATCH
from benchmarks.layouts.load import NEXT_DIMENSION, sizes
from benchmarks.layouts.schemas import HNSW, HOT, SYNC, Layout, view_of
from benchmarks.layouts.server import Connection

FILL_COLUMN = """UPDATE product p SET embedding_next = s.embedding FROM public.source_next s
  WHERE p.sku = s.sku AND s.{place} >= %s AND s.{place} < %s"""
FILL_TABLE = """INSERT INTO product_vector_next (sku, embedding)
  SELECT sku, embedding FROM public.source_next WHERE n >= %s AND n < %s"""
SEEN = "SELECT count(*) FROM product_search WHERE vector_dims(embedding) = %s"
FILL_COPIED = f"""INSERT INTO product_vector_next (sku, embedding, {HOT}) SELECT s.sku, s.embedding, {HOT}
  FROM public.source_next s JOIN product USING (sku) WHERE s.n >= %s AND s.n < %s"""  # noqa: S608


def second_model(connection: Connection, layout: Layout, rows: int) -> dict[str, Any]:
    """Measures filling, index build and the lock of the switch, in seconds; sizes before and after in megabytes."""
    before, start = sizes(connection, layout), time.perf_counter()
    fill = _room_for_next(connection, layout).replace("{place}", "place" if layout.mixed else "n")
    for place in range(0, rows, BATCH):
        connection.execute(fill, (place, place + BATCH))
    filled = time.perf_counter()
    table, column = ("product_vector_next", "embedding") if layout.apart else ("product", "embedding_next")
    made = HNSW.format(name="nearest_next", table=table, column=column).replace("INDEX", "INDEX CONCURRENTLY", 1)
    connection.execute(made)
    built = time.perf_counter()
    lock = _switch(connection, layout)
    row = connection.execute(SEEN, [NEXT_DIMENSION]).fetchone()
    assert row == (rows,)
    after = sizes(connection, layout)
    return {
        "fill_s": filled - start,
        "build_s": built - filled,
        "lock_ms": lock * 1e3,
        "heap_mb": (before["heap"], after["heap"]),
        "old_hnsw_mb": (before["hnsw"], after["hnsw"]),
    }


def _room_for_next(connection: Connection, layout: Layout) -> str:
    """Makes the column or the table for the second model; returns the statement that fills a batch."""
    if not layout.apart:
        connection.execute(f"ALTER TABLE product ADD embedding_next halfvec({NEXT_DIMENSION})")
        connection.execute("ALTER TABLE product ALTER embedding_next SET STORAGE PLAIN")
        return FILL_COLUMN
    extra = ", price numeric(12,2), category text, brand text, stock int, status text" if layout.copies else ""
    connection.execute(f"""CREATE TABLE product_vector_next (sku text PRIMARY KEY REFERENCES product ON DELETE CASCADE,
      embedding halfvec({NEXT_DIMENSION}){extra}) WITH (fillfactor = {layout.fillfactor})""")
    connection.execute("ALTER TABLE product_vector_next ALTER embedding SET STORAGE PLAIN")
    if not layout.copies:
        return FILL_TABLE
    # While both are kept, every price change has to be copied twice.
    body = SYNC.replace("copy_hot_columns", "copy_hot_columns_next").replace(
        "UPDATE product_vector v", "UPDATE product_vector_next v"
    )
    connection.execute(body)
    connection.execute("""CREATE TRIGGER copy_hot_columns_next AFTER UPDATE ON product REFERENCING NEW TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION copy_hot_columns_next()""")
    return FILL_COPIED


def _switch(connection: Connection, layout: Layout) -> float:
    """Makes the second model the one that searches see; returns the seconds from the first lock to the commit."""
    start = time.perf_counter()
    with connection.transaction():
        if layout.apart:
            connection.execute(view_of(layout, "product_vector_next"))
        else:
            connection.execute("ALTER TABLE product RENAME embedding TO embedding_previous")
            connection.execute("ALTER TABLE product RENAME embedding_next TO embedding")
            connection.execute(view_of(layout, "product"))
    return time.perf_counter() - start


def page_limits(connection: Connection) -> dict[str, int]:
    """Finds, by trying, the largest halfvec that an 8 kB page takes; the long texts are there to be pushed to TOAST."""
    facts = """sku text, title text, description text, brand text, category text, price numeric, sale_price numeric,
      currency char(3), stock int, attributes jsonb, status text, created_at timestamptz, updated_at timestamptz"""
    row = """'VT-00000001', repeat('title ', 8), repeat(md5('a'), 60), 'some brand', 'Apparel/Some/Thing', 10, 9, 'USD',
      1, jsonb_build_object('colour', repeat(md5('b'), 8)), 'live', now(), now()"""
    return {
        "narrow table": _largest(connection, "sku text", "'VT-00000001'", 0),
        "in product": _largest(connection, facts, row, 0),
        "in product beside a 512": _largest(connection, facts, row, 512),
        "in product beside a 768": _largest(connection, facts, row, 768),
        "in product beside a 1024": _largest(connection, facts, row, 1024),
        "in product beside a 1152": _largest(connection, facts, row, 1152),
    }


def _largest(connection: Connection, columns: str, values: str, beside: int) -> int:
    low, high = 1, 4097
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _fits(connection, columns, values, beside, middle) else (low, middle)
    return low


def _fits(connection: Connection, columns: str, values: str, beside: int, dimension: int) -> bool:
    """Tells whether the row can be stored and the vector indexed (HNSW ends at 4,000 dimensions of halfvec)."""
    other, filled = (
        (f", other halfvec({beside})", f", array_fill(0.5, ARRAY[{beside}])::halfvec") if beside else ("", "")
    )
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(f"CREATE TABLE fits ({columns}, embedding halfvec({dimension}){other})")
            connection.execute("ALTER TABLE fits ALTER embedding SET STORAGE PLAIN")
            if beside:
                connection.execute("ALTER TABLE fits ALTER other SET STORAGE PLAIN")
            connection.execute(
                f"INSERT INTO fits SELECT {values}, array_fill(0.5, ARRAY[{dimension}])::halfvec{filled}"
            )
            connection.execute("CREATE INDEX ON fits USING hnsw (embedding halfvec_cosine_ops)")
    except psycopg.Error:
        return False
    return True
