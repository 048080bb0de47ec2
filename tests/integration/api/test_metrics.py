"""`/metrics`: what was counted, how the shop is, and who may read it."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from server.app import create_app
from server.db.engine import Database
from server.db.work_done import Work, note_work
from server.embedding.current import ActiveModel
from server.errors import OtherModel
from server.search.pages import ResultPage
from server.search.plan import Path, Plan
from server.search.query import Query
from server.services import Services, open_services
from server.settings import Settings
from server.web.metrics import Metrics
from tests.factories import DIMENSION, add_product
from tests.fakes import FakeEncoder, fake_manifest

METRICS_TOKEN = "another-token-for-tests"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(client: FlaskClient) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    return read(answer.text)


def value(samples: Samples, name: str, /, **labels: str) -> float:
    return samples.get((name, tuple(sorted(labels.items()))), 0)


def test_requests_are_counted_by_route_and_never_by_path(boutique: FlaskClient) -> None:
    for address in ("/api/v1/products/S-1", "/api/v1/products/S-2", "/api/v1/products/NONE", "/no/such/page"):
        boutique.get(address)
    boutique.open("/healthz", method="BREW")
    samples = scrape(boutique)
    rule = {"method": "GET", "route": "/api/v1/products/<path:sku>"}
    assert value(samples, "vitrine_requests_total", **rule, status="200") == 2
    assert value(samples, "vitrine_requests_total", **rule, status="404") == 1
    assert value(samples, "vitrine_request_seconds_count", **rule) == 3
    assert value(samples, "vitrine_request_seconds_bucket", **rule, le="10.0") == 3
    assert value(samples, "vitrine_requests_total", method="GET", route="none", status="404") == 1
    assert value(samples, "vitrine_requests_total", method="other", route="none", status="405") == 1
    text = boutique.get("/metrics").text
    for unbounded in ("S-1", "NONE", "such/page", "BREW"):
        assert unbounded not in text


def test_searches_are_counted_by_the_way_they_were_found(boutique: FlaskClient) -> None:
    for parameters in ({"q": "red"}, {"q": "red"}, {"q": "red", "mode": "text"}, {}):
        assert boutique.get("/api/v1/search", query_string=parameters).status_code == 200
    assert boutique.get("/?q=red").status_code == 200
    samples = scrape(boutique)
    assert value(samples, "vitrine_searches_total", path="exact", mode="hybrid") == 3
    assert value(samples, "vitrine_searches_total", path="browse", mode="hybrid") == 1
    assert value(samples, "vitrine_query_vectors_total", cached="false") == 1
    assert value(samples, "vitrine_query_vectors_total", cached="true") == 2
    assert value(samples, "vitrine_searches_incomplete_total") == 0


def test_incomplete_searches_are_counted() -> None:
    metrics = Metrics()
    plan = Plan(Path.HNSW, "a reason", 10, complete=False)
    metrics.count_search(ResultPage([], 0, True, None, plan, "USD", model=ActiveModel("a", "1", "b")), Query())
    assert metrics.registry.get_sample_value("vitrine_searches_incomplete_total") == 1


def test_the_shop_is_told(boutique: FlaskClient, database: Database) -> None:
    with database.connection() as connection:
        add_product(connection, "NO-VECTOR")
        add_product(connection, "DRAFT", status="draft")
        connection.execute(
            "INSERT INTO procrastinate_jobs (task_name, queue_name, status) "
            "VALUES ('a', 'b', 'failed'), ('a', 'b', 'todo')"
        )
        connection.execute("TRUNCATE work_done")
        note_work(connection, Work.JOB, 3)
        note_work(connection, Work.EMBEDDING, 8)
    samples = scrape(boutique)
    assert value(samples, "vitrine_jobs_done", within="minute") == 3
    assert value(samples, "vitrine_products_embedded", within="hour") == 8
    assert value(samples, "vitrine_imports_running") == 0
    assert ("vitrine_import_rows_per_second", ()) in samples
    assert value(samples, "vitrine_database_up") == 1
    assert value(samples, "vitrine_products", status="live") == 9
    assert value(samples, "vitrine_products", status="draft") == 1
    assert (value(samples, "vitrine_products_live"), value(samples, "vitrine_products_covered")) == (9, 8)
    assert value(samples, "vitrine_jobs", state="failed") == 1
    assert value(samples, "vitrine_jobs", state="waiting") == 1
    assert value(samples, "vitrine_jobs", state="running") == 0
    assert value(samples, "vitrine_workers") == 0
    for name in ("database", "products", "index", "disk_free"):
        assert value(samples, f"vitrine_{name}_bytes") > 0
    digest = fake_manifest(DIMENSION).digest[:12]
    assert value(samples, "vitrine_model_info", name="fake", revision="1", digest=digest) == 1


def test_without_a_database_the_rest_is_told(settings: Settings) -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1", pool_size=1)
    database.pool.timeout = 0.2
    services = open_services(settings, database=database, encoder=FakeEncoder(fake_manifest(DIMENSION)))
    client = create_app(services=services).test_client()
    try:
        client.get("/healthz")
        samples = scrape(client)
    finally:
        database.close()
    assert value(samples, "vitrine_database_up") == 0
    assert ("vitrine_database_up", ()) in samples
    assert value(samples, "vitrine_requests_total", method="GET", route="/healthz", status="200") == 1


@pytest.mark.parametrize(
    ("request_made", "status"),
    [
        ({}, 200),
        ({"environ_base": {"REMOTE_ADDR": "::1"}}, 200),
        ({"base_url": "http://127.0.0.1:8000"}, 200),
        ({"base_url": "http://[::1]:8000"}, 200),
        ({"environ_base": {"REMOTE_ADDR": "10.0.0.7"}}, 403),
        # A proxy on this machine, and a page of somebody who made his name mean this machine.
        ({"headers": {"X-Forwarded-For": "127.0.0.1"}}, 403),
        ({"headers": {"Forwarded": "for=127.0.0.1"}}, 403),
        ({"base_url": "http://shop.example"}, 403),
    ],
)
def test_without_a_token_only_this_machine_reads(
    client: FlaskClient, request_made: dict[str, Any], status: int
) -> None:
    answer = client.get("/metrics", **request_made)
    assert answer.status_code == status
    if status == 403:
        assert "VITRINE_METRICS_TOKEN" in answer.json["error"]["message"]


@pytest.mark.parametrize("services", [{"VITRINE_PROXIES": "1"}], indirect=True)
def test_a_trusted_proxy_is_a_proxy(client: FlaskClient) -> None:
    there = {"REMOTE_ADDR": "10.0.0.7"}
    told = {"X-Forwarded-For": "127.0.0.1"}
    assert client.get("/metrics", environ_base=there, headers=told).status_code == 403
    assert client.get("/metrics", environ_base=there).status_code == 403
    assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize("services", [{"VITRINE_METRICS_TOKEN": METRICS_TOKEN}], indirect=True)
def test_with_a_token_whoever_has_it_reads_and_nobody_else(client: FlaskClient) -> None:
    far = {"REMOTE_ADDR": "10.0.0.7"}
    for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": METRICS_TOKEN}):
        assert client.get("/metrics", headers=wrong).status_code == 401
    right = {"Authorization": f"Bearer {METRICS_TOKEN}", "X-Forwarded-For": "10.0.0.7"}
    assert client.get("/metrics", headers=right, environ_base=far).status_code == 200


def readiness(client: FlaskClient) -> tuple[int, dict[str, str]]:
    answer = client.get("/readyz")
    assert answer.json["ready"] is (answer.status_code == 200)
    return answer.status_code, answer.json["checks"]


def test_ready_says_each_part_in_its_own_word(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = {"database": "ok", "schema": "ok", "model": "ok", "disk": "ok"}
    assert readiness(client) == (200, fine)
    with monkeypatch.context() as patch:
        patch.setattr("server.api.health.LEAST_FREE_BYTES", 10**18)
        status, checks = readiness(client)
    assert (status, checks | {"disk": "ok"}) == (503, fine)
    assert "are free in the data directory. Make room." in checks["disk"]

    def refuse(_: str) -> None:
        raise OtherModel("It is not installed.")

    with monkeypatch.context() as patch:
        patch.setattr(services.encoder, "embed_text", refuse)
        assert readiness(client) == (503, fine | {"model": "It is not installed."})
    assert readiness(client) == (200, fine)


@pytest.mark.parametrize(
    ("revision", "said"), [("0009", "Not current. Run `vitrine db upgrade`."), ("9999", "Newer than this version")]
)
def test_ready_tells_an_old_schema_from_a_new_one(
    client: FlaskClient, database: Database, revision: str, said: str
) -> None:
    with database.connection() as connection:
        (before,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        connection.execute("UPDATE alembic_version SET version_num = %s", [revision])
    try:
        status, checks = readiness(client)
    finally:
        with database.connection() as connection:
            connection.execute("UPDATE alembic_version SET version_num = %s", [before])
    assert status == 503
    assert checks["database"] == "ok"
    assert checks["schema"].startswith(said)


def test_ready_says_that_the_database_is_away(settings: Settings) -> None:
    settings.data_dir.mkdir()
    database = Database("postgresql://nobody@127.0.0.1:1/nothing", pool_size=1)
    services = open_services(settings, database=database, encoder=FakeEncoder(fake_manifest(DIMENSION)))
    status, checks = readiness(create_app(services=services).test_client())
    assert status == 503
    assert checks["database"].startswith("The database does not answer.")
    assert checks["schema"] == checks["model"] == "Not looked at, because the database does not answer."
    assert checks["disk"] == "ok"
