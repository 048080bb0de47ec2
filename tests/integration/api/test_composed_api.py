"""Queries of several parts: `this product, but red, without stripes`, as JSON and as words beside a product."""

import base64
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.factories import picture


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def post(client: FlaskClient, terms: Any, **fields: Any) -> Any:
    return client.post("/api/v1/search", json={"terms": terms, **fields})


def skus(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json
    return [hit["sku"] for hit in answer.json["hits"]]


def similar(client: FlaskClient, sku: str, **parameters: Any) -> Any:
    return client.get(f"/api/v1/products/{sku}/similar", query_string=parameters)


def test_one_text_finds_what_the_look_alone_finds(boutique: FlaskClient) -> None:
    by_words = boutique.get("/api/v1/search?q=red+shirt&mode=vector").json
    answer = post(boutique, [{"text": "red shirt"}])
    assert answer.json["hits"] == by_words["hits"]
    assert answer.json["typed"] is None


def test_words_lead_away_from_a_product_and_it_is_left_out(boutique: FlaskClient) -> None:
    assert skus(post(boutique, [{"product": "S-1"}]))[0] == "S-2"
    changed = skus(post(boutique, [{"product": "S-1"}, {"text": "red"}, {"text": "large", "weight": -0.5}]))
    assert changed[0] == "S-3"
    assert "S-1" not in changed
    assert skus(post(boutique, [{"product": "S-1"}, {"product": "S-3", "weight": 0.2}]))[0] == "S-2"


def test_a_picture_is_a_part(boutique: FlaskClient, write: dict[str, str]) -> None:
    for colour in ("red", "blue"):
        body = {"title": f"Thing {colour}", "price": 5, "image": b64(picture(colour))}
        assert boutique.put(f"/api/v1/products/P-{colour}", json=body, headers=write).status_code == 201
    near = {"image": b64(picture("red"))}
    assert skus(post(boutique, [near], limit=1)) == ["P-red"]
    assert "P-red" not in skus(post(boutique, [{"text": "blue"}, {**near, "weight": -2}], limit=3))


def test_filters_order_and_the_rest_are_those_of_other_searches(boutique: FlaskClient) -> None:
    filters = {"brand": ["Acme", "Bolt"], "price_max": 60, "in_stock": True, "attribute": ["colour=Blue", "colour=Red"]}
    fields = {"sort": "price_desc", "facets": ["brand"], "explain": True, "collapse": True, "relevant": False}
    answer = post(boutique, [{"text": "shirt"}], filters=filters, **fields)
    assert skus(answer) == ["D-1", "S-1", "S-3"]
    assert answer.json["facets"]["brand"] == [{"value": "Bolt", "count": 2}, {"value": "Acme", "count": 1}]
    assert all(hit["explain"]["z"] is not None for hit in answer.json["hits"])


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (None, "terms: Write a list."),
        ([], "terms: It takes at least 1; there are 0."),
        ([{"text": "x"}] * 9, "terms: It takes at most 8; there are 9."),
        (["x"], "terms.0: Write an object."),
        ([{}], "terms.0: A term has exactly one of text, product and image; this one has none of them."),
        ([{"text": "x", "product": "S-1"}], "this one has text and product."),
        ([{"text": "x"}, {"text": " "}], "terms.1.text: This is empty."),
        ([{"text": "x\0"}], "terms.0.text: Text may not hold a NUL character."),
        ([{"text": "x" * 1001}], "terms.0.text: This is too long: at most 1000 characters."),
        ([{"text": 5}], "terms.0.text: Write text."),
        ([{"text": "x", "colour": 1}], "terms.0.colour: There is no such field."),
        ([{"text": "x", "weight": 0}], "terms.0.weight: A weight of 0 counts for nothing."),
        ([{"text": "x", "weight": 5.1}], "terms.0.weight: The most is 5."),
        ([{"text": "x", "weight": -6}], "terms.0.weight: The least is -5."),
        ([{"text": "x", "weight": "NaN"}], "terms.0.weight: Write a number"),
        ([{"text": "x", "weight": "much"}], "terms.0.weight: Write a number."),
        ([{"text": "x", "weight": -1}], "terms: At least one term needs a weight above 0"),
        ([{"text": "x"}, {"image": "%%"}], "terms.1.image: this is not base64"),
        ([{"text": "x"}, {"text": "x", "weight": -1}], "The parts of this search cancel each other out."),
    ],
)
def test_a_fault_says_which_term_and_which_field(boutique: FlaskClient, terms: Any, said: str) -> None:
    answer = post(boutique, terms)
    assert answer.status_code == 422, answer.json
    assert answer.json["error"]["code"] == "invalid_input"
    assert said in answer.json["error"]["message"]


@pytest.mark.parametrize("data", [b"not a picture", picture("red")[:200]])
def test_what_is_no_picture_is_named_by_its_place(boutique: FlaskClient, data: bytes) -> None:
    answer = post(boutique, [{"text": "x"}, {"image": b64(data)}])
    assert answer.status_code == 422
    assert answer.json["error"]["code"] == "invalid_image"
    assert answer.json["error"]["message"].startswith("terms.1.image: ")


def test_a_fault_in_the_filters_says_which(boutique: FlaskClient) -> None:
    answer = post(boutique, [{"text": "x"}], filters={"brand": "Acme", "colour": "red", "limit": 3}, limit=0)
    assert {field["field"]: field["message"] for field in answer.json["error"]["fields"]} == {
        "limit": "The least is 1.",
        "filters.brand": "Write a list.",
        "filters.colour": "There is no such field.",
        "filters.limit": "There is no such field.",
    }


def test_a_product_that_is_not_there_is_named(boutique: FlaskClient) -> None:
    answer = post(boutique, [{"text": "x"}, {"product": "nobody"}])
    assert answer.status_code == 404
    assert "nobody" in answer.json["error"]["message"]


@pytest.mark.parametrize("body", ["{", "[]", "null", "5", '{"terms": [}', "\ud800".encode("utf-8", "surrogatepass")])
def test_a_body_that_is_no_object_is_refused(boutique: FlaskClient, body: Any) -> None:
    answer = boutique.post("/api/v1/search", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert "Send a JSON object" in answer.json["error"]["message"]


@pytest.mark.parametrize("services", [{"VITRINE_MAX_UPLOAD_MB": 1}], indirect=True)
def test_a_body_that_is_too_large_is_refused(client: FlaskClient) -> None:
    answer = post(client, [{"image": "A" * 2_000_000}])
    assert answer.status_code == 413
    assert "VITRINE_MAX_UPLOAD_MB" in answer.json["error"]["message"]


def test_like_this_but_so(boutique: FlaskClient) -> None:
    assert skus(similar(boutique, "S-1"))[0] == "S-2"
    answer = similar(boutique, "S-1", q="red")
    assert skus(answer)[0] == "S-3"
    assert "S-1" not in skus(answer)
    assert answer.json["typed"]["words"] == "red"


def test_like_this_but_without_words_leaves_out_what_says_them(boutique: FlaskClient) -> None:
    answer = similar(boutique, "S-1", q="-large")
    assert "S-2" not in skus(answer)
    assert answer.json["typed"]["parts"][0]["label"] == "without large"
    assert skus(similar(boutique, "F-2", q='"with laces"')) == ["F-1"]


def test_like_this_but_under_a_typed_filter(boutique: FlaskClient) -> None:
    answer = similar(boutique, "S-1", q="shrit under 41 in stock")
    assert skus(answer) == ["S-3"]
    assert answer.json["typed"]["corrections"] == [{"typed": "shrit", "corrected": "shirt"}]
    assert "S-1" not in skus(similar(boutique, "S-1", q="S-1"))
    as_words = similar(boutique, "S-1", q="shirt under 41", parse="false", verbatim="true")
    assert (as_words.json["typed"]["parts"], as_words.json["total"]) == ([], 7)


@pytest.mark.parametrize("q", ["", "  ", "\0", "-", '"', "😀" * 99, "%s {}"])
def test_like_this_but_something_odd_answers(boutique: FlaskClient, q: str) -> None:
    assert len(skus(similar(boutique, "S-1", q=q))) == 7
