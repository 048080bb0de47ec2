"""What people search for is recorded, once a search, from the API and from the shop."""

import base64
import io
import re
import time
import uuid
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from PIL import Image

from server.app import create_app
from server.db.engine import Database
from server.events import log as event_log
from server.events.event import Kind, Origin, SearchEvent, Subject
from server.events.log import EventLog
from server.search.query import Query
from server.services import Services, open_services
from server.settings import load_settings
from tests.factories import DIMENSION, picture
from tests.fakes import FakeEncoder, fake_manifest
from tests.integration.events.conftest import Rows

PAGE = {"Accept": "text/html"}


def test_a_search_over_the_api_is_recorded_as_it_was_typed(client: FlaskClient, searches: Rows) -> None:
    answer = client.get("/api/v1/search", query_string={"q": "  Red\t “MUG” under 50", "mode": "text"}).json
    (row,) = searches()
    assert str(row["id"]) == answer["search_id"]
    assert (row["query"], row["normalised"]) == ("Red “MUG” under 50", 'red "mug" under 50')
    assert (row["origin"], row["kind"], row["mode"], row["path"]) == ("api", "words", "text", "text")
    assert (row["total"], row["total_is_exact"]) == (answer["total"], answer["total_is_exact"])
    assert row["complete"] is answer["plan"]["complete"]
    assert row["milliseconds"] == pytest.approx(answer["timing"]["total_ms"], rel=1e-5)
    assert row["narrowed"] is False


def test_filters_that_were_chosen_are_noted_and_what_is_typed_is_no_choice(client: FlaskClient, searches: Rows) -> None:
    client.get("/api/v1/search?q=mug&price_max=5")
    client.get("/?q=mug&in_stock=true")
    client.get("/?q=mug+in+stock")
    assert [row["narrowed"] for row in searches()] == [True, True, False]


def test_the_shop_records_its_searches_and_not_what_it_counts_beside_them(client: FlaskClient, searches: Rows) -> None:
    page = client.get("/?q=shirt&price_max=50", headers=PAGE).text
    (row,) = searches()
    assert (row["origin"], row["kind"], row["query"], row["mode"]) == ("shop", "words", "shirt", "hybrid")
    assert f'data-search="{row["id"]}"' in page
    assert 'data-sku="SHIRT-00" data-position="' in page


def test_each_way_to_search_has_its_kind(client: FlaskClient, searches: Rows) -> None:
    photo = base64.b64encode(picture("red")).decode()
    client.get("/")
    client.get("/api/v1/search?q=%20")
    client.post("/search/image", data={"image": (io.BytesIO(picture("red")), "photo.png")})
    client.post("/api/v1/search/image", data={"image": (io.BytesIO(picture("red")), "photo.png")})
    client.get("/like/MUG?q=blue")
    client.get("/api/v1/products/MUG/similar")
    client.post("/api/v1/search", json={"terms": [{"text": "blue"}, {"text": "shirt", "weight": 2}]})
    client.post("/api/v1/search", json={"terms": [{"text": "blue"}, {"image": photo}]})
    client.post("/api/v1/search", json={"terms": [{"product": "MUG"}]})
    assert [(row["origin"], row["kind"], row["query"]) for row in searches()] == [
        ("shop", "browse", ""),
        ("api", "browse", ""),
        ("shop", "picture", ""),
        ("api", "picture", ""),
        ("shop", "product", "blue"),
        ("api", "product", ""),
        ("api", "words", "blue shirt"),
        ("api", "picture", "blue"),
        ("api", "product", ""),
    ]


def test_the_pages_behind_the_first_are_the_same_search(client: FlaskClient, searches: Rows) -> None:
    first = client.get("/api/v1/search?q=shirt&limit=5").json
    second = client.get("/api/v1/search", query_string={"q": "shirt", "limit": 5, "cursor": first["next_cursor"]}).json
    assert second["hits"]
    assert second["search_id"] is None
    assert [str(row["id"]) for row in searches()] == [first["search_id"]]


def test_the_shops_next_page_carries_the_id_and_counts_on(client: FlaskClient, searches: Rows) -> None:
    page = client.get("/?q=shirt&all=1", headers=PAGE).text
    (row,) = searches()
    following = re.search(r'class="btn btn-primary" *>|href="([^"]+cursor=[^"]+)"', page)
    assert following is not None
    address = following[1].replace("&amp;", "&")
    assert f"search={row['id']}" in address
    for part in ("", "&part=1"):
        second = client.get(address + part, headers=PAGE).text
        assert 'data-position="25"' in second
        assert 'data-position="1"' not in second
    assert f'data-search="{row["id"]}"' in client.get(address, headers=PAGE).text
    assert len(searches()) == 1


@pytest.mark.parametrize("made_up", ["x", '"><script>', "%00", "1" * 500])
def test_a_made_up_id_in_an_address_is_ignored(client: FlaskClient, made_up: str) -> None:
    answer = client.get(f"/?q=shirt&cursor=gone&search={made_up}", headers=PAGE)
    assert answer.status_code == 200
    assert "data-search=" not in answer.text


def test_who_looks_ahead_or_asks_for_headers_has_not_searched(client: FlaskClient, searches: Rows) -> None:
    client.get("/?q=mug", headers={"Sec-Purpose": "prefetch;prerender"})
    client.head("/?q=mug")
    client.get("/?q=mug&price_min=9&price_max=5")
    client.get("/p/MUG")
    client.get("/api/v1/suggest?q=mu")
    assert searches() == []


def test_any_text_can_be_recorded(client: FlaskClient, searches: Rows) -> None:
    for text in ("a\0b", "x" * 1000, "İ" * 1000, "\u202e red", "'; DROP TABLE product; --", "🦄"):
        assert client.get("/", query_string={"q": text}).status_code == 200
    client.post("/api/v1/search", json={"terms": [{"text": "y" * 999} for _ in range(3)]})
    rows = searches()
    assert [row["query"][:9] for row in rows[:1]] == ["a b"]
    assert len(rows) == 7
    assert max(len(row["query"]) for row in rows) == 1000


@pytest.mark.parametrize("services", [{"VITRINE_SEARCH_EVENTS_DAYS": 0}], indirect=True)
def test_with_0_days_nothing_is_recorded_and_no_page_says_an_id(client: FlaskClient, searches: Rows) -> None:
    page = client.get("/?q=shirt&all=1", headers=PAGE).text
    assert client.get("/api/v1/search?q=mug").json["search_id"] is None
    click = {"search_id": str(uuid.uuid4()), "sku": "MUG", "position": 1}
    assert client.post("/api/v1/events/click", json=click).status_code == 204
    assert "data-search=" not in page
    assert "clicks.js" not in page
    assert "search=" not in page.partition("<main")[2].replace("data-search", "")
    assert searches() == []


def test_a_process_that_was_not_started_notes_nothing(database: Database, tmp_path: Path) -> None:
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=tmp_path)
    services = open_services(settings, database=database, encoder=FakeEncoder(fake_manifest(DIMENSION)))
    assert create_app(services=services).test_client().get("/api/v1/search").json["search_id"] is None
    assert services.events.write() == 0


def event(services: Services) -> SearchEvent:
    page = services.search.by_text("mug", Query())
    return SearchEvent.of(uuid.uuid4(), Origin.API, Subject(Kind.WORDS, "mug"), Query(), page)


def test_a_full_memory_drops_what_is_new_and_counts_it(
    services: Services, client: FlaskClient, searches: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "MOST_WAITING", 3)
    for number in range(5):
        assert client.get(f"/api/v1/search?q=mug+{number}").status_code == 200
    assert services.events.dropped == 2
    assert [row["query"] for row in searches()] == ["mug 0", "mug 1", "mug 2"]
    client.get("/api/v1/search?q=mug+5")
    assert len(searches()) == 4


def test_a_database_that_is_away_fails_no_search_and_gets_them_later(
    services: Services, client: FlaskClient, searches: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")
    away.pool.timeout = 0.2
    here = services.events._database
    monkeypatch.setattr(event_log, "MOST_WAITING", 3)
    services.events._database = away
    try:
        for number in range(2):
            assert client.get(f"/api/v1/search?q=mug+{number}").status_code == 200
            with pytest.raises(event_log.DatabaseUnavailable):
                services.events.write()
        assert services.events.dropped == 0
        for number in range(2, 5):
            client.get(f"/api/v1/search?q=mug+{number}")
        assert services.events.dropped == 2
    finally:
        services.events._database = here
        away.close()
    assert [row["query"] for row in searches()] == ["mug 0", "mug 1", "mug 2"]


def test_without_its_table_a_batch_is_dropped_and_counted(services: Services, searches: Rows) -> None:
    services.events.note_search(event(services))
    with services.database.connection() as connection:
        connection.execute("ALTER TABLE search_event RENAME TO elsewhere")
    try:
        with pytest.raises(event_log.VitrineError):
            services.events.write()
    finally:
        with services.database.connection() as connection:
            connection.execute("ALTER TABLE elsewhere RENAME TO search_event")
    assert services.events.dropped == 1
    assert searches() == []


def test_a_search_that_was_written_already_is_not_written_twice(services: Services, searches: Rows) -> None:
    """The confirmation of a commit may be lost with the connection."""
    same = event(services)
    services.events.note_search(same)
    services.events.write()
    services.events.note_search(same)
    assert len(searches()) == 1


def test_the_thread_writes_by_itself(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "WRITE_SECONDS", 0.01)
    events = EventLog(services.database, 90)
    events.start()
    events.note_search(event(services))
    deadline = time.monotonic() + 20
    while not _count(services.database) and time.monotonic() < deadline:
        time.sleep(0.02)
    events.stop()
    assert _count(services.database) == 1


def test_what_waits_at_the_end_is_written(services: Services) -> None:
    services.events.note_search(event(services))
    services.events.stop()
    services.events.note_search(event(services))
    assert _count(services.database) == 1


def _count(database: Database) -> int:
    with database.connection() as connection:
        row = connection.execute("SELECT count(*) FROM search_event").fetchone()
    assert row is not None
    return int(row[0])


def test_a_picture_leaves_nothing_of_itself(client: FlaskClient, searches: Rows) -> None:
    """Neither the file nor its name."""
    file = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(file, "PNG")
    file.seek(0)
    client.post("/search/image", data={"image": (file, "ann at home.png")})
    assert "ann" not in str(searches())
