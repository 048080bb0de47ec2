"""`/metrics`, for Prometheus: what the processes of this server counted, together, and how the shop is.

`vitrine serve` names a folder in which its processes keep their counters (PROMETHEUS_MULTIPROC_DIR), so that whichever
answers a scrape tells the sum. Labels have few values: no path, no query, no SKU.
"""

import hmac
import ipaddress
import os
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, current_app, make_response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from server import __version__
from server.errors import Forbidden, Unauthorized, VitrineError
from server.jobs.throughput import Throughput
from server.search.pages import ResultPage
from server.search.query import Query
from server.services import Services
from server.settings import Settings
from server.web.context import current_services
from server.web.gauges import Gauges, read_gauges

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Any of these was put there by something between here and there.
PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via")

bp = Blueprint("metrics", __name__)
_KEY = "vitrine.metrics"


class Metrics:
    """What one application counts."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "vitrine_requests", "Requests that were answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "vitrine_request_seconds",
            "How long requests took.",
            ["method", "route"],
            registry=registry,
            buckets=SECONDS,
        )
        self._searches = Counter(
            "vitrine_searches",
            "Pages of searches, by the way that they were found.",
            ["path", "mode"],
            registry=registry,
        )
        self._incomplete = Counter(
            "vitrine_searches_incomplete", "Pages with fewer products than pass the filter.", registry=registry
        )
        self._vectors = Counter(
            "vitrine_query_vectors",
            "Searches that were ranked by a vector, by whether it was at hand.",
            ["cached"],
            registry=registry,
        )

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """An answer that was given."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def count_search(self, page: ResultPage, query: Query) -> None:
        """A page that was found."""
        self._searches.labels(page.plan.path.value, query.mode.value).inc()
        if not page.plan.complete:
            self._incomplete.inc()
        if page.model is not None:
            self._vectors.labels("true" if page.timing.embedding_cached else "false").inc()

    def text(self, services: Services) -> bytes:
        """What a scrape gets."""
        counted = self.registry
        if SHARED_FOLDER in os.environ:
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        shop = CollectorRegistry()
        shop.register(_Shop(services))
        return generate_latest(counted) + generate_latest(shop)


def register_metrics(app: Flask, services: Services) -> Metrics:
    """Count the searches of `app`, and show its metrics."""
    metrics = Metrics()
    app.extensions[_KEY] = metrics
    app.register_blueprint(bp)
    services.search.watch = metrics.count_search
    return metrics


@bp.get("/metrics")
def show() -> Response:
    """For whom the setting lets in."""
    services = current_services()
    _require_reader(services.settings)
    metrics: Metrics = current_app.extensions[_KEY]
    response = make_response(metrics.text(services))
    response.headers["Content-Type"] = CONTENT_TYPE_LATEST
    response.headers["Cache-Control"] = "no-store"
    return response


def _require_reader(settings: Settings) -> None:
    """Raises Unauthorized where the token is wrong, Forbidden where none is set and this is no neighbour."""
    if settings.metrics_token is None:
        if not _is_from_here():
            raise Forbidden("Metrics are told to this machine alone. Set VITRINE_METRICS_TOKEN to read them elsewhere.")
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    expected = settings.metrics_token.get_secret_value()
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), expected.encode()):
        raise Unauthorized("Send the metrics' token as `Authorization: Bearer TOKEN`.")


def _is_from_here() -> bool:
    """Whether the request comes from this machine, by this machine's name, and through no proxy."""
    original = request.environ.get("werkzeug.proxy_fix.orig", {})
    address = original.get("REMOTE_ADDR", request.remote_addr) or ""
    if any(name in request.headers for name in PROXY_HEADERS):
        return False
    host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
    return _is_loopback(address) and (host == "localhost" or _is_loopback(host.strip("[]")))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class _Shop(Collector):
    """How the shop is at this moment. Where the database does not answer, that and no more."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        yield _gauge("vitrine_info", "Which Vitrine this is.", 1, version=__version__)
        try:
            gauges = read_gauges(self._services)
        except VitrineError:
            yield _gauge("vitrine_database_up", "Whether the database answers.", 0)
            return
        yield _gauge("vitrine_database_up", "Whether the database answers.", 1)
        yield from _told(gauges)


def _gauge(name: str, text: str, value: float, /, **labels: str) -> Metric:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _throughput(throughput: Throughput) -> Iterator[Metric]:
    for name, text, done in (
        ("vitrine_jobs_done", "Jobs that succeeded within the last minute or hour.", throughput.jobs),
        ("vitrine_products_embedded", "Products embedded within the last minute or hour.", throughput.embedded),
    ):
        family = GaugeMetricFamily(name, text, labels=["within"])
        family.add_metric(["minute"], done.minute)
        family.add_metric(["hour"], done.hour)
        yield family
    yield _gauge("vitrine_imports_running", "Imports sent by a browser that run.", throughput.imports)
    yield _gauge("vitrine_import_rows_per_second", "Rows a second of these together.", throughput.import_rows)


def _told(gauges: Gauges) -> Iterator[Metric]:
    products = GaugeMetricFamily("vitrine_products", "Products, by status.", labels=["status"])
    for status, number in gauges.products.items():
        products.add_metric([status], number)
    yield products
    jobs = GaugeMetricFamily("vitrine_jobs", "Jobs in the queue, by where they stand.", labels=["state"])
    for state, number in (("waiting", gauges.waiting), ("running", gauges.running), ("failed", gauges.failed)):
        jobs.add_metric([state], number)
    yield jobs
    yield _gauge("vitrine_workers", "Workers that were heard of within half a minute.", gauges.workers)
    yield from _throughput(gauges.throughput)
    coverage = gauges.coverage
    yield _gauge("vitrine_products_live", "Products in the shop.", coverage.live)
    yield _gauge("vitrine_products_covered", "Of these, those with a vector of what they are now.", coverage.covered)
    yield _gauge("vitrine_database_bytes", "Size of the database.", gauges.database_bytes)
    yield _gauge("vitrine_products_bytes", "Size of the products with all that belongs to them.", gauges.products_bytes)
    yield _gauge("vitrine_index_bytes", "Size of the index of the vectors.", gauges.index_bytes)
    yield _gauge("vitrine_disk_free_bytes", "Room on the disk of the data directory.", gauges.disk_free_bytes)
    if gauges.model is not None:
        name, revision, digest = gauges.model
        yield _gauge("vitrine_model_info", "The model of the vectors.", 1, name=name, revision=revision, digest=digest)
