"""Whatever the OpenAPI document allows, and whatever it forbids, has an answer that the document describes.

Schemathesis makes requests from the document; `python -m benchmarks.fuzz` asks many more, most of them meant.
"""

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import CHECKS, CheckContext, load_all_checks
from schemathesis.schemas import BaseSchema

from benchmarks.fuzz import catalogue, fuzz
from benchmarks.fuzz_requests import Drawer
from server.app import create_app
from server.services import Services
from tests.factories import noise
from tests.integration.api.conftest import TOKEN

load_all_checks()
EXAMPLES = 20  # of each operation and kind
KEPT = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]


def says_what_is_wrong(_: CheckContext, response: Response, __: Case) -> None:
    """Every refusal has the one shape, and a sentence."""
    if response.status_code < 400:
        return
    error = response.json()["error"]
    assert set(error) == {"code", "message", "request_id", "fields"}
    assert error["message"]
    assert "pydantic" not in error["message"]
    assert error["request_id"] == response.headers["x-request-id"][0]


@pytest.fixture
def app(boutique: object, services: Services) -> Flask:
    return create_app(services=services)


@pytest.fixture
def document(app: Flask) -> BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


OPERATIONS = [
    ("GET", "/api/v1/search"),
    ("POST", "/api/v1/search"),
    ("POST", "/api/v1/search/image"),
    ("GET", "/api/v1/suggest"),
    ("POST", "/api/v1/events/click"),
    ("GET", "/api/v1/products/{sku}"),
    ("GET", "/api/v1/products/{sku}/similar"),
    ("PUT", "/api/v1/products/{sku}"),
    ("PATCH", "/api/v1/products/{sku}"),
    ("DELETE", "/api/v1/products/{sku}"),
    ("POST", "/api/v1/products/bulk"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
]


def test_the_list_of_operations_is_whole(document: BaseSchema) -> None:
    found = {(result.ok().method.upper(), result.ok().path) for result in document.get_all_operations()}
    assert found == set(OPERATIONS)


@pytest.mark.parametrize("kind", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_request_has_an_answer_that_the_document_describes(
    document: BaseSchema, method: str, path: str, kind: GenerationMode
) -> None:
    operation = document[path][method]
    if kind is GenerationMode.NEGATIVE and path.endswith("z"):
        # What takes nothing cannot be given anything wrong.
        return
    checks = [*CHECKS.get_by_names(KEPT), says_what_is_wrong]

    @given(case=operation.as_strategy(generation_mode=kind))
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    def ask(case: Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"}, checks=checks)

    ask()


def test_drawn_requests_get_what_is_promised(app: Flask, services: Services) -> None:
    """The first of those that `python -m benchmarks.fuzz` asks, over the small shop."""
    drawer = Drawer(catalogue(services)[0], [noise(seed, image_format="JPEG") for seed in range(3)], seed=1)
    with_hits = 0
    for request, status, outcome, broken in fuzz(app.test_client(), drawer, 300):
        assert status < 500, request
        assert broken is None, (request, broken)
        with_hits += outcome == "2xx with hits"
    assert with_hits > 150
