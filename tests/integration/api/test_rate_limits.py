"""So many requests a key or an address may make, and so many wrong keys may come from one."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.app import create_app
from server.db.engine import Database
from server.services import Services
from server.staff import keys
from server.staff.keys import Scope
from server.web.rate_limits import WRONG_KEYS
from tests.integration.api.conftest import TOKEN

Ask = Callable[..., TestResponse]
NOWHERE = "redis://127.0.0.1:1"  # a port that nothing listens on
UNKNOWN = "vk_" + "x" * 43


def limited(limit: str = "3 per hour", **more: Any) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("services", [{"VITRINE_RATE_LIMIT": limit, **more}], indirect=True)


@pytest.fixture
def ask(client: FlaskClient) -> Ask:
    """ask(path, key=, address=)"""

    def ask_one(path: str = "/api/v1/search", key: str | None = None, address: str = "203.0.113.1", **more: Any) -> Any:
        headers = {**more.pop("headers", {}), **({} if key is None else {"Authorization": f"Bearer {key}"})}
        method, base = more.pop("method", "GET"), {"REMOTE_ADDR": address}
        return client.open(path, method=method, headers=headers, environ_base=base, buffered=True, **more)

    return ask_one


def statuses(ask: Ask, times: int, *arguments: Any, **more: Any) -> list[int]:
    return [ask(*arguments, **more).status_code for _ in range(times)]


def make_key(database: Database, name: str) -> str:
    with database.connection() as connection:
        return keys.add_key(connection, name, Scope.READ, "a test")[1]


def test_without_the_setting_nothing_is_counted(ask: Ask) -> None:
    assert set(statuses(ask, 50)) == {200}


@limited()
def test_what_is_too_much_is_refused_in_the_shape_of_every_error_and_says_when(ask: Ask) -> None:
    assert statuses(ask, 3) == [200] * 3
    refused = ask(headers={"X-Request-Id": "abc123"})
    assert refused.status_code == 429
    assert refused.json == {
        "error": {
            "code": "too_many_requests",
            "message": "Too many requests. Wait as many seconds as the header Retry-After says.",
            "request_id": "abc123",
            "fields": [],
        }
    }
    assert 1 <= int(refused.headers["Retry-After"]) <= 3600
    assert "Retry-After" not in ask(address="203.0.113.2").headers


@limited("2 per second; 3 per hour")
def test_several_limits_hold_together(ask: Ask) -> None:
    found = statuses(ask, 8)
    assert found.count(200) <= 3
    assert 429 in found


@limited()
def test_all_addresses_of_the_shop_and_the_api_count_together(ask: Ask) -> None:
    paths = ["/", "/api/v1/search", "/admin/login"]
    assert [ask(path).status_code for path in paths] == [200] * 3
    for path in [*paths, "/suggest", "/p/A-1", "/openapi.json", "/api/swagger"]:
        assert ask(path).status_code == 429, path
    page = ask("/", headers={"Accept": "text/html"})
    assert page.mimetype == "text/html"
    assert "Too many requests" in page.text
    assert int(page.headers["Retry-After"]) >= 1


@limited()
def test_pictures_health_files_and_what_a_browser_asks_before_a_call_are_not_counted(ask: Ask) -> None:
    free = [
        f"/media/{'0' * 64}.jpg", f"/media/{'0' * 64}/320.jpg", "/healthz", "/readyz", "/static/shop/shop.css",
        "/admin/static/admin.css", "/bootstrap/static/css/bootstrap.min.css", "/api/swagger/swagger-ui.css",
    ]  # fmt: skip
    for _ in range(2):
        for path in free:
            assert ask(path).status_code != 429, path
    assert statuses(ask, 5, method="OPTIONS") == [200] * 5
    assert statuses(ask, 4) == [200] * 3 + [429]
    assert [ask(path).status_code == 429 for path in free] == [False] * len(free)


@limited()
def test_each_key_has_a_count_of_its_own_wherever_it_comes_from(ask: Ask, database: Database) -> None:
    one, other = make_key(database, "one"), make_key(database, "other")
    assert statuses(ask, 4) == [200] * 3 + [429]
    assert [ask(key=one, address=f"203.0.113.{number}").status_code for number in range(4)] == [200] * 3 + [429]
    assert statuses(ask, 4, key=other) == [200] * 3 + [429]
    assert statuses(ask, 4, key=TOKEN) == [200] * 3 + [429]


@limited()
def test_wrong_and_revoked_keys_count_as_the_address_does_whatever_they_are(ask: Ask, database: Database) -> None:
    text = make_key(database, "old")
    with database.connection() as connection:
        keys.revoke_key(connection, keys.find_key(connection, "old").id, "a test")
    found = [ask(key=key).status_code for key in ("made-up-1", UNKNOWN, text, "made-up-2")]
    assert found == [200] * 3 + [429]


@limited()
def test_of_ipv6_the_network_counts_and_of_ipv4_the_address(ask: Ask) -> None:
    assert [ask(address=f"2001:db8::{number}").status_code for number in range(4)] == [200] * 3 + [429]
    assert ask(address="2001:db8:0:1::1").status_code == 200
    assert [ask(address=f"198.51.100.{number}").status_code for number in range(4)] == [200] * 4
    assert statuses(ask, 4, address="") == [200] * 3 + [429]


@pytest.mark.parametrize(
    ("services", "apart"),
    [
        ({"VITRINE_RATE_LIMIT": "1 per hour", "VITRINE_PROXIES": 1}, True),
        ({"VITRINE_RATE_LIMIT": "1 per hour"}, False),
    ],
    indirect=["services"],
)
def test_behind_a_proxy_the_address_is_that_of_the_caller(ask: Ask, apart: bool) -> None:
    assert ask(headers={"X-Forwarded-For": "198.51.100.1"}).status_code == 200
    # What somebody adds in front is not believed.
    assert ask(headers={"X-Forwarded-For": "198.51.100.9, 198.51.100.1"}).status_code == 429
    assert (ask(headers={"X-Forwarded-For": "198.51.100.2"}).status_code == 200) is apart


@limited(VITRINE_RATE_LIMIT_STORAGE=NOWHERE)
def test_where_the_counting_server_is_away_the_process_counts(ask: Ask) -> None:
    assert statuses(ask, 4) == [200] * 3 + [429]
    assert int(ask().headers["Retry-After"]) >= 1


@limited()
def test_another_process_counts_its_own(ask: Ask, services: Services) -> None:
    assert statuses(ask, 4)[-1] == 429
    other = create_app(services=services).test_client()
    assert other.get("/api/v1/search", environ_base={"REMOTE_ADDR": "203.0.113.1"}).status_code == 200


@pytest.mark.parametrize("services", [{}, {"VITRINE_RATE_LIMIT_STORAGE": NOWHERE}], indirect=True)
def test_who_guesses_the_token_is_not_heard_for_a_minute_and_others_are(ask: Ask, database: Database) -> None:
    def write(key: str, **more: Any) -> TestResponse:
        return ask("/api/v1/products/A-1", method="DELETE", key=key, **more)

    most = WRONG_KEYS.amount
    assert [write(f"guess-{number}").status_code for number in range(most)] == [401] * most
    refused = write(TOKEN)
    assert refused.status_code == 429
    assert refused.json["error"]["message"] == "Too many wrong keys came from your address. Wait a minute."
    assert refused.headers["Retry-After"] == "60"
    assert write(TOKEN, address="203.0.113.2").status_code == 404
    # Where reading is open, it stays open to them. Nobody can guess a key of the database, so these are heard.
    assert ask(key="guess").status_code == 200
    assert write(make_key(database, "erp")).status_code == 403


@limited("100 per hour", VITRINE_API_READS="keyed")
def test_with_keyed_reads_wrong_keys_are_counted_at_reads_too(ask: Ask) -> None:
    assert set(statuses(ask, WRONG_KEYS.amount, key="guess")) == {401}
    assert ask(key=TOKEN).status_code == 429
    assert ask().status_code == 401
