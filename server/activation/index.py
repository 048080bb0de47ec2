"""Indexes beside the old ones, built while the shop goes on (CREATE INDEX CONCURRENTLY)."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg

from server.activation.session import SQL
from server.db.engine import CONNECT_SECONDS, Database

HNSW = "product_embedding_other_hnsw"
ACTIVE_HNSW = "product_embedding_hnsw"
GAP = "product_embedding_other_gap"
WATCH_SECONDS = 1.0


def drop_unfinished(connection: psycopg.Connection) -> None:
    """Drop what a killed run left: it finds nothing, and every write pays for it."""
    for name in (HNSW, GAP):
        if _state(connection, name) is False:
            connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def drop_all(connection: psycopg.Connection) -> None:
    """Drop the indexes of vectors that are nobody's any more: every write would pay for them."""
    for name in (HNSW, GAP):
        connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def build_gap(connection: psycopg.Connection) -> None:
    """The index that finds products without a vector of the other model at once, if it is not there."""
    if _state(connection, GAP) is None:
        connection.execute(f"CREATE INDEX CONCURRENTLY {GAP} ON product (sku) WHERE embedding_other IS NULL")


def build_hnsw(connection: psycopg.Connection) -> None:
    """The vectors' index, with the options of the active one, if it is not there."""
    if _state(connection, HNSW) is not None:
        return
    row = connection.execute(SQL["index_options"], {"index": ACTIVE_HNSW}).fetchone()
    options = f" WITH ({row[0]})" if row and row[0] else ""
    connection.execute(
        f"CREATE INDEX CONCURRENTLY {HNSW} ON product USING hnsw (embedding_other halfvec_cosine_ops){options}"
    )


@contextmanager
def watched(database: Database, on_index: Callable[[float], None] | None) -> Iterator[None]:
    """Tells what share of the table an index that is built inside the block has read, from a session of its own."""
    done = threading.Event()

    def watch(tell: Callable[[float], None]) -> None:
        # Nobody misses it where it fails: what goes wrong with the database shows where the index is built.
        with suppress(psycopg.Error):
            connecting = psycopg.connect(database.url, connect_timeout=CONNECT_SECONDS, autocommit=True)
            with connecting as connection:
                while not done.wait(WATCH_SECONDS):
                    row = connection.execute(SQL["index_share"]).fetchone()
                    if row is not None and row[0] is not None:
                        tell(float(row[0]))

    thread = None if on_index is None else threading.Thread(target=watch, args=(on_index,), daemon=True)
    if thread is not None:
        thread.start()
    try:
        yield
    finally:
        done.set()
        if thread is not None:
            thread.join()


def _state(connection: psycopg.Connection, name: str) -> bool | None:
    """Whether the index is valid; None where there is none."""
    row = connection.execute(SQL["index_state"], {"index": name}).fetchone()
    return None if row is None else bool(row[0])
