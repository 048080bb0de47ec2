"""Fills the shared source table once and builds each layout from it."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pgvector import HalfVector

from benchmarks.clusters import Floats, make_cone
from benchmarks.layouts.data import Texts, make_texts
from benchmarks.layouts.schemas import HNSW, Layout, indexes_of, tables_of
from benchmarks.layouts.server import Connection

DIMENSION, NEXT_DIMENSION = 512, 384
SOURCE = """CREATE UNLOGGED TABLE public.{name} (n int PRIMARY KEY, sku text, title text, description text, brand text,
  category text, price {money}, sale_price {money}, currency text, stock int, attributes {json}, status text,
  created_at timestamptz, updated_at timestamptz, embedding halfvec(512))"""
NEXT = f"""CREATE UNLOGGED TABLE public.source_next (n int PRIMARY KEY, place int UNIQUE, sku text,
  embedding halfvec({NEXT_DIMENSION}))"""
CAST = """INSERT INTO public.source SELECT n, sku, title, description, brand, category, price::numeric(12,2),
  CASE WHEN n % 4 = 0 THEN (price * 0.8)::numeric(12,2) END, 'USD', stock,
  attributes::jsonb, CASE WHEN n % 50 = 0 THEN 'draft' ELSE 'live' END, now(), now(), embedding FROM public.raw"""


@dataclass(frozen=True)
class Shop:
    """What the measurements need to know of the data: the queries, the prices and the right answers."""

    queries: Floats  # (q, 512)
    price: NDArray[np.float64]  # (n,)
    nearness: Floats  # (q, n) cosine similarities

    def best(self, query: int, limit: float) -> set[int]:
        """Returns the row numbers of the ten nearest products under a price."""
        seen = np.where(self.price < limit, self.nearness[query], -2)
        return set(np.argpartition(-seen, 10)[:10].tolist())

    def repriced(self, connection: Connection) -> "Shop":
        """Returns the shop with the prices that the feed has left in the tables."""
        rows = connection.execute("SELECT price::float8 FROM product ORDER BY sku").fetchall()
        return replace(self, price=np.array([row[0] for row in rows]))


def sku_of(n: int) -> str:
    """Returns the SKU of row n; SKUs are in the order of the rows, as a shop's numbers usually are."""
    return f"VT-{n:08d}"


def fill_source(connection: Connection, rows: int, queries: int) -> Shop:
    """Generates the catalogue and copies it in, vectors of both models included."""
    cone, texts = make_cone(DIMENSION), make_texts(rows)
    vectors = cone.draw(rows, seed=7)
    _copy_products(connection, texts, vectors)
    connection.execute(NEXT)
    with connection.cursor().copy("COPY public.source_next FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int4", "int4", "text", "halfvec"])
        places = np.random.default_rng(5).permutation(rows).tolist()
        for n, row in enumerate(make_cone(NEXT_DIMENSION, seed=2).draw(rows, seed=8)):
            copy.write_row((n, places[n], sku_of(n), HalfVector(row)))
    for table in ("source", "source_next"):
        connection.execute(f"VACUUM ANALYZE public.{table}")
    asked = cone.draw(queries, seed=11)
    return Shop(asked, texts.price, asked @ vectors.T)


def _copy_products(connection: Connection, texts: Texts, vectors: Floats) -> None:
    connection.execute(SOURCE.format(name="raw", money="float8", json="text"))
    connection.execute(SOURCE.format(name="source", money="numeric(12,2)", json="jsonb"))
    columns = "n, sku, title, description, brand, category, price, stock, attributes, embedding"
    with connection.cursor().copy(f"COPY public.raw ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int4", *["text"] * 5, "float8", "int4", "text", "halfvec"])
        for n, row in enumerate(vectors):
            copy.write_row(
                (
                    n,
                    sku_of(n),
                    texts.title[n],
                    texts.description[n],
                    texts.brand[n],
                    texts.category[n],
                    float(texts.price[n]),
                    int(texts.stock[n]),
                    texts.attributes[n],
                    HalfVector(row),
                )
            )
    connection.execute(CAST)
    connection.execute("DROP TABLE public.raw")


def build(connection: Connection, layout: Layout) -> dict[str, Any]:
    """Makes a layout from the source; returns seconds and megabytes."""
    start = time.perf_counter()
    for statement in tables_of(layout) + indexes_of(layout):
        connection.execute(statement)
    loaded = time.perf_counter()
    connection.execute(HNSW.format(name="nearest", table=layout.vectors, column="embedding"))
    built = time.perf_counter()
    connection.execute(f"VACUUM (ANALYZE) {', '.join(layout.tables)}")
    return {"load_s": loaded - start, "hnsw_s": built - loaded, **sizes(connection, layout)}


def sizes(connection: Connection, layout: Layout) -> dict[str, float]:
    """Returns megabytes: rows of every table, their TOAST, their btrees, and the HNSW index."""
    row = connection.execute(
        """SELECT sum(pg_relation_size(oid)), sum(coalesce(pg_total_relation_size(nullif(reltoastrelid, 0)), 0)),
                   sum(pg_indexes_size(oid)) - pg_relation_size('nearest'), pg_relation_size('nearest')
              FROM pg_class WHERE oid = ANY (%s::regclass[]::oid[])""",
        [list(layout.tables)],
    ).fetchone()
    assert row is not None
    return {name: float(size) / 2**20 for name, size in zip(("heap", "toast", "btree", "hnsw"), row, strict=True)}
