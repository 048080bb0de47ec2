"""What ranks, what is counted, and what is told of it: mode, explain, facets, attributes, collapse, relevant."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from server.search import plan as planning
from server.search import scoring
from tests.integration.api.conftest import BOUTIQUE

Find = Callable[..., Any]
ALL_FACETS = ["brand", "category", "price", "stock", "attributes"]


def skus(body: Any) -> list[str]:
    return [hit["sku"] for hit in body["hits"]]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result has at most five products."""
    monkeypatch.setattr(planning, "MOST", 5)


def test_words_alone_find_what_says_them(find: Find) -> None:
    body = find(q="red shirt", mode="text")
    assert (body["plan"]["path"], body["plan"]["model"]) == ("text", None)
    assert set(skus(body)) == {"S-1", "S-2", "S-3", "D-1"}
    assert skus(body)[0] == "S-3"
    assert all(hit["score"] is None for hit in body["hits"])


def test_the_look_alone_ranks_all(find: Find) -> None:
    body = find(q="red shirt", mode="vector")
    assert body["total"] == len(BOUTIQUE)
    scores = [hit["score"] for hit in body["hits"]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("mode", ["hybrid", "vector", "text"])
def test_an_explanation_adds_up(find: Find, mode: str) -> None:
    body = find(q="red shirt", mode=mode, explain="true")
    assert body["hits"]
    for hit in body["hits"]:
        parts = hit["explain"]
        assert (parts["text_weight"] > 0) == (mode != "vector")
        weighed = parts["text_weight"] * parts["text"]
        assert parts["score"] == pytest.approx((parts["z"] or 0) + weighed + parts["rule"])
        assert (parts["rule"] > 0) == bool(parts["rules"])
        assert (parts["similarity"] is None) == (mode == "text")
    scores = [hit["explain"]["score"] for hit in body["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_nothing_is_explained_unasked(find: Find) -> None:
    assert all(hit["explain"] is None for hit in find(q="red shirt")["hits"])


@pytest.mark.parametrize(
    ("typed", "sku", "rule"), [("S-2", "S-2", "sku"), ("yellow MUG", "H-1", "title"), ("coil", "F-2", "brand")]
)
def test_what_is_named_as_a_whole_comes_first_and_says_why(find: Find, typed: str, sku: str, rule: str) -> None:
    first = find(q=typed, explain="true")["hits"][0]
    assert first["sku"] == sku
    assert rule in first["explain"]["rules"]


def test_a_brand_that_is_typed_brings_none_that_a_filter_leaves_out(find: Find) -> None:
    assert set(skus(find(q="bolt", brand="Acme"))) == {"S-1", "S-2", "J-1"}
    assert set(skus(find(q="bolt", brand=["Acme", "Bolt"]))) == {"S-1", "S-2", "J-1", "S-3", "D-1", "F-1"}


@pytest.mark.parametrize("parameters", [{}, {"q": "red shirt"}, {"q": "shirt", "brand": "Acme"}, {"q": "in stock"}])
def test_facets_count_the_whole_result(find: Find, parameters: dict[str, Any]) -> None:
    body = find(**parameters, facets=ALL_FACETS, limit=1)
    everything = find(**parameters)["hits"]
    by_sku = {product["sku"]: product for product in BOUTIQUE}
    found = [by_sku[hit["sku"]] for hit in everything]
    assert body["total"] == len(found)
    facets = body["facets"]
    brands = Counter(product["brand"] for product in found if "brand" in product)
    assert {one["value"]: one["count"] for one in facets["brand"]} == brands
    tops = Counter(product["category"].split("/")[0] for product in found)
    assert {one["value"]: one["count"] for one in facets["category"] if "/" not in one["value"]} == tops
    assert facets["in_stock"] == sum(1 for product in found if product.get("stock", 1) > 0)
    prices = [product.get("sale_price", product["price"]) for product in found if "currency" not in product]
    assert sum(bar["count"] for bar in facets["price"]) == len(prices)
    assert (facets["lowest_price"], facets["highest_price"]) == (min(prices), max(prices))
    for name, values in facets["attributes"].items():
        counted = Counter(p["attributes"][name] for p in found if name in p.get("attributes", {}))
        assert {one["value"]: one["count"] for one in values} == counted


def test_a_facets_count_is_what_its_filter_finds(find: Find) -> None:
    facets = find(q="shirt", facets=ALL_FACETS)["facets"]
    for one in facets["brand"]:
        assert find(q="shirt", brand=one["value"])["total"] == one["count"]
    for one in facets["category"]:
        assert find(q="shirt", category=one["value"])["total"] == one["count"]
    for name, values in facets["attributes"].items():
        for one in values:
            assert find(q="shirt", attribute=f"{name}={one['value']}")["total"] == one["count"]


def test_words_that_no_product_has_find_nothing_by_words_alone(find: Find) -> None:
    assert find(q="qwertyuiop", mode="text", verbatim="true")["total"] == 0
    assert find(q="S-2", mode="text")["total"] == 1
    assert find(q="qwertyuiop")["total"] == len(BOUTIQUE)
    assert find(q="under 50", mode="text")["plan"]["path"] == "browse"


def test_facets_that_were_not_asked_for_are_null(find: Find) -> None:
    assert find(q="shirt")["facets"] is None
    facets = find(q="shirt", facets="brand")["facets"]
    assert [name for name, value in facets.items() if value is not None] == ["brand"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["colour=Blue"], {"S-1", "S-2", "J-1"}),
        (["colour=Blue", "colour=Red"], {"S-1", "S-2", "S-3", "D-1", "J-1"}),
        (["colour=Blue", "size=M"], {"S-1"}),
        (["colour=blue"], set()),
        (["material=Wool"], set()),
    ],
)
def test_attributes_filter(find: Find, wanted: list[str], found: set[str]) -> None:
    for parameters in ({}, {"q": "shirt"}, {"q": "shirt", "mode": "vector"}):
        body = find(**parameters, attribute=wanted)
        assert set(skus(body)) == found
        assert body["total"] == len(found)


@pytest.mark.parametrize("parameters", [{}, {"q": "large shirt"}, {"q": "shirt", "sort": "price_desc"}])
def test_of_a_group_one_is_shown(find: Find, parameters: dict[str, Any]) -> None:
    body = find(**parameters, collapse="true")
    assert body["total"] == len(BOUTIQUE) - 1
    assert len({"S-1", "S-2"} & set(skus(body))) == 1


def test_the_best_of_a_group_is_shown(find: Find) -> None:
    assert skus(find(q="large shirt", collapse="true"))[0] == "S-2"
    assert "S-1" in skus(find(q="blue striped shirt", collapse="true"))


def test_what_has_little_to_do_with_the_query_can_be_left_out(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = find(q="shirt", explain="true")
    # In a shop as small as this one nothing is.
    assert find(q="shirt", relevant="true")["total"] == everything["total"]
    monkeypatch.setattr(scoring, "FEWEST_TO_CUT", 0)
    relevant = find(q="shirt", relevant="true")
    cutoff = max(scoring.FLOOR, scoring.SHARE * max(hit["explain"]["z"] for hit in everything["hits"]))
    kept = [hit["sku"] for hit in everything["hits"] if hit["explain"]["score"] >= cutoff]
    assert 0 < relevant["total"] < everything["total"]
    assert set(kept) <= set(skus(relevant))


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"q": "shirt"},
        {"q": "shirt", "mode": "vector"},
        {"q": "shirt", "sort": "price_asc"},
    ],
)
def test_a_result_ends_at_the_most_and_says_that_there_are_more(find: Find, parameters: dict[str, Any]) -> None:
    body = find(**parameters, limit=2)
    assert (body["total"], body["total_is_exact"]) == (5, False)
    walked = skus(body)
    while body["next_cursor"]:
        body = find(**parameters, limit=2, cursor=body["next_cursor"])
        walked += skus(body)
        assert (body["total"], body["total_is_exact"]) == (5, False)
    assert len(walked) == len(set(walked)) == 5


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("parameters", [{}, {"q": "blue striped shirt"}, {"q": "shirt", "mode": "vector"}])
def test_a_result_that_was_cut_and_collapsed_is_the_same_on_each_page(find: Find, parameters: dict[str, Any]) -> None:
    body = find(**parameters, collapse="true", limit=2)
    total, walked = body["total"], skus(body)
    while body["next_cursor"]:
        body = find(**parameters, collapse="true", limit=2, cursor=body["next_cursor"])
        walked += skus(body)
        assert (body["total"], body["total_is_exact"]) == (total, False)
    assert len(walked) == len(set(walked)) == total


@pytest.mark.usefixtures("few")
def test_facets_of_a_result_that_was_cut_count_what_is_left(find: Find) -> None:
    body = find(q="shirt", facets=ALL_FACETS)
    assert sum(one["count"] for one in body["facets"]["category"] if "/" not in one["value"]) == body["total"] == 5
