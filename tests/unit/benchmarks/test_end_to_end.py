"""Queries, answers and the breakdown of the benchmark over HTTP."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.end_to_end import breakdown, target
from benchmarks.engine.http_load import Run, body_of, request_of
from benchmarks.engine.queries import around, draw_queries, zipf_stream


def test_queries_are_distinct_parts_of_titles() -> None:
    titles = ["Blue Linen Shirt With Long Sleeves", "Red Canvas Shoes"]
    found = draw_queries(titles, 15)
    assert len(set(found)) == 15
    assert all(any(query in title.lower() for title in titles) for query in found)


def test_a_stream_asks_for_the_first_queries_most() -> None:
    stream = zipf_stream([f"query {n}" for n in range(500)], 5_000)
    counted = Counter(stream)
    assert counted["query 0"] > 3 * counted["query 9"] > 0
    assert len(stream) == 5_000


def test_products_lie_around_the_centers() -> None:
    centers = np.linalg.qr(np.random.default_rng(1).standard_normal((16, 16)))[0].astype(np.float32)
    rows = around(centers, 500)
    assert np.isclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-3).all()
    assert np.bincount((rows @ centers.T).argmax(axis=1), minlength=16).min() > 5


def test_a_body_is_given_once_it_is_whole() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 4\r\n\r\n"
    assert body_of(head[:30]) is None
    assert body_of(head + b"ab") is None
    assert body_of(head + b"abcd") == b"abcd"


def test_an_error_ends_the_run_with_what_the_server_said() -> None:
    with pytest.raises(SystemExit, match="503 Service Unavailable: gone"):
        body_of(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\ngone")


def test_a_request_names_what_is_asked() -> None:
    assert request_of(target("red shoe", "hybrid", [("facets", "brand")]), 80).startswith(
        b"GET /api/v1/search?q=red+shoe&mode=hybrid&limit=10&facets=brand HTTP/1.1\r\n"
    )


def test_a_run_tells_percentiles_and_what_the_answers_say() -> None:
    body = b'{"timing": {"embed_ms": 1.0, "sql_ms": 2.0, "total_ms": 3.5, "embedding_cached": %s}}'
    run = Run(seconds=2.0, own_share=0.1, answers=[(0, 4.0, body % b"true"), (1, 6.0, body % b"false")])
    told = run.figures()
    assert (told["per_second"], told["p50_ms"], told["cached"], told["sql_p50_ms"]) == (1.0, 5.0, 0.5, 2.0)
    assert "sql_p50_ms" not in Run(1.0, 0.1, [(0, 1.0, b'{"status": "ok"}')]).figures()


def test_the_parts_of_a_request_add_up() -> None:
    alone = {"search": "HTTP alone (/healthz)", "clients": 1, "p50_ms": 0.5}
    one = {
        "search": "vector", "clients": 1, "p50_ms": 5.0, "embed_p50_ms": 2.0, "sql_p50_ms": 1.5, "total_p50_ms": 4.0,
    }  # fmt: skip
    (told,) = breakdown([alone, one, one | {"clients": 8}])
    parts = [value for name, value in told.items() if name not in ("search", "all")]
    assert sum(parts) == pytest.approx(told["all"])
