"""The web application over the test database, with a fake encoder."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from server.app import create_app
from server.db.engine import Database
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
