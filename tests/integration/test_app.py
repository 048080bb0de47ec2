"""The application as a whole: what every answer has in common."""

from flask.testing import FlaskClient

from server.app import create_app
from server.db.engine import Database
from server.services import open_services
from server.settings import Settings
from tests.factories import DIMENSION
from tests.fakes import FakeEncoder, fake_manifest


def client(database: Database, settings: Settings) -> FlaskClient:
    services = open_services(settings, database=database, encoder=FakeEncoder(fake_manifest(DIMENSION)))
    return create_app(services=services).test_client()


def test_bootstraps_files_have_a_proper_address_and_come_from_this_server(
    database: Database, settings: Settings
) -> None:
    addresses = {str(rule) for rule in client(database, settings).application.url_map.iter_rules()}
    assert "/bootstrap/static/<path:filename>" in addresses
    assert not any("None" in address for address in addresses)


def test_every_answer_carries_a_request_id_and_refuses_to_be_sniffed_or_framed(
    database: Database, settings: Settings
) -> None:
    answer = client(database, settings).get("/healthz", headers={"X-Request-Id": "abc123"})
    assert answer.headers["X-Request-Id"] == "abc123"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    odd = client(database, settings).get("/healthz", headers={"X-Request-Id": "a b\tc"})
    assert odd.headers["X-Request-Id"].isalnum()


def test_the_api_description_and_its_page_need_no_other_server(database: Database, settings: Settings) -> None:
    test_client = client(database, settings)
    document = test_client.get("/openapi.json").json
    assert document["info"]["title"] == "Vitrine"
    assert "/api/v1/search" in document["paths"]
    page = test_client.get("/api/swagger").get_data(as_text=True)
    assert "http://" not in page
    assert "https://" not in page
