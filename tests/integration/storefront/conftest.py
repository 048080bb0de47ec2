"""The shop's pages over the test database, with a fake encoder."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from server.app import create_app
from server.catalog.product import ProductInput
from server.db.engine import Database
from server.search import scoring
from server.services import Services, open_services
from server.settings import load_settings
from tests.factories import DIMENSION, picture
from tests.fakes import FakeEncoder, fake_manifest


@pytest.fixture
def services(database: Database, tmp_path: Path) -> Services:
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=tmp_path, VITRINE_MAX_UPLOAD_MB=1)
    return open_services(settings, database=database, encoder=FakeEncoder(fake_manifest(DIMENSION)))


@pytest.fixture
def client(services: Services) -> FlaskClient:
    """Calls the application without a network."""
    return create_app(services=services).test_client()


@pytest.fixture
def put(services: Services) -> Callable[..., None]:
    """Puts products into the shop: a SKU, and what of it matters."""

    def put_one(sku: str, colour: str | None = "red", **fields: Any) -> None:
        record = ProductInput(**{"sku": sku, "title": f"Thing {sku}", "price": Decimal(10), **fields})
        services.catalog.put(record, None if colour is None else picture(colour))

    return put_one


@pytest.fixture
def shop(client: FlaskClient, put: Callable[..., None]) -> FlaskClient:
    """A red mug for 10, a blue shirt for 20 that is sold out, a green shirt on sale."""
    put("MUG", "red", title="A mug", brand="Acme", category="Kitchen/Mugs")
    put("SHIRT", "blue", title="A shirt", brand="Bo & Co", category="Apparel/Shirts", price=Decimal(20), stock=0)
    put("SALE", "green", title="Last shirt", category="Apparel/Shirts", price=Decimal(30), sale_price=Decimal(25))
    return client


@pytest.fixture(autouse=True)
def large_enough_to_cut() -> Iterator[None]:
    """What has little to do with a query is left out of these shops of a few products too, as of a large one."""
    # Of its own: what a test patches has to be undone before the database is closed.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "FEWEST_TO_CUT", 0)
        yield
