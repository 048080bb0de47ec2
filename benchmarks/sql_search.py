"""Does a search in SQL find what it should under a filter, and how long does it take? Beside the search room itself.

    python -m benchmarks.sql_search [--rows 200000] [--queries 100] [--json]

The shop, the filters and the right answers are those of benchmarks/filtered_search.py. Asked is
`vitrine_sql.nearest_products` with a query's vector, which is what `search_products` calls once it has embedded the
words; the text tower has figures of its own. `sql` is one statement on one connection, as an analyst sends it; `http`
is the search room called as the API calls it, for the same questions. `complete` counts the answers that have
min(10, matching) products.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from rich.console import Console
from rich.table import Table

from benchmarks.engine.answers import TOP, Asked, Exam, Marks, Row
from benchmarks.engine.filters import cases
from benchmarks.engine.ours import Ours
from benchmarks.engine.shop import Shelf, Wordy, number_of, own_database, own_postgres
from benchmarks.filtered_search import LEAST_RECALL, RELATIONS, WARM_QUERIES, fill, make_exam, named
from server.db.embedded import EmbeddedPostgres
from server.db.engine import Database
from server.sql_surface import surface
from server.sql_surface.surface import Wanted

NEAREST = """
SELECT sku, path FROM vitrine_sql.nearest_products(
    %(vector)s, min_price => %(price_min)s, max_price => %(price_max)s, category => %(category)s, k => %(k)s)
"""
# Words are not asked here, so nothing has to compute them.
NO_TOWER = """
CREATE OR REPLACE FUNCTION vitrine_sql.embed_text(said text) RETURNS halfvec LANGUAGE sql AS 'SELECT NULL::halfvec'
"""

log = logging.getLogger("sql_search")


class InSql:
    """The surface of one shop, asked on one connection."""

    def __init__(self, database: Database) -> None:
        self.surface = surface.install(
            database, Wanted(None, lambda: "", lambda connection: connection.execute(NO_TOWER))
        )
        self.connection = psycopg.connect(database.url, autocommit=True)
        register_vector(self.connection)

    def answer(self, asked: Asked, marks: Marks) -> None:
        """Ask once and note what came."""
        filters = asked.bounds.filters()
        parameters = {
            "vector": HalfVector(asked.query),
            "price_min": filters.price_min,
            "price_max": filters.price_max,
            "category": filters.category,
            "k": TOP,
        }
        cursor = self.connection.cursor(binary=True)
        began = time.perf_counter()
        rows = cursor.execute(NEAREST, parameters, prepare=True).fetchall()
        marks.add(asked, [number_of(sku) for sku, _ in rows], (time.perf_counter() - began) * 1000)
        marks.plans.append(rows[0][1] if rows else "none")


def measure(embedded: EmbeddedPostgres, exam: Exam) -> list[Row]:
    """A row for each case, and one without a filter; one catalogue at a time."""
    rows: list[Row] = []
    dimension = exam.vectors.shape[1]
    for catalogue, relations in RELATIONS.items():
        with own_database(embedded, f"shop_{catalogue}") as database:
            shelf = Shelf(database, dimension, Wordy())
            fill(shelf, exam, exam.columns[catalogue])
            log.info("%s catalogue filled: %s", catalogue, shelf.filling.steps)
            ours, in_sql = Ours(database, dimension), InSql(database)
            for case in (*(() if rows else (None,)), *cases(relations)):
                for asked in exam.asked(case, catalogue, WARM_QUERIES):
                    in_sql.answer(asked, Marks())
                    ours.answer(asked, Marks())
                by_http, by_sql = Marks(), Marks()
                for asked in exam.asked(case, catalogue):
                    in_sql.answer(asked, by_sql)
                    ours.answer(asked, by_http)
                rows.append(named(case) | _told(by_sql, by_http))
            in_sql.connection.close()
    return rows


def _told(by_sql: Marks, by_http: Marks) -> Row:
    sql, http = by_sql.row(), by_http.row()
    return {
        "matching": sql["matching"],
        "recall@10 sql": sql["recall_at_10"],
        "http": http["recall_at_10"],
        "p50 ms sql": sql["p50_ms"],
        "http ms": http["p50_ms"],
        "p95 ms sql": sql["p95_ms"],
        "complete": f"{sql['queries'] - sql['short']} of {sql['queries']}",
        "path": sql["plan"],
    }


def misses(rows: list[Row]) -> list[str]:
    """What a row does not reach, in words."""
    found = []
    for row in rows:
        name = f"{row['filter']} {100 * row['share']:g}% {row['relation']}".strip()
        if row["recall@10 sql"] < LEAST_RECALL:
            found.append(f"{name}: recall {row['recall@10 sql']} < {LEAST_RECALL}")
        complete, _, queries = row["complete"].split()
        if complete != queries:
            found.append(f"{name}: {row['complete']} pages are full")
    return found


def show(told: dict[str, Any]) -> None:
    """For people."""
    console = Console(width=170, highlight=False)
    table = Table(title=f"{told['products']:,} x {told['dimension']}; target: recall {LEAST_RECALL}, every page full")
    columns = list(told["rows"][0])
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left")
    for row in told["rows"]:
        table.add_row(*(f"{100 * row[c]:g}%" if c == "share" else str(row[c]) for c in columns))
    console.print(table)
    console.print("\n".join(told["misses"]) or "Every row reaches its targets.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    log.setLevel(logging.INFO)
    with tempfile.TemporaryDirectory(prefix="vt-", ignore_cleanup_errors=True) as folder, own_postgres() as embedded:
        exam = make_exam("synthetic", arguments.rows, arguments.queries, Path(folder))
        rows = measure(embedded, exam)
    told = {"products": len(exam.vectors), "dimension": exam.vectors.shape[1], "rows": rows, "misses": misses(rows)}
    if arguments.json:
        print(json.dumps(told, indent=1))
    else:
        show(told)


if __name__ == "__main__":
    main()
