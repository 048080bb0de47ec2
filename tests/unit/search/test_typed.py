"""What shoppers type: words, phrases, weights, brands, categories and stock, and the chips that show it."""

import re
from pathlib import Path

import pytest

from server.search.typed import Kind, Term, Typed, parse_typed, unparsed
from server.search.typed.letters import tidy

ROOT = Path(__file__).parents[3]


def _labels(typed: Typed) -> list[str]:
    return [part.label for part in typed.understood]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("blue shirt", [Term("blue"), Term("shirt")]),
        ("blue,white shirt", [Term("blue,"), Term("white"), Term("shirt")]),
        ("shirt -striped", [Term("shirt"), Term("striped", negative=True)]),
        ("shirt −striped, blue", [Term("shirt"), Term("striped", negative=True), Term("blue")]),
        ("-2xl", [Term("2xl", negative=True)]),
        ("-t-shirt", [Term("t-shirt", negative=True)]),
        ("-衬衫 -🌸", [Term("衬衫", negative=True), Term("🌸", negative=True)]),
        ('-"polka dots"', [Term("polka dots", phrase=True, negative=True)]),
        ("-brand:acme", [Term("acme", negative=True)]),
        ('-brand:"Fab India"', [Term("Fab India", phrase=True, negative=True)]),
        ("-category:Apparel/Shirts", [Term("Shirts", negative=True)]),
        ('"button  down" shirt', [Term("button down", phrase=True), Term("shirt")]),
        ("“Button down”", [Term("Button down", phrase=True)]),
        ("„button down“", [Term("button down", phrase=True)]),
        ("«\N{NO-BREAK SPACE}button down\N{NO-BREAK SPACE}»", [Term("button down", phrase=True)]),
        ('"under 50"', [Term("under 50", phrase=True)]),
        ('"in stock"', [Term("in stock", phrase=True)]),
        ("red^2 boots", [Term("red", 2.0), Term("boots")]),
        ("red^.5, boots", [Term("red", 0.5), Term("boots")]),
        ("red^1,5", [Term("red", 1.5)]),
        ("red^0 boots^99", [Term("red", 0.1), Term("boots", 5.0)]),
        ("red^" + "9" * 900, [Term("red", 5.0)]),
        ("-red^2", [Term("red", 2.0, negative=True)]),
        ('"button down"^1.5', [Term("button down", 1.5, phrase=True)]),
        ('-"button down"^1.5', [Term("button down", 1.5, phrase=True, negative=True)]),
    ],
)
def test_words_are_kept_as_typed(text: str, terms: list[Term]) -> None:
    assert list(parse_typed(text).terms) == terms


def test_what_is_embedded_are_the_words_to_look_for_in_the_order_typed() -> None:
    typed = parse_typed('striped^2 "blue shirt" -floral under 50 with buttons, in stock')
    assert typed.words == "striped blue shirt with buttons"


def test_a_text_of_filters_alone_has_no_words() -> None:
    typed = parse_typed("under 50 in stock -striped")
    assert typed.words == ""
    assert [term.text for term in typed.terms] == ["striped"]


@pytest.mark.parametrize(
    "text",
    [
        # neither minus nor weight nor phrase
        "t-shirt",
        "v-neck",
        "t -shirt",
        "shirt - blue",
        "shirt — blue",
        "shirt —blue",
        "-",
        "--",
        "---",
        "--red",
        "-->",
        ":-)",
        "-20 °C",
        "-20°c sleeping bag",
        "-50%",
        "x^",
        "^2",
        "^",
        "a^b",
        "a^^2",
        "a^2^3",
        "-^2",
        '"unbalanced',
        'un"balanced',
        'unbalanced"',
        '24" x 36" poster',
        '""',
        '"  "',
        '"!?"',
        '-""',
        '-"',
        # neither brand nor category nor stock
        "brand:",
        "brand: ",
        "category:",
        'brand:""',
        'category:"/"',
        "brand:!",
        "brand::",
        "my brand",
        "brand:acme^2",
        "-brand:acme^2",
        "not in stock",
        "in stockholm",
        "available shoes",
        "stock",
        "red dress NOT striped",
        "shirt without stripes",
        "pull 衬衫 قميص 👗 e\N{COMBINING ACUTE ACCENT}té",
    ],
)
def test_drawings_and_halves_stay_words(text: str) -> None:
    typed = parse_typed(text)
    assert typed.understood == ()
    assert typed.words == tidy(text)
    assert typed == unparsed(text)


# -- brand, category, stock ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "brands"),
    [
        ("brand:acme", ("acme",)),
        ("Brand:Acme, shirt", ("Acme",)),
        ("brand: acme", ("acme",)),
        ('brand:"Fab  India"', ("Fab India",)),
        ("brand:“Fab India” kurta", ("Fab India",)),
        ("brand:acme brand:zara brand:acme", ("acme", "zara")),
        ("brand:h&m", ("h&m",)),
        ("brand:A.P.C.", ("A.P.C.",)),
        ("brand:无印良品", ("无印良品",)),
    ],
)
def test_brands_are_understood(text: str, brands: tuple[str, ...]) -> None:
    assert parse_typed(text).brands == brands


def test_a_filter_is_no_brand() -> None:
    typed = parse_typed("brand: under 50")
    assert typed.brands == ()
    assert typed.price_max == 50


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("category:shoes", "shoes"),
        ("Category: Shoes", "Shoes"),
        ("category:Apparel/Topwear/", "Apparel/Topwear"),
        ('category:"Home > Kitchen / Mugs"', "Home/Kitchen/Mugs"),
        ("category:shoes category:boots", "boots"),
    ],
)
def test_a_category_is_understood(text: str, category: str) -> None:
    assert parse_typed(text).category == category


@pytest.mark.parametrize(
    "text",
    ["in stock", "In Stock!", "in-stock", "instock", "only in stock", "in stock only", "(in stock)", "and in stock"],
)
def test_stock_is_understood(text: str) -> None:
    typed = parse_typed(f"shirt {text}")
    assert typed.in_stock
    assert typed.words == "shirt"


# -- chips ---------------------------------------------------------------------------------------------------------


def test_labels_say_what_was_understood() -> None:
    text = (
        'under 50, 50-1299.5 over $100, 500 to 800 rs, under 50 chf brand:acme category:shoes -stripes -"polka dots" '
        'in stock "button down" red^2 "a b"^1.5 -x^3'
    )
    assert _labels(parse_typed(text)) == [
        "under 50",
        "50 to 1,299.50",
        "over $100",
        "₹500 to ₹800",
        "under 50 CHF",
        "brand acme",
        "category shoes",
        "without stripes",
        "without “polka dots”",
        "in stock",
        "exactly “button down”",
        "red ×2",
        "exactly “a b” ×1.5",
        "without x ×3",
    ]


def test_a_part_is_cut_out_with_its_comma() -> None:
    typed = parse_typed("blue  shirt, under 50, in stock")
    price, stock = typed.understood
    assert typed.without(price) == "blue shirt, in stock"
    assert typed.without(stock) == "blue shirt, under 50,"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("under -red 50", "under, 50"),
        ("size -red 40-52", "size, 40-52"),
        ("under 50 -red cm", "under 50, cm"),
        ('"a "p q" b"', "`a, b`"),
    ],
)
def test_what_a_part_held_apart_stays_apart_without_it(text: str, left: str) -> None:
    typed = parse_typed(text)
    part = next(part for part in typed.understood if part.kind is not Kind.PRICE)
    assert typed.without(part) == left
    assert _labels(parse_typed(left)) == [label for label in _labels(typed) if label != part.label]


def test_the_examples_in_the_docs_hold() -> None:
    told = (ROOT / "docs" / "searching.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.+)` \|(.*)\|(.*)\|$", told, re.MULTILINE)
    assert len(rows) > 40
    for text, understood, words in rows:
        typed = parse_typed(text)
        assert "; ".join(_labels(typed)) == understood.strip(), text
        assert typed.words == words.strip(), text


@pytest.mark.parametrize(
    ("typed", "without"),
    [
        ("red^2 boots", "red boots"),
        ("boots red^2", "boots red"),
        ("boots, red^2 under 50", "boots, red under 50"),
        # The word alone would become a price.
        ("under 50^2", ("under", "under, 50")),
    ],
)
def test_without_its_weight_a_word_stays(typed: str, without: str | tuple[str, ...]) -> None:
    parsed = parse_typed(typed)
    weight = next(part for part in parsed.understood if part.kind is Kind.WEIGHT)
    assert parsed.without(weight) in (without if isinstance(without, tuple) else (without,))
