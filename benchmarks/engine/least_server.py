"""The least server that could answer the same: Flask, one prepared walk of the index, ten rows as JSON.

It understands nothing, filters nothing, checks neither model nor input, and looks its query's vector up in a dict. What
it takes is the floor under what any server of this kind over this index can take, measured in the same run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle

import orjson
import psycopg
from flask import Flask, Response
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server import Server
from pgvector.psycopg import register_vector
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from benchmarks.engine.http_load import keep_busy, request_of
from benchmarks.latency import free_port, wait_until_ready
from server.db.engine import Database
from server.search.plan import EF_SEARCH

DATABASE_URL = "LEAST_SERVER_DATABASE"
VECTORS = "SELECT embedding FROM query_embedding ORDER BY text_hash LIMIT 2000"
WALK = """
SELECT p.sku, p.title, p.brand, p.price::float8 AS price, p.sale_price::float8 AS sale_price, p.currency, p.category,
       p.stock, p.item_group, p.image_sha256 AS image, 1 - (p.embedding <=> %s) AS score
FROM product AS p WHERE p.status = 'live'
ORDER BY p.embedding <=> %s LIMIT 10
"""


def create_least_app() -> Flask:
    """Answers /readyz, and /walk with ten products near to the next of the remembered queries."""

    def configure(connection: psycopg.Connection) -> None:
        connection.autocommit = True
        register_vector(connection)
        connection.execute(f"SET hnsw.ef_search = {EF_SEARCH:d}")

    pool = ConnectionPool(os.environ[DATABASE_URL], min_size=1, max_size=4, configure=configure)
    with pool.connection() as connection:
        vectors = cycle([row[0] for row in connection.execute(VECTORS).fetchall()])
    app = Flask("least")

    @app.get("/readyz")
    def readyz() -> str:
        return "ok"

    @app.get("/walk")
    def walk() -> Response:
        vector = next(vectors)
        with pool.connection() as connection, connection.cursor(binary=True, row_factory=dict_row) as cursor:
            hits = cursor.execute(WALK, (vector, vector), prepare=True).fetchall()
        return Response(orjson.dumps({"hits": hits}), mimetype="application/json")

    return app


@contextmanager
def served(database: Database, workers: int, threads: int) -> Iterator[int]:
    """It in processes of its own, as `vitrine serve` runs its web processes; its port."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.engine.least_server", str(port), str(workers), str(threads)]
    process = subprocess.Popen(command, env={**os.environ, DATABASE_URL: database.url})
    try:
        wait_until_ready(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def least_server(
    database: Database, workers: int, threads: int, requests: int, clients: Sequence[int]
) -> list[dict[str, object]]:
    """A row for each number of clients. Where no query is remembered there is nothing to ask: no rows."""
    with database.connection() as connection:
        if connection.execute(VECTORS).fetchone() is None:
            return []
    with served(database, workers, threads) as port:
        asked = [request_of("/walk", port)] * requests
        keep_busy(port, asked, max(clients))
        return [
            {"search": "the least server", "clients": count, **keep_busy(port, asked, count).figures()}
            for count in clients
        ]


def main() -> None:
    port, workers, threads = map(int, sys.argv[1:])
    Server(
        "benchmarks.engine.least_server:create_least_app",
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=workers,
        blocking_threads=threads,
        log_level=LogLevels.error,
    ).serve()


if __name__ == "__main__":
    main()
