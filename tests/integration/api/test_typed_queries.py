"""What the API understands of a typed query: filters, corrections, words that must or must not be there."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

Find = Callable[..., Any]


def skus(body: Any) -> list[str]:
    return [hit["sku"] for hit in body["hits"]]


@pytest.mark.parametrize(
    ("typed", "kind", "label", "without", "told", "found"),
    [
        ("shirt under 30", "price", "under 30", "shirt", {"price_max": 30.0}, {"S-3"}),
        ("red brand:bolt", "brand", "brand bolt", "red", {"brands": ["Bolt"]}, {"S-3", "D-1", "F-1"}),
        ("shirt in stock", "stock", "in stock", "shirt", {"in_stock": True}, None),
        ("red category:shirts", "category", "category shirts", "red", {"category": "Apparel/Shirts"}, None),
        ("shoes -laces", "exclude", "without laces", "shoes", {"words": "shoes"}, None),
        ('"striped shirt"', "phrase", "exactly “striped shirt”", "", {"words": "striped shirt"}, {"S-1", "S-2"}),
    ],
)
def test_each_part_is_told_and_can_be_taken_out(
    find: Find, typed: str, kind: str, label: str, without: str, told: dict[str, Any], found: set[str] | None
) -> None:
    body = find(q=typed)
    (part,) = body["typed"]["parts"]
    assert (part["kind"], part["label"], part["without"]) == (kind, label, without)
    assert typed[part["start"] : part["end"]]
    assert {name: body["typed"][name] for name in told} == told
    if found is not None:
        assert set(skus(body)) == found
        assert body["total"] == len(found)


def test_typed_filters_hold(find: Find) -> None:
    assert "S-2" not in skus(find(q="shirt in stock"))
    assert "F-1" not in skus(find(q="shoes -laces"))
    assert set(skus(find(q="red category:shirts"))) == {"S-1", "S-2", "S-3"}


def test_typed_filters_and_those_of_the_address_hold_together(find: Find) -> None:
    assert set(skus(find(q="shirt under 41", price_min=30))) == {"S-1"}
    assert find(q="shirt under 41", price_min=30, brand="Bolt")["total"] == 0


def test_unparsed_all_is_words(find: Find) -> None:
    body = find(q="shoes -laces under 30", parse="false")
    assert (body["typed"]["parts"], body["typed"]["words"]) == ([], "shoes -laces under 30")
    assert body["typed"]["price_max"] is None
    assert body["total"] == 8


def test_a_slip_is_put_right_and_told(find: Find) -> None:
    body = find(q="red shrit")
    assert body["typed"]["corrections"] == [{"typed": "shrit", "corrected": "shirt"}]
    assert body["typed"]["words"] == "red shirt"
    assert skus(body)[0] == "S-3"


def test_verbatim_words_stay_as_typed(find: Find) -> None:
    body = find(q="red shrit", verbatim="true")
    assert (body["typed"]["corrections"], body["typed"]["words"]) == ([], "red shrit")


def test_nothing_is_told_where_nothing_was_typed(boutique: FlaskClient, find: Find) -> None:
    assert find()["typed"] is None
    assert find(q="  ")["typed"] is None
    assert boutique.get("/api/v1/products/S-1/similar").json["typed"] is None


def test_a_query_of_filters_alone_browses_under_them(find: Find) -> None:
    body = find(q="under 50 in stock", sort="price_asc")
    assert body["plan"]["path"] == "browse"
    assert skus(body) == ["S-3", "S-1"]
