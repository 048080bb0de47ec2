"""Pages: each product once whatever is asked, and a cursor that does not belong says why."""

import base64
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from server.app import create_app
from server.db.engine import Database
from server.services import Services, open_services
from tests.factories import DIMENSION, picture
from tests.fakes import FakeEncoder, fake_manifest
from tests.integration.api.conftest import BOUTIQUE

Find = Callable[..., Any]
Ask = Callable[[str | None], Any]


def by_words(client: FlaskClient, cursor: str | None, **parameters: Any) -> Any:
    given = {"limit": 3, **parameters, **({"cursor": cursor} if cursor else {})}
    return client.get("/api/v1/search", query_string=given)


def by_picture(client: FlaskClient, cursor: str | None) -> Any:
    form = {"image": (io.BytesIO(picture("red")), "photo.jpg")}
    given = {"limit": 3, **({"cursor": cursor} if cursor else {})}
    return client.post("/api/v1/search/image", query_string=given, data=form, content_type="multipart/form-data")


def by_parts(client: FlaskClient, cursor: str | None) -> Any:
    image = base64.b64encode(picture("blue")).decode()
    terms = [{"product": "S-1"}, {"text": "red"}, {"image": image, "weight": -0.5}]
    return client.post("/api/v1/search", json={"terms": terms, "limit": 3, "cursor": cursor})


def by_likeness(client: FlaskClient, cursor: str | None, q: str = "red") -> Any:
    given = {"limit": 3, "q": q, **({"cursor": cursor} if cursor else {})}
    return client.get("/api/v1/products/S-1/similar", query_string=given)


WAYS: dict[str, tuple[Callable[..., Any], dict[str, Any], int]] = {
    "browse": (by_words, {}, 8),
    "words": (by_words, {"q": "red shirt"}, 8),
    "corrected": (by_words, {"q": "red shrit"}, 8),
    "vector": (by_words, {"q": "red shirt", "mode": "vector"}, 8),
    "text": (by_words, {"q": "red shirt", "mode": "text"}, 4),
    "price": (by_words, {"q": "red shirt", "sort": "price_desc"}, 8),
    "collapse": (by_words, {"q": "red shirt", "collapse": "true", "facets": "brand"}, 7),
    "picture": (by_picture, {}, 8),
    "parts": (by_parts, {}, 7),
    "likeness": (by_likeness, {}, 7),
}


@pytest.mark.parametrize("way", WAYS)
def test_walking_the_pages_gives_every_product_once(boutique: FlaskClient, way: str) -> None:
    ask, parameters, count = WAYS[way]
    found, cursor = [], None
    while True:
        answer = ask(boutique, cursor, **parameters)
        assert answer.status_code == 200, answer.json
        assert answer.json["total"] == count
        found += [hit["sku"] for hit in answer.json["hits"]]
        cursor = answer.json["next_cursor"]
        if cursor is None:
            break
    assert len(found) == len(set(found)) == count


def refusal(answer: Any) -> str:
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "invalid_cursor"
    return str(answer.json["error"]["message"])


@pytest.mark.parametrize(
    "change",
    [{"q": "red"}, {"sort": "price_asc"}, {"in_stock": "true"}, {"mode": "text"}, {"collapse": "true"}],
)
def test_a_cursor_of_another_search_is_refused(boutique: FlaskClient, change: dict[str, Any]) -> None:
    cursor = by_words(boutique, None, q="red shirt").json["next_cursor"]
    assert "another search" in refusal(by_words(boutique, cursor, **{"q": "red shirt", **change}))


def test_a_cursor_goes_on_with_another_page_size_and_with_facets(boutique: FlaskClient) -> None:
    cursor = by_words(boutique, None, q="red shirt").json["next_cursor"]
    answer = by_words(boutique, cursor, q="red shirt", limit=5, facets="brand", explain="true")
    assert len(answer.json["hits"]) == 5
    assert answer.json["facets"]["brand"]


@pytest.mark.parametrize("way", ["picture", "parts", "likeness"])
def test_a_cursor_of_another_way_to_ask_is_refused(boutique: FlaskClient, way: str) -> None:
    cursor = by_words(boutique, None, q="red shirt").json["next_cursor"]
    assert "another search" in refusal(WAYS[way][0](boutique, cursor))


def test_a_likeness_by_other_words_is_another_search(boutique: FlaskClient) -> None:
    # The same words and so the same vector, and yet not the same result.
    cursor = by_likeness(boutique, None, "shirt").json["next_cursor"]
    assert "another search" in refusal(by_likeness(boutique, cursor, '"shirt"'))


@pytest.mark.parametrize("way", ["browse", "words", "picture", "parts", "likeness"])
@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: "x" + c, lambda c: c[::-1], lambda _: "nonsense"])
def test_what_is_no_cursor_is_refused(boutique: FlaskClient, way: str, change: Callable[[str], str]) -> None:
    ask, parameters, _ = WAYS[way]
    cursor = ask(boutique, None, **parameters).json["next_cursor"]
    assert "not made by this server" in refusal(ask(boutique, change(cursor), **parameters))


def test_a_cursor_signed_by_another_shop_is_refused(boutique: FlaskClient, services: Services) -> None:
    settings = services.settings.model_copy(update={"secret_key": "another-secret-key-altogether"})
    other = open_services(settings, database=services.database, encoder=services.encoder)
    cursor = by_words(create_app(services=other).test_client(), None, q="red").json["next_cursor"]
    assert "not made by this server" in refusal(by_words(boutique, cursor, q="red"))


@pytest.mark.parametrize("way", ["words", "picture", "parts", "likeness"])
def test_a_cursor_from_before_a_change_of_the_model_says_so(
    boutique: FlaskClient, services: Services, database: Database, way: str
) -> None:
    ask, parameters, _ = WAYS[way]
    cursor = ask(boutique, None, **parameters).json["next_cursor"]
    changed = FakeEncoder(fake_manifest(DIMENSION, name="other"))
    with database.connection() as connection:
        connection.execute("UPDATE embedding_model SET digest = %s", [changed.manifest.digest])
    later = open_services(services.settings, database=database, encoder=changed)
    answer = ask(create_app(services=later).test_client(), cursor, **parameters)
    assert "model was changed" in refusal(answer)


def test_a_product_that_goes_moves_no_other(boutique: FlaskClient, write: dict[str, str]) -> None:
    first = by_words(boutique, None, q="shirt").json
    whole = [hit["sku"] for hit in by_words(boutique, None, q="shirt", limit=len(BOUTIQUE)).json["hits"]]
    assert boutique.delete(f"/api/v1/products/{whole[1]}", headers=write).status_code == 204
    second = by_words(boutique, first["next_cursor"], q="shirt").json
    assert [hit["sku"] for hit in second["hits"]] == whole[3:6]
