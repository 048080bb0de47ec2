"""The drawn catalogue: repeatable, plausible, and silent about looks where it says so."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal

import pytest
from PIL import Image

from server.demo import (
    COLOURS,
    DEMO_SEED,
    KINDS,
    PATTERNS,
    DrawnProduct,
    contact_sheet,
    details_of,
    draw_catalogue,
)

PATTERN_WORDS = {"plain", "solid", "stripe", "striped", "dot", "dotted", "polka", "checked", "check", "plaid"} | {
    "floral",
    "flower",
    "flowered",
    "gray",
    "beige",
}


@pytest.fixture(scope="module")
def shop() -> list[DrawnProduct]:
    return list(draw_catalogue(2000, DEMO_SEED))


def test_a_product_depends_on_its_seed_and_place_only(shop: list[DrawnProduct]) -> None:
    assert list(draw_catalogue(120, DEMO_SEED)) == shop[:120]
    other = list(draw_catalogue(120, DEMO_SEED + 1))
    assert [p.truth for p in other] != [p.truth for p in shop[:120]]


def test_every_kind_is_about_as_frequent_as_the_others(shop: list[DrawnProduct]) -> None:
    counts = Counter(p.truth.kind for p in shop)
    assert len(KINDS) >= 36
    assert set(counts) == set(KINDS)
    assert min(counts.values()) > 0.5 * len(shop) / len(KINDS)


def test_truths_are_drawn_from_the_published_names(shop: list[DrawnProduct]) -> None:
    for product in shop:
        assert product.truth.colour in COLOURS
        assert product.truth.pattern in PATTERNS
        assert set(product.truth.details) <= set(details_of(product.truth.kind))
    assert {p.truth.colour for p in shop} == set(COLOURS)
    assert {p.truth.pattern for p in shop} == set(PATTERNS)
    for kind in KINDS:
        shown = {d for p in shop if p.truth.kind == kind for d in p.truth.details}
        assert shown == set(details_of(kind))


def test_skus_are_unique_and_opaque(shop: list[DrawnProduct]) -> None:
    assert len({p.sku for p in shop}) == len(shop)
    assert all(re.fullmatch(r"VT-[0-9B-DF-HJ-NP-TV-XZ]{6}", p.sku) for p in shop)


def test_about_half_of_the_texts_tell_the_looks(shop: list[DrawnProduct]) -> None:
    share = sum(p.text_tells for p in shop) / len(shop)
    assert 0.45 < share < 0.55
    for product in shop:
        if product.text_tells:
            assert product.truth.colour in product.title.lower()
            assert product.attributes["pattern"] == product.truth.pattern


def test_silent_texts_mention_no_colour_pattern_or_detail(shop: list[DrawnProduct]) -> None:
    for product in shop:
        if product.text_tells:
            continue
        attributes = " ".join(f"{key} {value}" for key, value in product.attributes.items())
        text = f"{product.sku} {product.title} {product.description} {attributes}".lower()
        forbidden = set(COLOURS) | PATTERN_WORDS | {"colour", "color", "pattern"}
        forbidden |= {d for kind in KINDS for d in details_of(kind)} - {product.truth.kind}
        found = [word for word in forbidden if re.search(rf"\b{re.escape(word)}s?\b", text)]
        assert not found, (found, text)


def test_variants_share_a_group_and_differ_in_colour(shop: list[DrawnProduct]) -> None:
    groups: dict[str, list[DrawnProduct]] = {}
    for product in shop:
        if product.item_group is not None:
            groups.setdefault(product.item_group, []).append(product)
    assert 0.12 < sum(map(len, groups.values())) / len(shop) < 0.18
    for members in groups.values():
        assert len({(p.truth.kind, p.truth.pattern, p.truth.details, p.brand) for p in members}) == 1
        assert len({p.truth.colour for p in members}) == len(members) > 1


def test_prices_and_stock_are_plausible(shop: list[DrawnProduct]) -> None:
    for product in shop:
        assert product.price > 0
        assert product.price == product.price.quantize(Decimal("0.01"))
        assert product.currency == "USD"
        assert product.sale_price is None or Decimal(0) < product.sale_price < product.price
        assert product.stock >= 0
    assert 0.15 < sum(p.sale_price is not None for p in shop) / len(shop) < 0.25
    assert 0.08 < sum(p.stock == 0 for p in shop) / len(shop) < 0.16


@pytest.mark.parametrize("size", [80, 96, 128])
def test_pictures_have_the_asked_size_and_repeat(shop: list[DrawnProduct], size: int) -> None:
    picture = shop[3].draw(size)
    assert (picture.size, picture.mode) == ((size, size), "RGB")
    assert picture.tobytes() == shop[3].draw(size).tobytes()


def test_pictures_differ(shop: list[DrawnProduct]) -> None:
    pictures = {p.draw(64).tobytes() for p in shop[:150]}
    assert len(pictures) == 150


def test_a_contact_sheet_has_rows_of_cells(shop: list[DrawnProduct]) -> None:
    sheet = contact_sheet(shop[:5], columns=3, cell=40)
    assert isinstance(sheet, Image.Image)
    assert sheet.size == (120, 80)
