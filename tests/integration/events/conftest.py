"""The application over a small shop, noting searches without a thread: a test says when they are written."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from server.app import create_app
from server.catalog.product import ProductInput
from server.db.engine import Database
from server.services import Services, open_services
from server.settings import load_settings
from tests.factories import DIMENSION, picture
from tests.fakes import FakeEncoder, fake_manifest

SHIRTS = 30


@pytest.fixture
def services(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Services:
    """Parametrize with a dict of environment names to change settings."""
    changes: dict[str, Any] = getattr(request, "param", {})
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=tmp_path, **changes)
    services = open_services(settings, database=database, encoder=FakeEncoder(fake_manifest(DIMENSION)))
    services.catalog.put(ProductInput(sku="MUG", title="A mug", price=Decimal(10)), picture("red"))
    shirts = [
        ProductInput(sku=f"SHIRT-{number:02}", title=f"A shirt number {number}", price=Decimal(20))
        for number in range(SHIRTS)
    ]
    services.catalog.upsert_many([(shirt, None) for shirt in shirts])
    services.events.start(in_thread=False)
    return services


@pytest.fixture
def client(services: Services) -> FlaskClient:
    """Calls the application without a network."""
    return create_app(services=services).test_client()


Rows = Callable[[], list[dict[str, Any]]]


def _rows(services: Services, table: str, order: str) -> Rows:
    def read() -> list[dict[str, Any]]:
        services.events.write()
        with services.database.connection() as connection:
            cursor = connection.execute(f"SELECT * FROM {table} ORDER BY {order}")  # noqa: S608
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    return read


@pytest.fixture
def searches(services: Services) -> Rows:
    """All searches, what waits written first, oldest first."""
    return _rows(services, "search_event", "at")


@pytest.fixture
def clicks(services: Services) -> Rows:
    """All clicks, what waits written first."""
    return _rows(services, "search_click", "sku")
