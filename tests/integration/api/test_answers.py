"""Answers are what the OpenAPI document says, though they are not built by its classes; faults are plain sentences."""

import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from server.api.answer_schemas import SearchAnswer, SuggestAnswer
from server.db.engine import Database
from server.services import Services
from tests.factories import picture
from tests.fakes import FakeEncoder
from tests.integration.api.conftest import Find

ALL_FACETS = "facets=brand&facets=category&facets=price&facets=stock&facets=attributes"


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/search",
        "/api/v1/search?q=red+shrit+under+50&limit=2",
        f"/api/v1/search?q=red+shirt+in+stock&explain=true&{ALL_FACETS}",
        "/api/v1/search?q=brand:bolt+category:shirts&mode=text&explain=true",
        f"/api/v1/search?q=nothing+under+0.01&{ALL_FACETS}",
        "/api/v1/products/S-1/similar?q=red+-large&explain=true",
    ],
)
def test_an_answer_is_what_its_schema_says(boutique: FlaskClient, address: str) -> None:
    body = boutique.get(address).json
    # Through the schema and back, nothing is missing, nothing too much, and nothing of another type.
    assert SearchAnswer.model_validate_json(json.dumps(body)).model_dump(mode="json") == body
    exact = json.dumps(body)
    assert json.loads(SearchAnswer.model_validate_json(exact).model_dump_json()) == body


def test_a_product_with_a_picture_is_what_its_schema_says(boutique: FlaskClient, write: dict[str, str]) -> None:
    form = {"image": (io.BytesIO(picture("red")), "photo.jpg")}
    boutique.put("/api/v1/products/P-1", json={"title": "Thing", "price": 1, "image": IMAGE}, headers=write)
    answer = boutique.post("/api/v1/search/image?explain=true", data=form, content_type="multipart/form-data")
    assert answer.json["hits"][0]["image_url"].startswith("/media/")
    assert SearchAnswer.model_validate_json(answer.data).model_dump(mode="json") == answer.json


IMAGE = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8DAwMDAxMDAwMDAAAANHQEDasKb6QAAAABJRU5ErkJggg=="


def test_suggestions_are_what_their_schema_says(boutique: FlaskClient) -> None:
    body = boutique.get("/api/v1/suggest?q=b").json
    assert body["suggestions"]
    assert SuggestAnswer.model_validate(body).model_dump(mode="json") == body


def test_addresses_of_pictures_hold_where_the_shop_is_mounted(boutique: FlaskClient, write: dict[str, str]) -> None:
    boutique.put("/api/v1/products/P-1", json={"title": "Thing", "price": 1, "image": IMAGE}, headers=write)
    hit = boutique.get("/api/v1/search?q=P-1", environ_overrides={"SCRIPT_NAME": "/shop"}).json["hits"][0]
    assert hit["image_url"].startswith("/shop/media/")
    assert hit["thumbnail_url"].startswith("/shop/media/")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("limit=x", "limit: Write a whole number."),
        ("limit=0", "limit: The least is 1."),
        ("limit=101", "limit: The most is 100."),
        ("price_max=cheap", "price_max: Write a number, such as 25 or 19.99."),
        ("price_min=-1", "price_min: The least is 0."),
        ("price_max=1.234", "price_max: Write at most 2 decimals."),
        ("price_max=1e30", "price_max: This number is too large."),
        ("price_min=9&price_max=1", "price_max: price_min is above price_max."),
        ("colour=red", "colour: There is no such parameter."),
        ("sort=best", "sort: Write one of 'relevance', 'price_asc', 'price_desc' or 'newest'."),
        ("mode=best", "mode: Write one of 'hybrid', 'vector' or 'text'."),
        ("currency=dollar", "currency: A currency has three capital letters, such as EUR."),
        ("nope=1&nope=2", "nope: There is no such parameter."),
        ("in_stock=maybe", "in_stock: Write true or false."),
        ("facets=size", "facets: Write one of 'brand', 'category', 'price', 'stock' or 'attributes'."),
        ("attribute=red", "attribute: Write an attribute as name=value."),
        ("attribute=%3Dred", "attribute: Write an attribute as name=value."),
        ("&".join(f"attribute=a{n}=x" for n in range(6)), "attribute: A search filters by at most 5 attributes."),
        ("&".join(["brand=x"] * 51), "brand: It takes at most 50; there are 51."),
        ("price_max=9&price_max=10", "price_max: This may stand here once."),
        ("limit=1&q=a&limit=2&q=b", "limit: This may stand here once.; q: This may stand here once."),
        ("cursor=%00", "cursor: Text may not hold a NUL character."),
        ("q=" + "x" * 1001, "q: This is too long: at most 1000 characters."),
    ],
)
def test_a_fault_is_said_in_a_plain_sentence(client: FlaskClient, address: str, said: str) -> None:
    answer = client.get(f"/api/v1/search?{address}")
    assert answer.status_code == 422
    assert answer.json["error"]["message"] == said


def test_a_picture_is_searched_with_under_filters_and_told_about(boutique: FlaskClient) -> None:
    def ask(address: str) -> Any:
        form = {"image": (io.BytesIO(picture("blue")), "photo.jpg")}
        return boutique.post(f"/api/v1/search/image?{address}", data=form, content_type="multipart/form-data")

    body = ask(f"brand=Acme&explain=true&sort=price_asc&{ALL_FACETS}").json
    assert [hit["sku"] for hit in body["hits"]] == ["S-1", "S-2", "J-1"]
    assert body["facets"]["brand"] == [{"value": "Acme", "count": 3}]
    assert all(hit["explain"]["similarity"] == pytest.approx(hit["score"], abs=1e-5) for hit in body["hits"])
    assert body["typed"] is None
    # A picture has no words that could rank.
    assert ask("mode=text").json["error"]["message"] == "mode: There is no such parameter."
    missing = boutique.post("/api/v1/search/image", data={}, content_type="multipart/form-data")
    assert (missing.status_code, missing.json["error"]["message"]) == (422, "image: This is missing.")


def test_the_document_describes_what_is_new(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert {"get", "post"} <= set(document["paths"]["/api/v1/search"])
    names = {each["name"] for each in document["paths"]["/api/v1/products/{sku}/similar"]["get"]["parameters"]}
    assert {"q", "parse", "verbatim", "attribute", "facets", "collapse", "relevant", "explain"} <= names
    assert "SuggestAnswer" in document["components"]["schemas"]


def test_names_are_found_whatever_their_capitals(boutique: FlaskClient, find: Find) -> None:
    as_written = find(brand="Acme", category="Apparel/Shirts")
    assert as_written["hits"]
    assert find(brand="aCME", category="apparel/SHIRTS")["hits"] == as_written["hits"]
    similar = [boutique.get(f"/api/v1/products/S-1/similar?brand={name}").json["hits"] for name in ("Acme", "ACME")]
    assert similar[0] == similar[1] != []


def test_an_empty_cursor_is_the_first_page(find: Find) -> None:
    assert find(q="shirt", cursor="")["hits"] == find(q="shirt")["hits"]


@pytest.mark.parametrize("typed", ['""', '" "', "!?", "-", "“”"])
def test_what_says_nothing_browses(find: Find, typed: str) -> None:
    body = find(q=typed)
    assert body["plan"]["path"] == "browse"
    assert body["hits"] == find()["hits"]


def test_a_parameter_without_a_value_is_as_if_left_out(find: Find) -> None:
    names = (
        "brand",
        "category",
        "price_min",
        "price_max",
        "currency",
        "in_stock",
        "sort",
        "limit",
        "cursor",
        "attribute",
    )
    assert find(q="shirt", **dict.fromkeys(names, ""))["hits"] == find(q="shirt")["hits"]


def test_a_currency_may_be_in_small_letters(find: Find) -> None:
    assert [hit["sku"] for hit in find(currency="eur", price_max=10)["hits"]] == ["H-1"]


def test_a_word_that_the_model_knows_is_no_slip(boutique: FlaskClient, services: Services, find: Find) -> None:
    assert find(q="green shoees")["typed"]["words"] == "green shoes"
    encoder = services.encoder
    assert isinstance(encoder, FakeEncoder)
    encoder.words_known.add("shoees")
    assert find(q="green shoees")["typed"]["words"] == "green shoees"


def test_a_brand_that_is_newer_than_what_is_remembered_is_found(
    boutique: FlaskClient, database: Database, find: Find
) -> None:
    assert find(brand="Acme")["total"] == 3
    with database.connection() as connection:
        connection.execute("UPDATE product SET brand = upper(brand), category = upper(category)")
    assert find(brand="ACME")["total"] == 3


def test_a_cursor_goes_on_though_another_spelling_appeared(
    boutique: FlaskClient, services: Services, database: Database
) -> None:
    address = "/api/v1/products/S-1/similar?brand=acme&limit=1"
    first = boutique.get(address).json
    with database.connection() as connection:
        connection.execute("UPDATE product SET brand = 'ACME' WHERE sku = 'S-3'")
    services.search.facts._known.clear()
    second = boutique.get(f"{address}&cursor={first['next_cursor']}")
    assert second.status_code == 200


def test_only_conditions_find_products_by_words_alone(boutique: FlaskClient, find: Find) -> None:
    body = find(q='"with"', mode="text")
    assert [hit["sku"] for hit in body["hits"]] == ["F-1"]
    assert body["total"] == 1
    assert body["total_is_exact"]


def test_a_list_in_an_address_has_no_numbers(boutique: FlaskClient) -> None:
    answer = boutique.get("/api/v1/search?facets=size", headers={"Content-Type": "application/json"})
    assert answer.json["error"]["fields"][0]["field"] == "facets"
