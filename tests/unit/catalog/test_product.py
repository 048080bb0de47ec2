"""Products as requests and feeds give them."""

import importlib.util
import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from server.catalog import sku as sku_rule
from server.catalog.change import Change, Refused, merge_patch, merged
from server.catalog.product import ProductInput, ProductPatch, problems
from server.resources import MIGRATIONS


def migration_rule() -> re.Pattern[str]:
    spec = importlib.util.spec_from_file_location("first", MIGRATIONS / "versions" / "0001_products.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return re.compile(module.SKU_RULE)


def test_the_migration_has_the_rule_for_a_sku_that_the_code_has() -> None:
    assert migration_rule().pattern == sku_rule.PATTERN


@given(st.text(st.sampled_from("aZ0_ ./~:+#@&=,()-é\\%\n"), max_size=12))
def test_a_valid_sku_can_stand_in_a_url(sku: str) -> None:
    if sku_rule.is_valid(sku):
        assert sku == sku.strip()
        assert all(part not in ("", ".", "..") for part in sku.split("/"))
        assert sku.isascii()
        assert sku.isprintable()


@pytest.mark.parametrize("sku", ["A-1", "10000", "a/b/c", "Golden-Delicious_001", "x" * 100, "A 1 (red)", "_"])
def test_common_skus_are_valid(sku: str) -> None:
    assert sku_rule.is_valid(sku)


@pytest.mark.parametrize(
    "sku", ["", "x" * 101, "-a", ".a", "a//b", "a/..", "/a", "a/", "é", "a\n", "a/similar", "a%2F"]
)
def test_what_cannot_be_a_sku_is_refused(sku: str) -> None:
    assert not sku_rule.is_valid(sku)


def found(**fields: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        ProductInput(**{"sku": "A", "title": "T", **fields})
    return dict(problems(caught.value))


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"price": "abc"}, "price", "'abc' is not a number"),
        ({"title": " "}, "title", "is missing"),
        ({"title": "x" * 501}, "title", "has 501 characters; the most is 500"),
        ({"title": "a\0"}, "title", "holds a NUL character, which text may not have"),
        ({"sku": "../x"}, "sku", f"'../x' is not a SKU. {sku_rule.SENTENCE}"),
        ({"status": "gone"}, "status", "'gone' is not a status; write live, draft or hidden"),
        ({"colour": "red"}, "colour", "is not a field of a product"),
        ({"price": "€5", "currency": "USD"}, "price", "the price is in EUR, but the currency is USD"),
        ({"attributes": "[]"}, "attributes", "is not a JSON object"),
    ],
)
def test_every_message_is_a_sentence_behind_its_field(fields: dict[str, Any], field: str, reason: str) -> None:
    assert found(**fields) == {field: reason}


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert found(price="abc", stock="-1", title="").keys() == {"price", "stock", "title"}


def test_a_price_may_name_its_currency() -> None:
    assert ProductInput(sku="A", title="T", price="€5").currency == "EUR"  # type: ignore[arg-type]
    assert ProductPatch(price="5 GBP").model_dump(exclude_unset=True) == {  # type: ignore[arg-type]
        "price": Decimal(5),
        "currency": "GBP",
    }


@pytest.mark.parametrize("field", ["title", "currency", "status"])
def test_a_patch_cannot_empty_what_every_product_has(field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ProductPatch.model_validate({field: None})
    assert problems(caught.value)[0][0] == field


def test_attributes_are_merged_as_rfc_7396_says() -> None:
    assert merge_patch({"a": "b", "c": {"d": "e", "f": "g"}}, {"a": "z", "c": {"f": None}}) == {
        "a": "z",
        "c": {"d": "e"},
    }
    assert merge_patch({"a": [1]}, {"a": {"b": None}}) == {"a": {}}


def test_a_new_product_needs_a_title_and_gets_the_shops_currency() -> None:
    with pytest.raises(Refused, match="title"):
        merged(Change("A", {"price": Decimal(5)}), None, "EUR")
    assert merged(Change("A", {}, defaults={"title": "T"}), None, "EUR")["currency"] == "EUR"
    with pytest.raises(Refused, match="needs a price"):
        merged(Change("A", {"title": "T", "sale_price": Decimal(5)}), None, "EUR")
