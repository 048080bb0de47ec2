"""Question (b): a feed changes price and stock of every product, committed in batches as an importer does."""

import time
from typing import Any

from benchmarks.layouts.load import sizes
from benchmarks.layouts.schemas import Layout
from benchmarks.layouts.server import Connection

BATCH = 1000
FEED = """CREATE TEMP TABLE feed AS SELECT {place} AS place, sku,
  (price * (0.9 + random() * 0.2))::numeric(12,2) AS price, (random() * 50)::int AS stock FROM public.source"""
CHANGE = """UPDATE product p SET price = f.price, stock = f.stock, updated_at = now() FROM feed f
  WHERE p.sku = f.sku AND f.place >= %s AND f.place < %s"""
COUNTS = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = %s::regclass"


def feed_round(connection: Connection, layout: Layout, rows: int, deadline: float) -> dict[str, Any]:
    """Changes every row once, or as many as fit before the deadline (seconds of time.perf_counter).

    The feed comes in the order of the table, as an export of the same shop does, or mixed, so that the rows of one
    page fall into different transactions: only then can a page reuse the room of versions that died in it.
    """
    connection.execute("DROP TABLE IF EXISTS feed")
    connection.execute(
        FEED.format(place="(row_number() OVER (ORDER BY hashint4(n)))::int - 1" if layout.mixed else "n")
    )
    connection.execute("CREATE INDEX ON feed (place)")
    connection.execute("ANALYZE feed")
    connection.execute("SELECT pg_stat_force_next_flush()")
    before = connection.execute(COUNTS, [layout.vectors]).fetchone()
    start, place = time.perf_counter(), 0
    while place < rows and time.perf_counter() < deadline:
        connection.execute(CHANGE, (place, place + BATCH))
        place += BATCH
    took = time.perf_counter() - start
    connection.execute("SELECT pg_stat_force_next_flush()")
    after = connection.execute(COUNTS, [layout.vectors]).fetchone()
    assert before is not None
    assert after is not None
    changed, hot = after[0] - before[0], after[1] - before[1]
    return {
        "rows": min(place, rows),
        "s": took,
        "vector_rows_changed": changed,
        "hot_share": hot / changed if changed else None,
        **sizes(connection, layout),
    }


def vacuum(connection: Connection, layout: Layout) -> dict[str, float]:
    """Vacuums the layout's tables once; returns seconds and sizes."""
    start = time.perf_counter()
    connection.execute(f"VACUUM (ANALYZE) {', '.join(layout.tables)}")
    return {"s": time.perf_counter() - start, **sizes(connection, layout)}
