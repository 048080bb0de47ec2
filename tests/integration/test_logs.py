"""What the server logs: a line a request, its id on every line, and nothing that somebody typed."""

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from server import logs
from server.app import create_app
from server.db.engine import Database
from server.services import open_services
from server.settings import Settings
from tests.factories import DIMENSION, add_product, picture
from tests.fakes import FakeEncoder, fake_manifest

Lines = Callable[[], list[str]]


@pytest.fixture
def client(database: Database, settings: Settings) -> FlaskClient:
    services = open_services(settings, database=database, encoder=FakeEncoder(fake_manifest(DIMENSION)))
    return create_app(services=services).test_client()


@pytest.fixture
def lines(request: pytest.FixtureRequest) -> Iterator[Lines]:
    """What is written at INFO, parametrized with the format."""
    written, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.FORMATTERS[getattr(request, "param", "json")]())
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: written.getvalue().splitlines()
    root.removeHandler(handler)
    root.setLevel(before)


def test_a_request_is_one_line_with_its_route_and_its_time(client: FlaskClient, lines: Lines) -> None:
    client.get("/api/v1/products/NONE?secret=typed", headers={"X-Request-Id": "abc123"})
    (line,) = [json.loads(line) for line in lines()]
    assert line.pop("ms") >= 0
    assert line.pop("time").endswith("+00:00")
    assert line.pop("message").startswith("GET /api/v1/products/<path:sku> 404 ")
    assert line == {
        "level": "INFO",
        "logger": "server.requests",
        "request_id": "abc123",
        "method": "GET",
        "route": "/api/v1/products/<path:sku>",
        "status": 404,
    }


@pytest.mark.parametrize("lines", ["text"], indirect=True)
def test_lines_for_people_have_the_id_too(client: FlaskClient, lines: Lines) -> None:
    client.get("/healthz", headers={"X-Request-Id": "abc123"})
    logging.getLogger("elsewhere").info("later")
    request_line, later = lines()
    assert " INFO server.requests [abc123]: GET /healthz 200 " in request_line
    assert later.endswith("INFO elsewhere [-]: later")


def test_every_line_of_a_request_has_its_id_and_others_have_none(
    client: FlaskClient, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr("server.search.service.SearchService.by_text", fail)
    assert client.get("/api/v1/search?q=x", headers={"X-Request-Id": "abc123"}).status_code == 500
    logging.getLogger("elsewhere").info("later")
    *of_request, later = [json.loads(line) for line in lines()]
    assert len(of_request) == 2
    assert {line["request_id"] for line in of_request} == {"abc123"}
    assert "RuntimeError: out of order" in of_request[0]["exception"]
    assert "request_id" not in later


def test_nothing_that_was_typed_and_no_secret_is_logged(client: FlaskClient, database: Database, lines: Lines) -> None:
    with database.connection() as connection:
        add_product(connection, "A-1")
    word = "zyzzyva"
    client.get(f"/?q={word}")
    client.get(f"/api/v1/search?q={word}&brand={word}&attribute={word}:{word}")
    client.get(f"/api/v1/search?q={word}&price_min={word}&cursor={word}")
    client.get(f"/api/v1/suggest?q={word}")
    client.get(f"/like/A-1?q={word}")
    client.get(f"/{word}")
    client.post("/api/v1/search", json={"query": [{"text": word}], word: word})
    client.post("/api/v1/search/image", data={"image": (io.BytesIO(picture()), f"{word}.jpg")})
    client.put("/api/v1/products/A-1", json={"title": word}, headers={"Authorization": f"Bearer {word}"})
    client.post("/admin/login", data={"name": word, "password": word})
    assert len(lines()) >= 10
    assert not [line for line in lines() if word in line]


def test_what_cannot_be_json_is_told_all_the_same() -> None:
    record = logging.LogRecord("a", logging.INFO, "", 0, "%s and %s", (object(), "\udcff"), None)
    record.status = object()
    line = logs.JsonLines().format(record)
    assert json.loads(line)["level"] == "INFO"
