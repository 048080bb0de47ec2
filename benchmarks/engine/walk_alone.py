"""The walk of the index and nothing else: how many a second both cores give, asked by pgbench.

It bounds what any server over this index can answer. pgbench is written in C and comes with the embedded Postgres.
"""

import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from server.db.embedded import binaries
from server.db.engine import Database
from server.search.plan import EF_SEARCH

SECONDS = 8

# pgbench puts in what stands behind a colon.
QUERIES = """
CREATE TABLE walk_alone AS
SELECT row_number() OVER () AS id, embedding
FROM (SELECT embedding FROM product ORDER BY md5(sku) LIMIT 2000) AS product
"""
WALK = """\\set id random(1, 2000)
SET hnsw.ef_search = :ef;
SELECT p.sku, p.title, p.brand, p.price, p.sale_price, p.currency, p.category, p.stock, p.item_group, p.image_sha256,
       p.embedding <=> (SELECT embedding FROM walk_alone WHERE id = :id) AS distance
FROM product AS p WHERE p.status = 'live'
ORDER BY p.embedding <=> (SELECT embedding FROM walk_alone WHERE id = :id) LIMIT 11;
"""


def walk_alone(database: Database, clients: int) -> dict[str, Any]:
    """A row: walks a second by so many connections, and their mean milliseconds. The table that it needs is dropped."""
    with database.connection() as connection:
        connection.execute(QUERIES)
        connection.execute("ALTER TABLE walk_alone ADD PRIMARY KEY (id)")
        connection.execute("ANALYZE walk_alone")
    try:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "walk.sql"
            script.write_text(WALK.replace(":ef", str(EF_SEARCH)), encoding="utf-8")
            options = ["-n", "-M", "prepared", "-f", str(script), "-c", str(clients), "-j", str(min(clients, 2))]
            command = [str(binaries() / "pgbench"), database.url, *options, "-T"]
            # The first round brings the pages of the index into memory.
            subprocess.run([*command, "2"], check=True, capture_output=True)
            said = subprocess.run([*command, str(SECONDS)], check=True, capture_output=True, text=True).stdout
    finally:
        with database.connection() as connection:
            connection.execute("DROP TABLE walk_alone")
    return {"clients": clients, **read_figures(said)}


def read_figures(said: str) -> dict[str, float]:
    """The figures of pgbench's report."""
    found = {
        "per_second": re.search(r"^tps = ([0-9.]+)", said, re.MULTILINE),
        "mean_ms": re.search(r"^latency average = ([0-9.]+) ms", said, re.MULTILINE),
    }
    return {name: round(float(match[1]), 2) for name, match in found.items() if match}
