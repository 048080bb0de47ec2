"""Which numbers that shoppers type are prices, and which are not."""

from decimal import Decimal

import pytest

from server.search.typed import Kind, parse_typed, unparsed
from server.search.typed.letters import tidy


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
