"""What shoppers type: what is understood, what must not be, and what holds for any text at all."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.search.typed import Kind, Term, Typed, parse_typed, unparsed
from server.search.typed.letters import plain, tidy
from server.search.typed.scan import scan

ROOT = Path(__file__).parents[3]
LARGEST = Decimal("9999999999.99")


def _labels(typed: Typed) -> list[str]:
    return [part.label for part in typed.understood]


# -- prices --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "lowest", "highest", "currency"),
    [
        ("under 50", None, "50", None),
        ("Under 50.", None, "50", None),
        ("below $50", None, "50", "USD"),
        ("less than 50", None, "50", None),
        ("less than 20?", None, "20", None),
        ("up to 50", None, "50", None),
        ("upto 50", None, "50", None),
        ("at most 50", None, "50", None),
        ("no more than 50", None, "50", None),
        ("not more than 50", None, "50", None),
        ("not over 50", None, "50", None),
        ("cheaper than 50", None, "50", None),
        ("max 50", None, "50", None),
        ("max. 50", None, "50", None),
        ("maximum 50", None, "50", None),
        ("max price 50", None, "50", None),
        ("< 50", None, "50", None),
        ("<50", None, "50", None),
        ("<=50", None, "50", None),
        ("≤ 50", None, "50", None),
        ("price<50", None, "50", None),
        ("price: under 50", None, "50", None),
        ("for under 50", None, "50", None),
        ("$50 or less", None, "50", "USD"),
        ("20€ max", None, "20", "EUR"),
        ("over 100", "100", None, None),
        ("above 100", "100", None, None),
        ("more than 100", "100", None, None),
        ("at least 100", "100", None, None),
        ("not under 100", "100", None, None),
        ("no less than 100", "100", None, None),
        ("min 100", "100", None, None),
        ("> 100", "100", None, None),
        (">=$100", "100", None, "USD"),
        ("from $100", "100", None, "USD"),
        ("from 100 €", "100", None, "EUR"),
        ("$100+", "100", None, "USD"),
        ("$100 and up", "100", None, "USD"),
        ("50-80", "50", "80", None),
        ("80-50", "50", "80", None),
        ("50 - 80", "50", "80", None),
        ("50–80", "50", "80", None),
        ("50−80", "50", "80", None),
        ("$50-$80", "50", "80", "USD"),
        ("$50-80", "50", "80", "USD"),
        ("50-80€", "50", "80", "EUR"),
        ("50 € – 80 €", "50", "80", "EUR"),
        ("£20-30", "20", "30", "GBP"),
        ("50 to 80", "50", "80", None),
        ("from 50 to 80", "50", "80", None),
        ("between 50 and 80", "50", "80", None),
        ("between $50 & $80", "50", "80", "USD"),
        ("between 50 and 52", "50", "52", None),
        ("price range 50 to 80", "50", "80", None),
        ("price 40-42", "40", "42", None),
        ("$40-$42", "40", "42", "USD"),
        ("0.50-1.50", "0.50", "1.50", None),
        ("over 20 under 80", "20", "80", None),
        ("min price 20 max price 40", "20", "40", None),
        ("> $50 and < $100", "50", "100", "USD"),
        ("under 80 min 50", "50", "80", None),
        ("max 80 min $50", "50", "80", "USD"),
        ("under 1,299.99", None, "1299.99", None),
        ("under 1,299", None, "1299", None),
        ("under 1,00,000", None, "100000", None),
        ("under 1.299,99 €", None, "1299.99", "EUR"),
        ("under 1 299,99 €", None, "1299.99", "EUR"),
        ("under 1'299.50", None, "1299.50", None),
        ("under 12,50", None, "12.50", None),
        ("under 12.5", None, "12.5", None),
        ("under .99", None, "0.99", None),
        ("under 2k", None, "2000", None),
        ("under 50 dollars", None, "50", "USD"),
        ("under $50 CAD", None, "50", "CAD"),
        ("under CA$50", None, "50", "CAD"),
        ("under 500 rupees", None, "500", "INR"),
        ("under Rs. 500/-", None, "500", "INR"),
        ("500-1000 rs", "500", "1000", "INR"),
        ("under ¥5,000", None, "5000", "JPY"),
        ("under ５０", None, "50", None),
        ("￥50～￥80", "50", "80", "JPY"),
        ("under 9,999,999,999.99", None, "9999999999.99", None),
        ("under\N{NO-BREAK SPACE}50", None, "50", None),
        ("\N{RIGHT-TO-LEFT MARK}under\0 50", None, "50", None),
    ],
)
def test_a_price_is_understood(text: str, lowest: str | None, highest: str | None, currency: str | None) -> None:
    for typed in (parse_typed(text), parse_typed(f"blue shirt {text}, with buttons")):
        assert typed.price_min == (None if lowest is None else Decimal(lowest))
        assert typed.price_max == (None if highest is None else Decimal(highest))
        assert typed.currency == currency
        assert {part.kind for part in typed.understood} == {Kind.PRICE}
        assert typed.words in ("", "blue shirt with buttons")


@pytest.mark.parametrize(
    "text",
    [
        # sizes, ages, measures and models
        "size 40-42",
        "size: 40 - 50",
        "women's dress size 8 to 14",
        "size from 40 to 46",
        "eu 36-42",
        "jeans waist 30-38",
        "shoes 40-42",
        "boots 7-8",
        "age 3-5",
        "ages 6 to 9",
        "toys for 3-8 year olds",
        "girls dress 6-12",
        "baby bodysuit 0-3",
        "boys 8-20",
        "10-12 inch",
        '10-12" pan',
        "500 ml",
        "18-55mm lens",
        "hat 56-60 cm",
        "2-8 players",
        "pack of 6-12",
        "tent for 4-8",
        "iphone 12-15 case",
        "levi's 501-511",
        "sunglasses 1018-104",
        "puma 3-0 mid",
        "season 2023-24",
        "calendar 2024-2025",
        "4k-8k tv",
        "9-5 dress",
        "9 to 5 dress",
        "80-20 ground beef",
        "1-800-flowers",
        "3-in-1 jacket",
        "50-80-100",
        "air max 90",
        "nike air max 270 react",
        "iphone 15 pro max 256",
        "Timberland Max 2 shoe",
        "timer 10 min 30",
        # not money
        "under 50 cm",
        "under 50cm",
        "under 50-inch",
        "under 50 - 60 cm",
        "under 50 x 70",
        "under 18 years",
        "under 50 pounds",
        "under 50% off",
        "up to 50 %",
        "water resistant up to 50",
        "more than 2 pockets",
        "bag with at least 3 straps",
        "over 4 stars",
        "dress for women over 50",
        "gifts for girls under 10",
        "sleeping bag below 0",
        "i <3 cats",
        # words
        "under armour",
        "over knee boots",
        "over the knee",
        "above ground pool",
        "up to date",
        "from 100",
        "to 50",
        "between 50 and",
        "max mara",
        "cheap shoes",
        "under fifty",
        "dress under50",
        "$50 shirt",
        "50€",
        "$-$",
        "<",
        # no amount that a price can be
        "under 1.299",
        "under 1 299",
        "under 50.999",
        "under 12,5",
        "under 007",
        "under 10000000000",
        "under 123456789012345678901234567890",
        "$50-80€",
        "50/80",
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
def test_words_stay_words(text: str) -> None:
    typed = parse_typed(text)
    assert typed.understood == ()
    assert typed.words == tidy(text)
    assert typed == unparsed(text)


def test_numbers_beside_a_price_do_not_hide_it() -> None:
    typed = parse_typed('plus size dress, size 12-14, 24" x 36", v neck under 50, air max 90 over $20')
    assert (typed.price_min, typed.price_max) == (20, 50)
    assert typed.words == 'plus size dress, size 12-14, 24" x 36", v neck air max 90'


@pytest.mark.parametrize(
    "text",
    ["under 50 100% cotton", "plus size under 50", "iphone under 50", "need it under 50", "light weight under 50"],
)
def test_a_word_that_sometimes_takes_a_number_leaves_a_price_alone(text: str) -> None:
    assert parse_typed(text).price_max == 50


@pytest.mark.parametrize(
    ("text", "lowest", "highest", "currency"),
    [
        ("under 80 under 50", None, 50, None),
        ("under 50 under 80", None, 50, None),
        ("50-80 over 60", 60, 80, None),
        ("under 50 over 80", 80, None, None),
        ("over 80 under 50", None, 50, None),
        ("under $50 over 20", 20, 50, "USD"),
        ("under $50 over €20", 20, None, "EUR"),
    ],
)
def test_of_two_bounds_the_narrower_holds_and_of_two_that_fight_the_later(
    text: str, lowest: int | None, highest: int | None, currency: str | None
) -> None:
    typed = parse_typed(text)
    assert (typed.price_min, typed.price_max, typed.currency) == (lowest, highest, currency)
    assert len(typed.understood) == 2


# -- words, phrases, weights ---------------------------------------------------------------------------------------


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


# -- any text ------------------------------------------------------------------------------------------------------

_PIECES = """
under below over above max min from between up to at least most less more than and or for not in stock
size age women girls air pro cm inch t shirt v-neck red blue price budget dollars rs usd k x by only now
50 80 40-42 50-80 5 1,299.99 1.299 007 $50 €80 50€ 2k 0 $100+ 2024-2025 000
<3 < > <= = - -- — – ~ + & ( ) , ; . ! ?
" “ ” „ « » ` ^ ^2 red^2 red^x -red -"red -"a "a b" "a" brand: brand:acme -brand:acme category: category:a/b
"""
PIECES = [
    *_PIECES.split(),
    *("in stock", "under 50", "between 50 and 80", "or less", '"polka dots"', '-"polka dots"^2', 'brand:"Fab India"'),
    *("\0", "\ud800", "\u200f", "\u00a0", "e\u0301", "衬衫", "👗", "İ", "ß", "ﬁ", "٥٠"),
]
TYPED_BY_SHOPPERS = st.lists(
    st.tuples(st.sampled_from(PIECES), st.sampled_from([" ", " ", " ", "  ", ", ", ",", "", "\N{NO-BREAK SPACE}"])),
    max_size=12,
).map(lambda pieces: "".join(part for piece in pieces for part in piece))
ANYTHING = st.one_of(TYPED_BY_SHOPPERS, st.text(max_size=60), st.text(st.characters(), max_size=60))


@given(ANYTHING)
@example("x " * 500)
@example('"' * 1000)
@example('"a ' * 333)
@example("brand: " * 143)
@example("under " * 166)
@example("50-" * 333)
@example("1 000" * 200)
@example("^2" * 500)
@example("(" * 1000)
def test_parts_lie_in_the_text_one_behind_the_other(text: str) -> None:
    typed = parse_typed(text)
    assert typed.text == text
    end = 0
    for part in typed.understood:
        assert end <= part.start < part.end <= len(text)
        assert " " not in (plain(text)[part.start], plain(text)[part.end - 1])
        assert part.label
        end = part.end


@given(ANYTHING)
def test_no_word_is_lost(text: str) -> None:
    typed, at, left = parse_typed(text), 0, ""
    for part in typed.understood:
        left, at = left + text[at : part.start], part.end
    words = [piece.term.text for piece in scan(text) if piece.kind is None and piece.term]
    assert tidy(left + text[at:]).replace(" ", "") == "".join(words)


@given(ANYTHING)
def test_every_amount_is_one_that_a_filter_takes(text: str) -> None:
    typed = parse_typed(text)
    bounds = [bound for bound in (typed.price_min, typed.price_max) if bound is not None]
    assert bounds == sorted(bounds)
    for bound in bounds:
        assert 0 <= bound <= LARGEST
        assert bound == round(bound, 2)
    assert all(0.1 <= term.weight <= 5 for term in typed.terms)


@given(ANYTHING)
def test_what_is_understood_can_be_stored_and_sent(text: str) -> None:
    typed = parse_typed(text)
    told = [term.text for term in typed.terms] + [*typed.brands, typed.category or "", *_labels(typed), typed.words]
    assert all(tidy(each) == each for each in told)
    assert all(term.text for term in typed.terms)
    "".join(told).encode()


@given(ANYTHING)
@example('"a -x b"')
@example('-"a -x "b"')
@example('brand:"a "p q" b"')
@example("not -x in stock")
@example("for -x under 50")
@example("under 50 -x dollars")
@example("in stock -x only")
@example("category: under 50^2")
@example("under 2k min $50")
@example("under 50 to 60 to 80")
@example("under 50 -5x")
@example("under 50 100^2")
@example("under 50 dollars^2")
@example("from $50 to 80^2")
@example("$20 max 5^2")
@example('under 50 000 "a" dollars')
@example('50-80,),"a"')
def test_without_a_part_the_others_stay(text: str) -> None:
    typed = parse_typed(text)
    for place, part in enumerate(typed.understood):
        rest = parse_typed(typed.without(part))
        others = [*typed.understood[:place], *typed.understood[place + 1 :]]
        assert [(each.kind, each.label) for each in rest.understood] == [(each.kind, each.label) for each in others]
        assert len(rest.terms) == len(typed.terms) - (part.kind in (Kind.EXCLUDE, Kind.PHRASE, Kind.WEIGHT))


@given(ANYTHING)
def test_without_all_parts_the_plain_words_are_left(text: str) -> None:
    typed = parse_typed(text)
    while typed.understood:
        typed = parse_typed(typed.without(typed.understood[0]))
    assert typed.words.replace(" ", "") == unparsed(typed.text).words.replace(" ", "")


@given(ANYTHING)
def test_blanks_and_capitals_change_nothing(text: str) -> None:
    typed = parse_typed(text)
    tidied = parse_typed(tidy(text))
    assert (tidied.terms, _labels(tidied), tidied.price_min) == (typed.terms, _labels(typed), typed.price_min)
    shouted = parse_typed(text.upper())
    if len(text.upper()) == len(text):
        assert [(part.kind, part.start, part.end) for part in shouted.understood] == [
            (part.kind, part.start, part.end) for part in typed.understood
        ]


@given(ANYTHING)
def test_unparsed_text_is_words_alone(text: str) -> None:
    typed = unparsed(text)
    assert typed.understood == ()
    assert [term.text for term in typed.terms] == tidy(text).split()
    assert (typed.price_min, typed.price_max, typed.brands, typed.category, typed.in_stock) == (
        None,
        None,
        (),
        None,
        False,
    )
