"""What a field may hold."""

import datetime
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.catalog import values
from server.catalog.html_text import html_to_text
from server.catalog.prices import parse_currency, parse_price


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("1299", "1299", None),
        ("1,299.00", "1299", None),
        ("1,299", "1299", None),
        ("1.299,00", "1299", None),
        ("1 299,50", "1299.50", None),
        ("1\u202f299,50", "1299.50", None),
        ("1'299.50", "1299.50", None),
        ("12,34,567.00", "1234567", None),
        ("12.345.678", "12345678", None),
        ("45,00", "45", None),
        ("45,5", "45.50", None),
        (".5", "0.50", None),
        ("$45.00", "45", None),
        ("€ 45,50", "45.50", "EUR"),
        ("£45", "45", "GBP"),
        ("₹1,299", "1299", "INR"),
        ("Rs. 599", "599", "INR"),
        ("45.00 USD", "45", "USD"),
        ("USD45", "45", "USD"),
        (" 0 ", "0", None),
        (109.99, "109.99", None),
        (109.98999786376953, "109.99", None),
        (12, "12", None),
        (Decimal("3.50"), "3.50", None),
    ],
)
def test_a_price_is_read_as_people_write_it(text: Any, amount: str, currency: str | None) -> None:
    assert parse_price(text) == (Decimal(amount), currency)


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_no_price_is_none(nothing: str | None) -> None:
    assert parse_price(nothing) == (None, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("abc", "'abc' is not a number"),
        ("-5", "-5 is negative"),
        ("-$5", "is negative"),
        ("$-5", "is negative"),
        ("NaN", "is not a number"),
        (math.nan, "is not a number"),
        (math.inf, "is not a number"),
        ("1.299", "can be read as 1299 or as 1.30"),
        ("1,299,00", "is not a number"),
        ("1,2,3", "is not a number"),
        ("5 pcs", "is not a number"),
        ("1e3", "is not a number"),
        ("1_000", "is not a number"),
        ("٣", "is not a number"),
        ("$", "is not a number"),
        ("1.2345", "more than two decimal places"),
        (1.299, "more than two decimal places"),
        ("10000000000", "is more than 9,999,999,999.99"),
        (1e300, "is more than"),
        (True, "is not a number"),
        ([1], "is not a number"),
    ],
)
def test_what_is_no_price_is_refused_with_a_sentence(text: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_price(text)
    assert reason in str(caught.value)


@given(st.decimals(min_value=0, max_value=9_999_999_999, places=2))
def test_every_price_survives_being_written_in_any_fashion(price: Decimal) -> None:
    for text in (f"{price:.2f}", f"{price:,.2f}", f"{price:.2f}".replace(".", ","), f"${price:,.2f}", price):
        assert parse_price(text)[0] == price
    german = f"{price:,.2f}".translate(str.maketrans(",.", ".,"))
    assert parse_price(german)[0] == price


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none(), st.binary()))
def test_anything_is_a_price_or_a_sentence(value: Any) -> None:
    try:
        amount, _ = parse_price(value)
    except ValueError as exc:
        amount, sentence = None, str(exc)
    else:
        sentence = "a price"
    assert sentence.isprintable()
    assert sentence
    assert amount is None or (0 <= amount < 10**10 and amount == amount.quantize(Decimal("0.01")))


@pytest.mark.parametrize(
    ("given_path", "path"),
    [
        ("A > B", "A/B"),
        (" Home / Kitchen >  Coffee   mugs ", "Home/Kitchen/Coffee mugs"),
        ("/A//B/", "A/B"),
        ("A", "A"),
        ("", None),
        (" > ", None),
        (None, None),
    ],
)
def test_a_category_becomes_a_path(given_path: str | None, path: str | None) -> None:
    assert values.parse_category(given_path) == path


def test_stock_is_a_whole_number_that_is_not_negative() -> None:
    assert [values.parse_stock(v) for v in ("3", 3, 3.0, "1,200", "3.0", "", None)] == [3, 3, 3, 1200, 3, None, None]
    for wrong in ("-1", "2.5", "many", math.nan, "1e400", 2**31, True, "٣x"):
        with pytest.raises(ValueError, match=r"number|negative|more than"):
            values.parse_stock(wrong)


def test_text_is_trimmed_and_checked() -> None:
    assert values.clean_text("  a \n b ", 10) == "a b"
    assert values.clean_text(" a\n b ", 10, lines=True) == "a\n b"
    assert values.clean_text(1001.0, 10) == "1001"
    for wrong, reason in (("a\0b", "NUL"), ("\ud800", "half a character"), ("x" * 11, "11 characters; the most is 10")):
        with pytest.raises(ValueError, match=reason):
            values.clean_text(wrong, 10)


def test_attributes_are_an_object_or_its_text() -> None:
    assert values.parse_attributes('{"a": [1, "b"]}') == {"a": [1, "b"]}
    assert values.parse_attributes({"day": datetime.date(2026, 1, 2), "n": math.nan, "d": Decimal("2.5")}) == {
        "day": "2026-01-02",
        "n": None,
        "d": 2.5,
    }
    deep: Any = {}
    for _ in range(30):
        deep = {"a": deep}
    for wrong in (
        "[1]",
        "{",
        "text",
        5,
        {"a": "\0"},
        {"\0": 1},
        {"a": b"x"},
        deep,
        {"a": "x" * 70_000},
        '{"a": "\\ud800"}',
    ):
        with pytest.raises(ValueError, match=r"JSON|NUL|half|deep|bytes"):
            values.parse_attributes(wrong)


def test_the_status_words_of_other_software_are_known() -> None:
    assert [values.parse_status(v) for v in ("Active", "DRAFT", "archived", "")] == ["live", "draft", "hidden", None]
    with pytest.raises(ValueError, match="live, draft or hidden"):
        values.parse_status("gone")


def test_a_currency_is_three_letters() -> None:
    assert parse_currency(" usd ") == "USD"
    with pytest.raises(ValueError, match="three letters"):
        parse_currency("dollars")


def test_html_becomes_lines_of_text() -> None:
    html = "<p>Soft &amp; <b>warm</b></p><script>x()</script><ul><li>Wool<li>Red</ul>"
    assert html_to_text(html) == "Soft & warm\nWool\nRed"
