"""Question (a) and (d): filtered search, exact and by HNSW, and what the planner makes of the analyst's SQL."""

import itertools
import re
import time
from decimal import Decimal
from typing import Any

import numpy as np
from pgvector import HalfVector

from benchmarks.layouts.load import Shop
from benchmarks.layouts.schemas import Layout
from benchmarks.layouts.server import Connection

SHARES = (0.5, 0.1, 0.01, 0.001)
ITERATIVE = ("SET hnsw.iterative_scan = relaxed_order", "SET hnsw.ef_search = 70", "SET hnsw.max_scan_tuples = 20000")
FORBIDDEN = ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin")
ANALYST = """SELECT sku, title, price FROM product_search WHERE price < %(price)s
  ORDER BY embedding <=> %(query)s LIMIT 10"""


def search(connection: Connection, layout: Layout, shop: Shop, most: int = 100) -> list[dict[str, Any]]:
    """Measures every share by both paths; recall is against an exact ranking made in numpy."""
    for setting in ITERATIVE:
        connection.execute(setting)
    found = []
    for share in SHARES:
        limit = _quantile(shop, share)
        few = max(most // 4, 10) if share > 0.05 else most
        exact = measure(connection, (layout.find_exact or layout.find).format(order=" + 0"), shop, limit, few)
        _set(connection, "off")
        hnsw = measure(connection, layout.find.format(order=""), shop, limit, most)
        used = "nearest" in explain(connection, layout.find.format(order=""), shop, limit)
        _set(connection, "on")
        free = "nearest" in explain(connection, layout.find.format(order=""), shop, limit)
        found.append({"share": share, "exact": exact, "hnsw": hnsw, "hnsw_used": used, "planner_takes_hnsw": free})
    return found


def _set(connection: Connection, value: str) -> None:
    """Forbids, or allows again, everything that would keep the planner from the HNSW index."""
    for name in FORBIDDEN:
        connection.execute(f"SET {name} = {value}")


def measure(connection: Connection, statement: str, shop: Shop, limit: float, count: int) -> dict[str, float]:
    """Returns mean recall@10 and the 50th and 95th percentile in milliseconds."""
    took, recall = [], []
    for again, query in itertools.product((False, True), range(min(count, len(shop.queries)))):
        given = {"price": _money(limit), "query": HalfVector(shop.queries[query])}
        start = time.perf_counter()
        rows = connection.execute(statement, given, binary=True).fetchall()
        if again:  # the first pass brings the pages into memory
            took.append((time.perf_counter() - start) * 1e3)
            recall.append(len({int(row[0][3:]) for row in rows} & shop.best(query, limit)) / 10)
    return {"recall": float(np.mean(recall)), "p50": float(np.median(took)), "p95": float(np.quantile(took, 0.95))}


def _quantile(shop: Shop, share: float) -> float:
    return round(float(np.quantile(shop.price, share)), 2)


def _money(amount: float) -> Decimal:
    """A float parameter turns `price < $1` into `price::float8 < $1`: no index, no statistics, 20 times slower."""
    return Decimal(f"{amount:.2f}")


def explain(connection: Connection, statement: str, shop: Shop, limit: float) -> str:
    """Returns the plan as text, the vector cut out."""
    given = {"price": _money(limit), "query": HalfVector(shop.queries[0])}
    plan = "\n".join(row[0] for row in connection.execute("EXPLAIN " + statement, given))
    return re.sub(r"'\[.*?\]'", "$1", plan)


def analyst(connection: Connection, shop: Shop) -> dict[str, Any]:
    """Plans the analyst's statement over the view; returns the plan and whether HNSW serves it, by share."""
    plans = {share: explain(connection, ANALYST, shop, _quantile(shop, share)) for share in SHARES}
    return {"hnsw": {str(share): "nearest" in plan for share, plan in plans.items()}, "plan_at_half": plans[0.5]}
