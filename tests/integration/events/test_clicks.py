"""Clicks: of known searches, each product once, nothing else."""

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from server.events import log as event_log
from server.events.event import Click
from server.events.log import EventLog
from server.services import Services
from tests.integration.events.conftest import Rows


@pytest.fixture
def search_id(client: FlaskClient) -> str:
    """The id of a search."""
    return str(client.get("/api/v1/search?q=mug").json["search_id"])


def click(client: FlaskClient, search_id: str, sku: str = "MUG", position: int = 1) -> int:
    body = {"search_id": search_id, "sku": sku, "position": position}
    return client.post("/api/v1/events/click", json=body).status_code


def test_a_click_is_counted_once_a_product(client: FlaskClient, search_id: str, clicks: Rows) -> None:
    assert click(client, search_id, position=3) == 204
    assert click(client, search_id, position=4) == 204
    click(client, search_id, "SHIRT-01", 5)
    assert [(str(row["event"]), row["sku"], row["position"]) for row in clicks()] == [
        (search_id, "MUG", 3),
        (search_id, "SHIRT-01", 5),
    ]
    click(client, search_id, position=7)
    assert len(clicks()) == 2


def test_clicks_in_searches_and_on_products_that_never_were_are_not_counted(
    client: FlaskClient, search_id: str, clicks: Rows
) -> None:
    assert click(client, str(uuid.uuid4())) == 204
    assert click(client, search_id, "NO-SUCH-PRODUCT") == 204
    assert clicks() == []


def test_a_click_waits_for_a_search_that_another_process_will_write(
    services: Services, client: FlaskClient, search_id: str, clicks: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = EventLog(services.database, 90)
    other.start(in_thread=False)
    other.note_click(Click(uuid.UUID(search_id), "MUG", 1))
    assert other.write() == 0
    services.events.write()
    assert other.write() == 1
    assert len(clicks()) == 1
    monkeypatch.setattr(event_log, "SEARCH_WAIT_SECONDS", 0.0)
    other.note_click(Click(uuid.uuid4(), "MUG", 1))
    # It was looked for once, and is not waited for.
    assert (other.write(), other.write()) == (1, 0)


def test_an_old_search_can_be_clicked_in_no_more(
    services: Services, client: FlaskClient, search_id: str, clicks: Rows
) -> None:
    services.events.write()
    with services.database.connection() as connection:
        connection.execute("UPDATE search_event SET at = now() - interval '25 hours'")
    click(client, search_id)
    assert clicks() == []


def test_one_search_has_so_many_clicks_and_no_more(
    client: FlaskClient, search_id: str, clicks: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "MOST_CLICKS", 3)
    for number in range(2):
        click(client, search_id, f"SHIRT-{number:02}")
    assert len(clicks()) == 2
    for number in range(2, 9):
        click(client, search_id, f"SHIRT-{number:02}")
    assert len(clicks()) == 3


def test_a_flood_of_clicks_is_dropped_and_takes_no_memory(
    services: Services, client: FlaskClient, search_id: str, clicks: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "MOST_WAITING", 5)
    for _ in range(20):
        assert click(client, str(uuid.uuid4())) == 204
    assert services.events.dropped == 15


@pytest.mark.parametrize(
    "change",
    [
        {"position": 0},
        {"position": 1001},
        {"position": "first"},
        {"sku": ""},
        {"sku": "A\0B"},
        {"sku": "x" * 101},
        {"search_id": "x"},
        {"search_id": None},
        {"visitor": "ann"},
    ],
)
def test_what_is_no_click_is_refused(client: FlaskClient, search_id: str, change: dict[str, Any]) -> None:
    body = {"search_id": search_id, "sku": "MUG", "position": 1, **change}
    assert client.post("/api/v1/events/click", json=body).status_code == 422


@pytest.mark.parametrize("sent", [b'{"sku": "\\ud800", "position": 1}', b"{", b"[]", b""])
def test_what_is_no_json_is_refused(client: FlaskClient, sent: bytes) -> None:
    answer = client.post("/api/v1/events/click", data=sent, content_type="application/json")
    assert answer.status_code in (400, 422)


def test_a_large_body_is_refused(client: FlaskClient, search_id: str, clicks: Rows) -> None:
    assert click(client, search_id, "x" * 3000) == 413
    assert clicks() == []


def test_no_cookie_is_set_and_no_token_needed(client: FlaskClient, search_id: str) -> None:
    body = {"search_id": search_id, "sku": "MUG", "position": 1}
    answer = client.post("/api/v1/events/click", json=body, headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 204
    assert "Set-Cookie" not in answer.headers
    assert answer.data == b""
