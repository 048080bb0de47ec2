"""Other engines on the same vectors, filters and queries. One that is not installed is told as such.

Every engine but pgvector and milvus-lite is a library in this process: no server, no SQL, no rows to fetch. What a
filter lets pass is given to them ready made, and the time that it took to find out is not counted.
"""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import psycopg
from pgvector import HalfVector

from benchmarks.engine.answers import TOP, Asked, Exam
from benchmarks.engine.shop import lone_connection
from server.db.engine import Database

# Enough for hnswlib's filter, which is a Python function called for every step.
FEWER_QUERIES = 30
MILVUS_ROWS = 50_000
MILVUS_QUERIES = 10


class Peer(Protocol):
    """An engine that was given the vectors. queries: so many of a case are enough, None for all."""

    @property
    def name(self) -> str: ...

    @property
    def queries(self) -> int | None: ...

    def search(self, asked: Asked, catalogue: str) -> Callable[[], Sequence[int]]:
        """What is to be timed; it gives numbers of products, best first."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class Library:
    """An engine in this process, whose index is gone with it."""

    def close(self) -> None: ...


class Faiss(Library):
    """HNSW with an IDSelector. One thread."""

    name = "FAISS HNSW, ef 100, IDSelector"
    queries = None

    def __init__(self, exam: Exam) -> None:
        import faiss

        self.faiss = faiss
        self.index = faiss.IndexHNSWFlat(exam.vectors.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = 64
        self.index.add(exam.vectors)
        faiss.omp_set_num_threads(1)

    def search(self, asked: Asked, catalogue: str) -> Callable[[], Sequence[int]]:
        query = asked.query[None]
        if asked.mask is None:
            parameters = self.faiss.SearchParametersHNSW(efSearch=100)
        else:
            self.selector = self.faiss.IDSelectorBitmap(np.packbits(asked.mask, bitorder="little"))
            parameters = self.faiss.SearchParametersHNSW(efSearch=100, sel=self.selector)
        return lambda: [n for n in self.index.search(query, TOP, params=parameters)[1][0].tolist() if n >= 0]


class Hnswlib(Library):
    """HNSW with a callback for each step. One thread."""

    name = "hnswlib, ef 70, callback"
    queries = FEWER_QUERIES

    def __init__(self, exam: Exam) -> None:
        import hnswlib

        rows, dimension = exam.vectors.shape
        self.index = hnswlib.Index(space="ip", dim=dimension)
        self.index.init_index(max_elements=rows, M=16, ef_construction=64)
        self.index.add_items(exam.vectors, np.arange(rows))
        self.index.set_ef(70)

    def search(self, asked: Asked, catalogue: str) -> Callable[[], Sequence[int]]:
        query, top = asked.query[None], min(TOP, asked.matching)
        if asked.mask is None:
            return lambda: self.index.knn_query(query, k=top, num_threads=1)[0][0].tolist()
        passes = asked.mask.tolist()
        return lambda: self._filtered(query, top, passes)

    def _filtered(self, query: Any, top: int, passes: list[bool]) -> Sequence[int]:
        try:
            found = self.index.knn_query(query, k=top, num_threads=1, filter=passes.__getitem__)
        except RuntimeError:  # it raises where it finds fewer than it was asked for
            return []
        numbers: Sequence[int] = found[0][0].tolist()
        return numbers


class Annoy(Library):
    """50 trees. It has no filter: so many more are fetched that twice TOP should pass, at most a tenth of all."""

    name = "Annoy, 50 trees, over-fetching"
    queries = FEWER_QUERIES

    def __init__(self, exam: Exam) -> None:
        from annoy import AnnoyIndex

        rows, dimension = exam.vectors.shape
        self.rows = rows
        self.index = AnnoyIndex(dimension, "angular")
        for number, vector in enumerate(exam.vectors):
            self.index.add_item(number, vector)
        self.index.build(50)

    def search(self, asked: Asked, catalogue: str) -> Callable[[], Sequence[int]]:
        if asked.mask is None:
            return lambda: self.index.get_nns_by_vector(asked.query, TOP, search_k=10_000)
        share = max(asked.matching, 1) / self.rows
        fetched = max(TOP, min(self.rows // 10, round(2 * TOP / share)))
        passes = asked.mask.tolist()
        return lambda: [
            n
            for n in self.index.get_nns_by_vector(asked.query, fetched, search_k=max(10_000, 2 * fetched))
            if passes[n]
        ][:TOP]


class PgVector(Library):
    """A narrow table with HNSW and a btree for each column, planned by Postgres alone. Without Vitrine."""

    queries = None
    MADE = """CREATE TABLE peer (n int PRIMARY KEY, independent_price int, independent_leaf int,
      clustered_price int, clustered_leaf int, embedding halfvec({dimension}))"""

    def __init__(self, connection: psycopg.Connection[Any], name: str, settings: dict[str, str]) -> None:
        self.connection = connection
        self.name = name
        self.settings = {"hnsw.iterative_scan": "off", "hnsw.ef_search": "40", **settings}

    @classmethod
    def fill(cls, connection: psycopg.Connection[Any], exam: Exam) -> None:
        """Make the table, its indexes and its statistics."""
        connection.execute(cls.MADE.format(dimension=exam.vectors.shape[1]))
        connection.execute("ALTER TABLE peer ALTER embedding SET STORAGE PLAIN")
        named = [exam.columns["independent"], exam.columns["clustered"]]
        columns = [part.tolist() for one in named for part in (one.price, one.leaf)]
        with connection.cursor().copy("COPY peer FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types([*["int4"] * 5, "halfvec"])
            for number, (vector, *values) in enumerate(zip(exam.vectors, *columns, strict=True)):
                copy.write_row((number, *values, HalfVector(vector)))
        for name in ("independent_price", "independent_leaf", "clustered_price", "clustered_leaf"):
            connection.execute(f"CREATE INDEX ON peer ({name})")
        connection.execute("CREATE INDEX ON peer USING hnsw (embedding halfvec_cosine_ops)")
        connection.execute("VACUUM (ANALYZE) peer")
        connection.execute("SET plan_cache_mode = force_custom_plan")

    def begin(self) -> None:
        """Its settings, for all that follows on this connection."""
        for name, value in self.settings.items():
            self.connection.execute("SELECT set_config(%s, %s, false)", [name, value])

    def search(self, asked: Asked, catalogue: str) -> Callable[[], Sequence[int]]:
        conditions = [f"{left} %({name})s::int" for name, (left, _) in _compared(asked, catalogue).items()]
        given = {name: value for name, (_, value) in _compared(asked, catalogue).items()}
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        text = f"SELECT n FROM peer {where} ORDER BY embedding <=> %(query)b LIMIT {TOP}"  # noqa: S608  (names)
        given["query"] = HalfVector(asked.query)
        return lambda: [row[0] for row in self.connection.execute(text, given, prepare=True, binary=True).fetchall()]


class Milvus:
    """milvus-lite with HNSW and a filter expression, over the first MILVUS_ROWS products."""

    queries = MILVUS_QUERIES

    def __init__(self, exam: Exam, file: str) -> None:
        from pymilvus import DataType, MilvusClient

        # It logs a traceback for every optional call that the small server does not have.
        logging.getLogger("grpc").setLevel(logging.CRITICAL)
        self.client = MilvusClient(file)
        schema = self.client.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=exam.vectors.shape[1])
        names = [f"{catalogue}_{column}" for catalogue in exam.columns for column in ("price", "leaf")]
        for name in names:
            schema.add_field(name, DataType.INT64)
        self.client.create_collection("peer", schema=schema)
        columns = [part.tolist() for one in exam.columns.values() for part in (one.price, one.leaf)]
        for start in range(0, len(exam.vectors), 1000):
            rows = [
                {"id": n, "vector": exam.vectors[n].tolist(), **dict(zip(names, values, strict=True))}
                for n, values in enumerate(zip(*(c[start : start + 1000] for c in columns), strict=True), start)
            ]
            self.client.insert("peer", rows)
        # Rows that come in behind an index are compared one by one until it takes them in.
        self.client.flush("peer")
        index = self.client.prepare_index_params()
        index.add_index("vector", index_type="HNSW", metric_type="COSINE", params={"M": 16, "efConstruction": 64})
        self.client.create_index("peer", index)
        self.client.load_collection("peer")
        self.name = f"milvus-lite HNSW, {len(exam.vectors):,} rows"

    def close(self) -> None:
        """Let go of the server process."""
        self.client.close()

    def search(self, asked: Asked, catalogue: str) -> Callable[[], Sequence[int]]:
        conditions = [f"{left} {value}" for left, value in _compared(asked, catalogue).values()]
        query = [asked.query.tolist()]

        def search() -> Sequence[int]:
            found = self.client.search(
                "peer", query, limit=TOP, filter=" and ".join(conditions), search_params={"params": {"ef": 100}}
            )
            return [int(one["id"]) for one in found[0]]

        return search


def _compared(asked: Asked, catalogue: str) -> dict[str, tuple[str, Any]]:
    """What a filter compares, by name: column and operator, and the value."""
    bounds = asked.bounds
    found = {
        "low": (f"{catalogue}_price >=", bounds.low),
        "high": (f"{catalogue}_price <=", bounds.high),
        "first": (f"{catalogue}_leaf >=", bounds.first),
        "last": (f"{catalogue}_leaf <", bounds.last),
    }
    return {name: part for name, part in found.items() if part[1] is not None}


def missing(*modules: str) -> str | None:
    """The first of these that is not installed."""
    return next((name for name in modules if importlib.util.find_spec(name) is None), None)


@contextmanager
def pgvector_peers(database: Database, exam: Exam) -> Iterator[list[PgVector]]:
    """pgvector as it comes, and with an iterative scan."""
    with psycopg.connect(database.url) as connection:
        connection.execute("CREATE EXTENSION vector")
    with lone_connection(database) as connection:
        PgVector.fill(connection, exam)
        yield [
            PgVector(connection, "pgvector as it comes, ef 40", {}),
            PgVector(connection, "pgvector, iterative", {"hnsw.iterative_scan": "relaxed_order"}),
        ]


def timed(call: Callable[[], Sequence[int]]) -> tuple[Sequence[int], float]:
    """What it gave, and the milliseconds that it took."""
    began = time.perf_counter()
    found = call()
    return found, (time.perf_counter() - began) * 1000
