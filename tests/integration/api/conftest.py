"""The web application over the test database, with a fake encoder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from server.app import create_app
from server.db.engine import Database
from server.search.words.refresh import refresh_words
from server.services import Services, open_services
from server.settings import load_settings
from tests.factories import DIMENSION
from tests.fakes import FakeEncoder, fake_manifest

TOKEN = "a-token-for-tests-only"


@pytest.fixture
def services(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Services:
    """Parametrize with a dict of environment names to change settings."""
    changes: dict[str, Any] = getattr(request, "param", {})
    settings = load_settings(_env_file=None, **{"VITRINE_DATA_DIR": tmp_path, "VITRINE_ADMIN_TOKEN": TOKEN, **changes})
    return open_services(settings, database=database, encoder=FakeEncoder(fake_manifest(DIMENSION)))


@pytest.fixture
def client(services: Services) -> FlaskClient:
    """Calls the application without a network."""
    return create_app(services=services).test_client()


@pytest.fixture
def write() -> dict[str, str]:
    """Headers of a request that may write."""
    return {"Authorization": f"Bearer {TOKEN}"}


BOUTIQUE: list[dict[str, Any]] = [
    {"sku": "S-1", "title": "Blue striped shirt", "brand": "Acme", "category": "Apparel/Shirts", "price": 40,
     "stock": 3, "item_group": "STRIPES", "attributes": {"colour": "Blue", "size": "M"}},
    {"sku": "S-2", "title": "Blue striped shirt large", "brand": "Acme", "category": "Apparel/Shirts", "price": 42,
     "stock": 0, "item_group": "STRIPES", "attributes": {"colour": "Blue", "size": "L"}},
    {"sku": "S-3", "title": "Red shirt", "brand": "Bolt", "category": "Apparel/Shirts", "price": 25,
     "stock": 5, "attributes": {"colour": "Red", "size": "M"}},
    {"sku": "D-1", "title": "Red dress", "brand": "Bolt", "category": "Apparel/Dresses", "price": 80,
     "sale_price": 60, "attributes": {"colour": "Red", "size": "L"}},
    {"sku": "J-1", "title": "Blue denim jacket", "brand": "Acme", "category": "Apparel/Jackets", "price": 120,
     "attributes": {"colour": "Blue"}},
    {"sku": "F-1", "title": "Green shoes with laces", "brand": "Bolt", "category": "Footwear/Shoes", "price": 70},
    {"sku": "F-2", "title": "Green shoes", "brand": "Coil", "category": "Footwear/Shoes", "price": 65, "stock": 9},
    {"sku": "H-1", "title": "Yellow mug", "category": "Home/Mugs", "price": 9.5, "currency": "EUR"},
]  # fmt: skip


@pytest.fixture
def boutique(client: FlaskClient, write: dict[str, str], database: Database) -> FlaskClient:
    """The application over BOUTIQUE, whose words were computed. Vectors are those of the titles."""
    answer = client.post("/api/v1/products/bulk", json={"products": BOUTIQUE}, headers=write)
    assert answer.json["refused"] == []
    with database.connection() as connection:
        assert refresh_words(connection) is not None
    return client


Find = Callable[..., Any]


@pytest.fixture
def find(boutique: FlaskClient) -> Find:
    """Searches the boutique: find(q="shirt", limit=2) is the answer's JSON."""

    def ask(**parameters: Any) -> Any:
        answer = boutique.get("/api/v1/search", query_string=parameters)
        assert answer.status_code == 200, answer.json
        return answer.json

    return ask
