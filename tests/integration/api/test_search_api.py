"""Search over HTTP: answers, filters, errors in one shape, pictures, the OpenAPI document."""

import base64
import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from server.services import Services
from tests.factories import noise, picture

Headers = dict[str, str]


@pytest.fixture
def shop(client: FlaskClient, write: Headers) -> FlaskClient:
    """A red, a blue and a green product."""
    products = [
        {
            "sku": colour,
            "title": f"Thing {number}",
            "brand": "Acme",
            "category": "Home/Things",
            "price": 10 * (number + 1),
            "image": base64.b64encode(picture(colour)).decode(),
        }
        for number, colour in enumerate(["red", "blue", "green"])
    ]
    answer = client.post("/api/v1/products/bulk", json={"products": products}, headers=write)
    assert answer.json["refused"] == []
    return client


def test_a_search_answers_with_all_that_a_front_end_needs(shop: FlaskClient) -> None:
    answer = shop.get("/api/v1/search?q=blue&limit=2")
    assert answer.status_code == 200
    body = answer.json
    assert set(body) == {
        "search_id",
        "hits",
        "total",
        "total_is_exact",
        "currency",
        "next_cursor",
        "redirect",
        "typed",
        "facets",
        "plan",
        "timing",
    }
    hit = body["hits"][0]
    assert (hit["sku"], hit["brand"], hit["price"], hit["currency"]) == ("blue", "Acme", 20.0, "USD")
    assert hit["score"] > body["hits"][1]["score"]
    assert (body["total"], len(body["hits"])) == (3, 2)
    rest = shop.get("/api/v1/search", query_string={"q": "blue", "limit": 2, "cursor": body["next_cursor"]}).json
    assert len(rest["hits"]) == 1
    assert rest["next_cursor"] is None
    assert shop.get("/api/v1/search?q=blue").json["timing"]["embedding_cached"] is True


def test_filters_come_from_the_address(shop: FlaskClient) -> None:
    def found(address: str) -> list[str]:
        return sorted(hit["sku"] for hit in shop.get(f"/api/v1/search?q=blue&{address}").json["hits"])

    assert found("price_max=20") == ["blue", "red"]
    assert found("price_min=15&price_max=25") == ["blue"]
    assert found("category=Home") == ["blue", "green", "red"]
    assert found("category=Hom") == []
    assert found("brand=Acme&brand=Other") == ["blue", "green", "red"]
    assert found("currency=EUR") == []
    assert [hit["sku"] for hit in shop.get("/api/v1/search?sort=price_desc").json["hits"]] == ["green", "blue", "red"]


def test_a_picture_finds_its_like(shop: FlaskClient) -> None:
    data = {"image": (io.BytesIO(picture("green", size=(60, 20))), "photo.jpg")}
    answer = shop.post("/api/v1/search/image?limit=1", data=data, content_type="multipart/form-data")
    assert answer.status_code == 200, answer.json
    assert [hit["sku"] for hit in answer.json["hits"]] == ["green"]


def test_a_product_is_found_by_its_own_large_photo_without_a_difference(client: FlaskClient, write: Headers) -> None:
    # Large enough to be decoded at a fraction of its size, which has to happen on both ways alike.
    photo = noise(5, (600, 400), "JPEG")
    product = {"sku": "photo", "title": "Photo", "image": base64.b64encode(photo).decode()}
    assert client.post("/api/v1/products/bulk", json={"products": [product]}, headers=write).json["refused"] == []
    form = {"image": (io.BytesIO(photo), "photo.jpg")}
    answer = client.post("/api/v1/search/image", data=form, content_type="multipart/form-data")
    (hit,) = answer.json["hits"]
    assert hit["score"] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("data", [b"", b"not a picture", picture("red")[:200]])
def test_what_is_no_picture_is_refused(shop: FlaskClient, data: bytes) -> None:
    form = {"image": (io.BytesIO(data), "photo.jpg")}
    answer = shop.post("/api/v1/search/image", data=form, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == "invalid_image"


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/api/v1/search?limit=0", 422, "limit"),
        ("/api/v1/search?limit=1000", 422, "limit"),
        ("/api/v1/search?price_max=cheap", 422, "price_max"),
        ("/api/v1/search?price_max=NaN", 422, "price_max"),
        ("/api/v1/search?price_min=9&price_max=1", 422, "price_min is above price_max"),
        ("/api/v1/search?colour=red", 422, "colour"),
        ("/api/v1/search?sort=best", 422, "sort"),
        ("/api/v1/search?currency=dollar", 422, "currency"),
        ("/api/v1/search?cursor=abc", 400, "cursor"),
        ("/api/v1/search?q=" + "x" * 1001, 422, "q"),
        ("/api/v1/search?brand=%00", 422, "brand"),
        ("/api/v1/products/nobody", 404, "nobody"),
        ("/api/v1/products/nobody/similar", 404, "nobody"),
        ("/api/v1/nothing", 404, "nothing"),
        ("/media/" + "0" * 64 + ".jpg", 404, "picture"),
        ("/media/" + "0" * 64 + "/320.jpg", 404, "picture"),
    ],
)
def test_every_failure_has_the_same_shape(client: FlaskClient, address: str, status: int, said: str) -> None:
    answer = client.get(address, headers={"Accept": "application/json"})
    assert answer.status_code == status
    error = answer.json["error"]
    assert set(error) == {"code", "message", "request_id", "fields"}
    assert said in error["message"]
    assert error["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("text", ["\0", "'; DROP TABLE product; --", "😀" * 50, "%s %(x)s {}", "\\", " " * 20])
def test_odd_words_are_searched_like_any_other(shop: FlaskClient, text: str) -> None:
    answer = shop.get("/api/v1/search", query_string={"q": text})
    assert answer.status_code == 200
    assert answer.json["total"] == 3


def test_pictures_may_be_kept_for_ever_and_are_nothing_but_pictures(shop: FlaskClient) -> None:
    hit = shop.get("/api/v1/search?q=red").json["hits"][0]
    for address, media_type in ((hit["image_url"], "image/jpeg"), (hit["thumbnail_url"], "image/webp")):
        with shop.get(address) as answer:
            assert answer.status_code == 200
            assert answer.mimetype == media_type
            assert "immutable" in answer.headers["Cache-Control"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        with shop.get(address, headers={"If-None-Match": answer.headers["ETag"]}) as again:
            assert again.status_code == 304


def test_the_openapi_document_names_every_endpoint(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document["openapi"].startswith("3.")
    assert {
        "/api/v1/search",
        "/api/v1/search/image",
        "/api/v1/products/{sku}",
        "/api/v1/products/{sku}/similar",
        "/api/v1/products/bulk",
        "/healthz",
        "/readyz",
    } <= set(document["paths"])
    names = {parameter["name"] for parameter in document["paths"]["/api/v1/search"]["get"]["parameters"]}
    assert {
        "q",
        "price_min",
        "price_max",
        "currency",
        "category",
        "brand",
        "in_stock",
        "sort",
        "limit",
        "cursor",
    } <= names


def test_the_documentation_page_needs_no_other_host(client: FlaskClient) -> None:
    page = client.get("/api/swagger")
    assert page.status_code == 200
    assert b"://" not in page.data.replace(b"http://www.w3.org", b"")


@pytest.mark.parametrize("services", [{"VITRINE_CORS_ORIGINS": "https://shop.example"}], indirect=True)
def test_named_origins_may_call_the_api(client: FlaskClient) -> None:
    allowed = client.get("/api/v1/search", headers={"Origin": "https://shop.example"})
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    other = client.get("/api/v1/search", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_health_and_readiness(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json["ready"] is True
    assert ready.json["execution_provider"] == "cpu"
    assert (ready.json["live_without_vector"], ready.json["activation"]) == (0, None)


def test_an_unexpected_failure_tells_the_client_nothing(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(type(services.search), "by_text", fail)
    answer = client.get("/api/v1/search?q=x")
    assert answer.status_code == 500
    assert "hunter2" not in json.dumps(answer.json)
    assert answer.json["error"]["request_id"] in answer.json["error"]["message"]


def test_a_request_that_is_too_large_is_refused(client: FlaskClient, write: Headers) -> None:
    body = b"x" * (21 * 1024 * 1024)
    answer = client.put("/api/v1/products/A", data=body, headers={**write, "Content-Type": "application/json"})
    assert answer.status_code in (413, 422)
    assert answer.json["error"]["message"]


def test_noise_is_a_picture_too(shop: FlaskClient) -> None:
    form = {"image": (io.BytesIO(noise(3)), "photo.png")}
    answer = shop.post("/api/v1/search/image", data=form, content_type="multipart/form-data")
    assert len(answer.json["hits"]) == 3
