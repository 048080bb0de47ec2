"""Around every request: its id, its headers, its line in the log, and its place in the metrics."""

import logging
import time
import uuid

from flask import Flask, Response, g, request

from server import logs
from server.web.metrics import Metrics

log = logging.getLogger("server.requests")

LONGEST_ID = 64
# What a client may call a method is up to it; a label has few values.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def register_requests(app: Flask, metrics: Metrics) -> None:
    """Name, measure and log the requests of `app`."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-Id", "")
        g.request_id = given if given.isalnum() and len(given) <= LONGEST_ID else uuid.uuid4().hex
        g.began = time.perf_counter()
        logs.request_id.set(g.request_id)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "SAMEORIGIN")
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        _note(metrics, response.status_code, seconds)
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        # The thread answers another one next.
        logs.request_id.set("")


def _note(metrics: Metrics, status: int, seconds: float) -> None:
    """By the route and not the path, which is as long a list as the catalogue."""
    route = "none" if request.url_rule is None else request.url_rule.rule
    method = request.method if request.method in METHODS else "other"
    metrics.count_request(method, route, status, seconds)
    milliseconds = round(seconds * 1000, 1)
    told = {"method": method, "route": route, "status": status, "ms": milliseconds}
    log.info("%s %s %s %s ms", method, route, status, milliseconds, extra=told)
