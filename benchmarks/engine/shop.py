"""A shop in an embedded Postgres of its own, with Vitrine's own schema, filled with vectors.

Rows are copied in with the triggers of `product` off and without the indexes that are slow to keep; then
`product_search_put`, which is what those triggers call, is called for chunks of them, the sketches are made, and the
indexes are built. An import of the catalogue ends in the same tables.
"""

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg import sql

from benchmarks.clusters import Floats
from benchmarks.engine.filters import CURRENCY, Cents, money
from benchmarks.layouts.data import Texts, make_texts
from server.db import migrate
from server.db.embedded import EmbeddedPostgres
from server.db.engine import Database
from server.search.basis import refresh_basis

DIGEST = "benchmark"
# Texts are drawn once and used again for every so many products, each with the product's number in its title.
TEXTS = 20_000
PUT_ROWS = 5_000
SLOW_INDEXES = ("product_embedding_hnsw", "product_words_search_text", "product_search_attributes")
COLUMNS = {
    "sku": "text", "title": "text", "description": "text", "brand": "text", "category": "text", "price": "numeric",
    "currency": "text", "stock": "int4", "attributes": "jsonb", "embedding": "halfvec", "embedding_model": "int4",
    "embedding_source": "text", "embedded_text": "text",
}  # fmt: skip


@contextmanager
def own_postgres(folder: Path | None = None) -> Iterator[EmbeddedPostgres]:
    """The embedded server as `vitrine serve` starts it, in `folder`, or in a temporary one that is then deleted."""
    with tempfile.TemporaryDirectory(prefix="vt-", ignore_cleanup_errors=True) as temporary:
        embedded = EmbeddedPostgres(folder or Path(temporary))
        embedded.start()
        try:
            yield embedded
        finally:
            embedded.release()


@contextmanager
def own_database(embedded: EmbeddedPostgres, name: str) -> Iterator[Database]:
    """A database of that name on the server, dropped afterwards."""
    with psycopg.connect(embedded.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    database = Database(embedded.url().replace("@/vitrine?", f"@/{name}?"), pool_size=2)
    try:
        yield database
    finally:
        database.close()
        with psycopg.connect(embedded.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def lone_connection(database: Database) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """An autocommit connection that may take as long as it needs and knows pgvector's types."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        register_vector(connection)
        connection.execute("SET statement_timeout = 0")
        yield connection


def sku_of(number: int) -> str:
    """SKU of the product of that number; SKUs are in the order of the numbers."""
    return f"VT-{number:09d}"


def number_of(sku: str) -> int:
    """The number of that product."""
    return int(sku[3:])


@dataclass(frozen=True)
class Wordy:
    """Titles, descriptions and facts of products; `prose` False makes descriptions of a sentence or two."""

    prose: bool = True

    @cached_property
    def _texts(self) -> list[tuple[str, str, str]]:
        texts = _drawn()
        plain = [title.rsplit(" ", 1)[0] for title in texts.title]
        descriptions = [text if self.prose else text[:150] for text in texts.description]
        return list(zip(plain, descriptions, texts.attributes, strict=True))

    def from_number(self, number: int) -> Iterator[tuple[str, str, str]]:
        """Without end: title, description and attributes of this product and of those behind it."""
        return islice(cycle(self._texts), number % TEXTS, None)

    @property
    def titles(self) -> list[str]:
        """Titles without their numbers."""
        return [title for title, _, _ in self._texts]


@cache
def _drawn() -> Texts:
    return make_texts(TEXTS)


@dataclass(frozen=True)
class Chunk:
    """Products to copy in, row for row. titles: None for drawn ones."""

    vectors: Floats
    price: Cents
    category: Sequence[str]
    titles: Sequence[str] | None = None


@dataclass
class Filling:
    """Seconds that each step of filling a shop took."""

    rows: int = 0
    steps: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.steps[name] = self.steps.get(name, 0.0) + time.perf_counter() - began


class Shelf:
    """Fills the tables of one database."""

    def __init__(self, database: Database, dimension: int, words: Wordy, model: dict[str, Any] | None = None) -> None:
        """model: columns of embedding_model, where a real one made the vectors."""
        self.database = database
        self.words = words
        # Drawn now, so that it does not count as copying.
        _drawn()
        self.filling = Filling()
        migrate.upgrade(database, dimension)
        named = {"name": "benchmark", "revision": "1", "precision": "fp32", "digest": DIGEST, **(model or {})}
        with database.connection() as connection:
            row = connection.execute(
                "INSERT INTO embedding_model (name, revision, precision, dimension, digest, state) "
                "VALUES (%(name)s, %(revision)s, %(precision)s, %(dimension)s, %(digest)s, 'active') RETURNING id",
                {**named, "dimension": dimension},
            ).fetchone()
        assert row is not None
        self.model = int(row[0])

    def fill(self, chunks: Iterable[Chunk]) -> Filling:
        """Copy all in, make the sketches, build the indexes, and tell the planner what there is."""
        with lone_connection(self.database) as connection:
            definitions = [_drop_index(connection, name) for name in SLOW_INDEXES]
            connection.execute("ALTER TABLE product DISABLE TRIGGER USER")
            for chunk in chunks:
                with self.filling.step("copy"):
                    self._copy(connection, chunk)
            connection.execute("ALTER TABLE product ENABLE TRIGGER USER")
            # Chunks are found by SKU, and a table without statistics is not searched by its key.
            connection.execute("ANALYZE product")
            with self.filling.step("product_search"):
                self._put()
            connection.execute("ANALYZE product_search")
            # Before the indexes: a sketch is a new version of its row, which each of them would have to name.
            with self.filling.step("basis"):
                assert refresh_basis(self.database), "the sketches could not be made"
            for name, definition in zip(SLOW_INDEXES, definitions, strict=True):
                with self.filling.step(name):
                    connection.execute(definition)
            with self.filling.step("vacuum"):
                connection.execute("VACUUM (ANALYZE) product")
                connection.execute("VACUUM (ANALYZE) product_search")
        return self.filling

    def _copy(self, connection: psycopg.Connection[Any], chunk: Chunk) -> None:
        texts = self.words.from_number(self.filling.rows)
        titles: Iterator[str | None] = iter(chunk.titles) if chunk.titles is not None else cycle([None])
        names = ", ".join(COLUMNS)
        with connection.cursor().copy(f"COPY product ({names}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(list(COLUMNS.values()))
            given = zip(chunk.vectors, chunk.price.tolist(), chunk.category, texts, titles, strict=False)
            for number, (vector, price, category, (drawn, description, attributes), title) in enumerate(
                given, self.filling.rows
            ):
                title = title or f"{drawn} {number}"
                copy.write_row(
                    (
                        sku_of(number), title, description, f"Brand {number * 7919 % 200:03d}", category, money(price),
                        CURRENCY, number * 31 % 50, psycopg.types.json.Jsonb(_Raw(attributes), dumps=_Raw.text),
                        HalfVector(vector), self.model, "text", title,
                    )
                )  # fmt: skip
        self.filling.rows += len(chunk.vectors)

    def _put(self) -> None:
        """On two connections, as an import's processes might."""
        starts = range(0, self.filling.rows, PUT_ROWS)

        def work(every: int) -> None:
            with lone_connection(self.database) as connection:
                for start in starts[every::2]:
                    end = min(start + PUT_ROWS, self.filling.rows)
                    connection.execute("SELECT product_search_put(%s)", [[sku_of(n) for n in range(start, end)]])

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, range(2)))


@dataclass(frozen=True)
class _Raw:
    """JSON that is text already."""

    json: str

    def text(self) -> str:
        return self.json


def _drop_index(connection: psycopg.Connection[Any], name: str) -> str:
    """Drop it; returns the statement that makes it again."""
    row = connection.execute("SELECT pg_get_indexdef(%s::regclass)", [name]).fetchone()
    assert row is not None
    connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return str(row[0])


def sizes_mb(database: Database) -> dict[str, float]:
    """MB on disk: the two tables with what lies out of line, all indexes of product_search, and HNSW."""
    with database.connection() as connection:
        row = connection.execute(
            "SELECT pg_table_size('product'), pg_table_size('product_search'), pg_indexes_size('product_search'), "
            "pg_relation_size('product_embedding_hnsw')"
        ).fetchone()
    assert row is not None
    names = ("product", "product_search", "product_search indexes", "hnsw")
    return {name: size / 2**20 for name, size in zip(names, row, strict=True)}
