"""Keys of the API: what each lets in, what is said to one that does not, and when it was last used."""

import datetime
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from server.app import create_app
from server.db.engine import Database
from server.errors import VitrineError
from server.services import Services
from server.staff import keys
from server.staff.key_uses import KeyUses
from server.staff.keys import ApiKey, Scope
from tests.integration.api.conftest import TOKEN

Make = Callable[..., tuple[ApiKey, dict[str, str]]]
KEYED = pytest.mark.parametrize("services", [{"VITRINE_API_READS": "keyed"}], indirect=True)
READS = [
    ("GET", "/api/v1/search"),
    ("HEAD", "/api/v1/search"),
    ("POST", "/api/v1/search"),
    ("POST", "/api/v1/search/image"),
    ("GET", "/api/v1/suggest"),
    ("GET", "/api/v1/products/S-1"),
    ("GET", "/api/v1/products/S-1/similar"),
]


@pytest.fixture
def make(database: Database) -> Make:
    """A key, and the headers that send it: make("write")."""

    def make_one(scope: str, name: str = "erp") -> tuple[ApiKey, dict[str, str]]:
        with database.connection() as connection:
            key, text = keys.add_key(connection, name, Scope(scope), "a test")
        return key, {"Authorization": f"Bearer {text}"}

    return make_one


def last_used(database: Database) -> datetime.datetime | None:
    with database.connection() as connection:
        return keys.list_keys(connection)[0].last_used_at


def said(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["message"]


def test_a_key_lies_in_the_database_as_its_hash_alone(database: Database, make: Make) -> None:
    key, headers = make("write")
    text = headers["Authorization"].removeprefix("Bearer ")
    assert keys.FORM.fullmatch(text)
    assert text.startswith(key.beginning)
    assert len(key.beginning) == keys.SHOWN
    with database.connection() as connection:
        whole = str(connection.execute("SELECT k::text FROM api_key AS k").fetchall())
        whole += str(connection.execute("SELECT a::text FROM audit_entry AS a").fetchall())
        found = keys.check_key(connection, text)
    assert text not in whole
    assert text[keys.SHOWN :] not in whole
    assert found == key


def test_a_key_that_is_made_or_revoked_stands_in_the_audit_log(database: Database, make: Make) -> None:
    key, _ = make("write")
    with database.connection() as connection:
        keys.revoke_key(connection, key.id, "ann")
        rows = connection.execute(
            "SELECT actor, action, subject, before, after FROM audit_entry ORDER BY id"
        ).fetchall()
    told = {"id": key.id, "beginning": key.beginning, "scope": "write"}
    assert rows == [("a test", "add", "key/erp", None, told), ("ann", "revoke", "key/erp", told, None)]


def test_scopes_are_a_ladder_and_a_refusal_names_the_step(client: FlaskClient, make: Make) -> None:
    for scope in Scope:
        _, headers = make(scope, name=scope)
        answer = client.put("/api/v1/products/A-1", json={"title": "Mug"}, headers=headers)
        if scope is Scope.READ:
            assert said(answer) == (403, "This takes a key with the scope write; the scope of yours is read.")
            assert answer.json["error"]["code"] == "forbidden"
        else:
            assert answer.status_code in (200, 201), answer.json


def test_a_refused_write_says_what_is_wrong_with_the_key(client: FlaskClient, database: Database, make: Make) -> None:
    key, revoked = make("write")
    with database.connection() as connection:
        keys.revoke_key(connection, key.id, "ann")
    today = datetime.datetime.now(datetime.UTC)
    for headers, message in [
        ({}, "This takes a key with the scope write. Send it as `Authorization: Bearer KEY`;"),
        ({"Authorization": "Basic YW5uOmFubg=="}, "This takes a key with the scope write."),
        ({"Authorization": "Bearer wrong"}, "There is no such key. Look whether it was copied as a whole."),
        ({"Authorization": "Bearer vk_" + "x" * 43}, "There is no such key."),
        ({"Authorization": "Bearer café\xff"}, "There is no such key."),
        (revoked, f"The key erp was revoked on {today:%Y-%m-%d}."),
    ]:
        answer = client.delete("/api/v1/products/A-1", headers=headers)
        status, told = said(answer)
        assert (status, told[: len(message)]) == (401, message)
        assert answer.json["error"]["code"] == "unauthorized"
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_key_is_refused_at_once(client: FlaskClient, database: Database, make: Make) -> None:
    key, headers = make("write")
    assert client.put("/api/v1/products/A-1", json={"title": "Mug"}, headers=headers).status_code == 201
    with database.connection() as connection:
        keys.revoke_key(connection, key.id, "ann")
    assert client.put("/api/v1/products/A-1", json={"title": "Mug"}, headers=headers).status_code == 401


def test_the_name_of_a_revoked_key_may_be_given_again(database: Database, make: Make) -> None:
    key, _ = make("write")
    with pytest.raises(VitrineError, match="There is a key erp already"):
        make("read")
    with database.connection() as connection:
        keys.revoke_key(connection, key.id, "ann")
    assert make("read")[0].id != key.id


@KEYED
@pytest.mark.parametrize(("method", "path"), READS)
def test_with_keyed_reads_each_read_takes_a_key(boutique: FlaskClient, make: Make, method: str, path: str) -> None:
    body = {"json": {"terms": [{"q": "shirt"}]}} if path == "/api/v1/search" and method == "POST" else {}
    refused = boutique.open(path, method=method, **body)
    assert refused.status_code == 401
    if method != "HEAD":
        assert said(refused)[1].startswith("This takes a key with the scope read.")
    assert boutique.open(path, method=method, headers={"Authorization": f"Bearer {TOKEN}"}).status_code != 401
    assert boutique.open(path, method=method, headers=make("read")[1], **body).status_code not in (401, 403)


@pytest.mark.parametrize(("method", "path"), READS)
def test_with_open_reads_a_key_is_not_asked_for_and_a_wrong_one_not_minded(
    boutique: FlaskClient, method: str, path: str
) -> None:
    for headers in ({}, {"Authorization": "Bearer a-token-of-something-else"}):
        assert boutique.open(path, method=method, headers=headers).status_code not in (401, 403)


@KEYED
def test_with_keyed_reads_the_shop_stays_open_and_suggests(boutique: FlaskClient) -> None:
    page = boutique.get("/")
    assert page.status_code == 200
    assert 'data-suggest="/suggest"' in page.text
    assert "/api/v1" not in page.text
    answer = boutique.get("/suggest?q=bo")
    assert answer.json == {"suggestions": [{"text": "Bolt", "kind": "brand", "products": 3, "value": "Bolt"}]}
    assert answer.cache_control.public
    assert boutique.get("/p/S-1").status_code == 200
    assert boutique.get("/like/S-1").status_code == 200


def test_the_shop_suggests_what_the_api_does(boutique: FlaskClient) -> None:
    assert boutique.get("/suggest?q=sh").json == boutique.get("/api/v1/suggest?q=sh").json
    assert boutique.get("/suggest?q=sh&limit=0").status_code == 422


@KEYED
def test_what_a_key_was_told_no_cache_on_the_way_tells_others(boutique: FlaskClient, make: Make) -> None:
    answer = boutique.get("/api/v1/suggest?q=sh", headers=make("read")[1])
    assert answer.cache_control.private
    assert not answer.cache_control.public
    assert "Cache-Control" not in boutique.get("/api/v1/suggest?q=sh").headers


@pytest.mark.parametrize(
    "services", [{"VITRINE_API_READS": "keyed", "VITRINE_CORS_ORIGINS": "https://shop.example"}], indirect=True
)
def test_a_browser_of_another_origin_may_send_a_key(client: FlaskClient, make: Make) -> None:
    origin = {"Origin": "https://shop.example"}
    asking = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "Authorization"}
    before = client.options("/api/v1/search", headers={**origin, **asking})
    assert before.status_code == 200
    assert before.headers["Access-Control-Allow-Headers"] == "Authorization"
    refused = client.get("/api/v1/search", headers=origin)
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert client.get("/api/v1/search", headers={**origin, **make("read")[1]}).status_code == 200


@pytest.mark.parametrize("services", [{}, {"VITRINE_API_READS": "keyed"}], indirect=True)
def test_the_document_says_what_takes_a_key(client: FlaskClient, services: Services) -> None:
    document = client.get("/openapi.json").json
    assert document == client.get("/api/openapi.json").json
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    paths, key = document["paths"], {"key": []}
    read = [key] if services.settings.api_reads == "keyed" else [{}, key]
    for path, method in [("/api/v1/search", "get"), ("/api/v1/search", "post"), ("/api/v1/products/{sku}", "get")]:
        assert paths[path][method]["security"] == read
    assert paths["/api/v1/products/{sku}"]["put"]["security"] == [key]
    assert "security" not in paths["/healthz"]["get"]


def test_last_used_is_written_behind_the_request_and_once_a_minute(
    client: FlaskClient, services: Services, database: Database, make: Make
) -> None:
    _, headers = make("read")
    assert client.get("/api/v1/search", headers=headers).status_code == 200
    assert last_used(database) is None
    assert services.key_uses.write() == 1
    first = last_used(database)
    assert first is not None
    client.get("/api/v1/search", headers=headers)
    assert services.key_uses.write() == 0
    assert last_used(database) == first
    with database.connection() as connection:
        connection.execute("UPDATE api_key SET last_used_at = last_used_at - interval '61 seconds'")
    client.get("/api/v1/search", headers=headers)
    assert services.key_uses.write() == 1
    again = last_used(database)
    assert again is not None
    assert again > first


def test_of_two_processes_one_writes_it(database: Database, make: Make) -> None:
    key, _ = make("read")
    here, there = KeyUses(database), KeyUses(database)
    here.note(key)
    there.note(key)
    assert (here.write(), there.write()) == (1, 0)


def test_a_read_waits_for_nobody_who_holds_the_key(
    client: FlaskClient, database: Database, services: Services, make: Make
) -> None:
    _, headers = make("read")
    with psycopg.connect(database.url) as other:
        other.execute("SELECT id FROM api_key FOR UPDATE")
        assert client.get("/api/v1/search", headers=headers).status_code == 200
    assert services.key_uses.write() == 1


def test_what_cannot_be_written_now_is_written_later(database: Database, make: Make) -> None:
    key, _ = make("read")
    uses = KeyUses(database)
    uses.note(key)
    with database.connection() as connection:
        connection.execute("ALTER TABLE api_key RENAME TO api_key_away")
    try:
        with pytest.raises(VitrineError):
            uses.write()
    finally:
        with database.connection() as connection:
            connection.execute("ALTER TABLE api_key_away RENAME TO api_key")
    assert uses.write() == 1


def test_a_thread_writes_it_in_the_server(database: Database, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.staff.key_uses.WRITE_SECONDS", 0.01)
    key, _ = make("read")
    uses = KeyUses(database)
    uses.note(key)
    uses.start()
    try:
        for _ in range(500):
            if last_used(database) is not None:
                break
        assert last_used(database) is not None
    finally:
        uses.stop()


def test_the_token_works_where_the_table_of_keys_is_not_there_yet(
    services: Services, database: Database, write: dict[str, str]
) -> None:
    client = create_app(services=services).test_client()
    with database.connection() as connection:
        connection.execute("ALTER TABLE api_key RENAME TO api_key_away")
    try:
        assert client.put("/api/v1/products/A-1", json={"title": "Mug"}, headers=write).status_code == 201
        asked = client.get("/api/v1/search", headers={"Authorization": "Bearer vk_" + "x" * 43})
        assert asked.status_code == 503
        assert "vitrine db upgrade" in asked.json["error"]["message"]
    finally:
        with database.connection() as connection:
            connection.execute("ALTER TABLE api_key_away RENAME TO api_key")
