"""Products over HTTP: who may write, what comes back, what is refused."""

import base64
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.factories import picture

Headers = dict[str, str]


def put(client: FlaskClient, write: Headers, sku: str, /, **body: Any) -> Any:
    record = {"title": "Mug", "price": 10, "currency": "USD", **body}
    return client.put(f"/api/v1/products/{quote(sku, safe='')}", json=record, headers=write)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_product_is_made_read_changed_and_deleted(client: FlaskClient, write: Headers) -> None:
    made = put(client, write, "A-1", description="For tea", stock=3, image=b64(picture("red")))
    assert made.status_code == 201, made.json
    assert made.json["image_url"].startswith("/media/")
    assert put(client, write, "A-1", title="Cup").status_code == 200
    read = client.get("/api/v1/products/A-1").json
    assert (read["title"], read["description"], read["stock"]) == ("Cup", "", None)
    assert read["image_url"] == made.json["image_url"]
    patched = client.patch("/api/v1/products/A-1", json={"sale_price": 7.5}, headers=write)
    assert (patched.json["sale_price"], patched.json["price"]) == (7.5, 10.0)
    cleared = client.patch("/api/v1/products/A-1", json={"sale_price": None}, headers=write)
    assert cleared.json["sale_price"] is None
    assert client.delete("/api/v1/products/A-1", headers=write).status_code == 204
    assert client.get("/api/v1/products/A-1").status_code == 404
    assert client.delete("/api/v1/products/A-1", headers=write).status_code == 404


@pytest.mark.parametrize("sku", ["a b", "A/B", "A#1", "x&y=z", "50+1", "a(b),~c@d:e", "a.b/c", "similarly/similar2"])
def test_any_allowed_sku_fits_into_an_address(client: FlaskClient, write: Headers, sku: str) -> None:
    assert put(client, write, sku, image=b64(picture("red"))).status_code == 201
    put(client, write, "other", image=b64(picture("blue")))
    assert client.get(f"/api/v1/products/{quote(sku, safe='')}").json["sku"] == sku
    assert client.get(f"/api/v1/products/{quote(sku)}").json["sku"] == sku
    similar = client.get(f"/api/v1/products/{quote(sku, safe='')}/similar").json
    assert [hit["sku"] for hit in similar["hits"]] == ["other"]


@pytest.mark.parametrize("sku", [" a", "a ", "a//b", "../a", "a?b", "ü", "a" * 101, "x/similar"])
def test_a_sku_against_the_rule_is_refused_with_a_sentence(client: FlaskClient, write: Headers, sku: str) -> None:
    answer = put(client, write, sku)
    assert answer.status_code in (404, 405, 422)
    assert answer.json["error"]["message"]


def test_a_hidden_product_is_not_in_the_shop(client: FlaskClient, write: Headers) -> None:
    put(client, write, "A-1", status="hidden")
    assert client.get("/api/v1/products/A-1").status_code == 404
    assert client.get("/api/v1/search").json["total"] == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price": "abc"}, "price"),
        ({"price": -1}, "price"),
        ({"title": ""}, "title"),
        ({"currency": "dollars"}, "currency"),
        ({"stock": -1}, "stock"),
        ({"colour": "red"}, "colour"),
        ({"sale_price": 20}, "sale_price"),
        ({"sku": "B-2"}, "sku"),
        ({"image": "%%%"}, "image"),
        ({"image": b64(b"plain text")}, None),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_stored(
    client: FlaskClient, write: Headers, change: dict[str, Any], field: str | None
) -> None:
    answer = put(client, write, "A-1", **change)
    assert answer.status_code == 422, answer.json
    error = answer.json["error"]
    assert error["message"]
    if field is not None:
        assert field in error["message"]
    assert client.get("/api/v1/products/A-1").status_code == 404


def test_a_bulk_request_stores_the_good_and_reports_the_bad(client: FlaskClient, write: Headers) -> None:
    good = {"sku": "A-1", "title": "Mug", "price": 10, "image": b64(picture("red"))}
    bad = [
        {"sku": "A-2", "title": "Mug", "price": "abc"},
        {"title": "No key"},
        {"sku": "A-4", "title": "Mug", "image": b64(b"GIF89a nonsense")},
        {"sku": "A-1", "title": "Twice"},
    ]
    answer = client.post("/api/v1/products/bulk", json={"products": [good, *bad]}, headers=write)
    assert answer.status_code == 200, answer.json
    assert answer.json["created"] == 1
    assert [row["index"] for row in answer.json["refused"]] == [1, 2, 3, 4]
    assert [row["fields"][0]["field"] for row in answer.json["refused"]] == ["price", "sku", "image", "sku"]
    again = client.post("/api/v1/products/bulk", json={"products": [good]}, headers=write)
    assert again.json == {"created": 0, "updated": 0, "unchanged": 1, "refused": []}


@pytest.mark.parametrize("method", ["put", "patch", "delete", "post"])
def test_writing_needs_the_token(client: FlaskClient, method: str) -> None:
    path = "/api/v1/products/bulk" if method == "post" else "/api/v1/products/A-1"
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}):
        answer = getattr(client, method)(path, json={"title": "Mug", "products": [{}]}, headers=headers)
        assert answer.status_code == 401
        assert answer.json["error"]["code"] == "unauthorized"


@pytest.mark.parametrize("services", [{"VITRINE_ADMIN_TOKEN": None}], indirect=True)
def test_without_a_token_in_the_settings_nobody_may_write(client: FlaskClient) -> None:
    answer = client.put("/api/v1/products/A-1", json={"title": "Mug"}, headers={"Authorization": "Bearer "})
    assert answer.status_code == 401
    assert "This takes a key with the scope write." in answer.json["error"]["message"]
