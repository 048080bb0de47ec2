"""Prices as a shopper reads them."""

from decimal import Decimal

# Currencies whose sign readers of English know. Any other is named by its three letters: "CHF 12.00".
SIGNS = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "INR": "₹",
    "JPY": "¥",
    "CAD": "CA$",
    "AUD": "A$",
    "NZD": "NZ$",
}
WITHOUT_CENTS = frozenset(("JPY", "KRW", "VND", "CLP", "ISK"))
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def format_price(amount: Decimal, currency: str) -> str:
    """The amount with thousands marked: $49.99, ₹1,199.00, CHF 12.00 (the space does not break)."""
    whole = currency in WITHOUT_CENTS and amount == amount.to_integral_value()
    number = f"{amount:,.0f}" if whole else f"{amount:,.2f}"
    sign = SIGNS.get(currency)
    return f"{currency}{NO_BREAK_SPACE}{number}" if sign is None else f"{sign}{number}"


def format_range(lowest: Decimal | None, highest: Decimal | None, currency: str) -> str:
    """A price range in words; at least one end is given."""
    if lowest is None:
        return "" if highest is None else f"up to {format_price(highest, currency)}"
    if highest is None:
        return f"from {format_price(lowest, currency)}"
    return f"{format_price(lowest, currency)} to {format_price(highest, currency)}"
