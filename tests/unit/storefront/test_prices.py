"""Prices as a shopper reads them."""

from decimal import Decimal

import pytest

from server.storefront.prices import format_price, format_range


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("49.99", "USD", "$49.99"),
        ("1199", "INR", "₹1,199.00"),
        ("12", "EUR", "€12.00"),
        ("12", "CHF", "CHF\N{NO-BREAK SPACE}12.00"),
        ("1234567.5", "GBP", "£1,234,567.50"),
        ("1200.00", "JPY", "¥1,200"),
        ("0.5", "JPY", "¥0.50"),
        ("0", "USD", "$0.00"),
    ],
)
def test_a_price_is_written_in_the_manner_of_its_currency(amount: str, currency: str, shown: str) -> None:
    assert format_price(Decimal(amount), currency) == shown


def test_a_range_may_be_open_at_either_end() -> None:
    low, high = Decimal(5), Decimal("9.5")
    assert format_range(low, high, "USD") == "$5.00 to $9.50"
    assert format_range(None, high, "USD") == "up to $9.50"
    assert format_range(low, None, "USD") == "from $5.00"
    assert format_range(None, None, "USD") == ""
