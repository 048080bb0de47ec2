"""Prices and currencies as people write them.

As in values.py, a function raises ValueError with a sentence that needs the field's name in front of it.
"""

import math
import re
from decimal import Decimal
from typing import Any

from server.catalog.values import clean_text, shown

LARGEST_PRICE = Decimal("9999999999.99")  # numeric(12, 2)
CENT = Decimal("0.01")
# Prices that went through 32-bit floats come back as 109.98999786; anything farther from a cent than this is meant.
FLOAT_SLACK = Decimal("1e-6")

_SYMBOLS = {"€": "EUR", "£": "GBP", "₹": "INR", "$": None, "¥": None}
_WORDS = re.compile(r"^([A-Za-z]{2,3}\.?)?\s*(.*?)\s*([A-Za-z]{3})?$", re.DOTALL)
# Currencies that a price may name in its own text. The column `currency` takes any three letters.
_ISO = (
    "AED ARS AUD BDT BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KES KRW KWD LKR MAD "
    "MXN MYR NGN NOK NPR NZD PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD UYU VND ZAR"
)
_CODES = {code: code for code in _ISO.split()} | {"RS": "INR", "US": "USD"}
_PLAIN = re.compile(r"^([0-9]+\.?[0-9]*|\.[0-9]+)$")
_GROUPED = re.compile(r"^[1-9][0-9]{0,2}([,.' ])(?:[0-9]{2,3}\1)*[0-9]{3}(?:(?!\1)[.,][0-9]{1,2})?$")
_COMMA = re.compile(r"^[0-9]+,[0-9]{1,2}$")


def parse_price(value: Any) -> tuple[Decimal | None, str | None]:
    """(amount with two places, currency that the text itself names or None); (None, None) where there is no price.

    Reads 1299, 1,299.00, 1.299,00, 45,00, $45.00, "45.00 USD", "Rs. 599". Refuses what could be two amounts (1.299).
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None, None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError(f"{shown(value)} is not a number")
    if isinstance(value, str):
        text, currency = _split_currency(value)
        return _in_range(_parse_amount(text, value), value), currency
    if isinstance(value, float):
        return _in_range(_from_float(value), value), None
    return _in_range(Decimal(value), value), None


def _split_currency(value: str) -> tuple[str, str | None]:
    """'€ 45,50' -> ('45,50', 'EUR'). A dollar or yen sign names several currencies, so it names none."""
    text = value.replace("\u00a0", " ").replace("\u202f", " ").replace("’", "'").strip()
    currency = None
    for symbol, code in _SYMBOLS.items():
        if symbol in text:
            text, currency = text.replace(symbol, " ", 1).strip(), code
            break
    match = _WORDS.match(text)
    words = [match.group(1), match.group(3)] if match is not None else []
    for word in filter(None, words):
        if word.rstrip(".").upper() not in _CODES:
            raise ValueError(f"'{shown(value)}' is not a number")
        currency = _CODES[word.rstrip(".").upper()]
    text = match.group(2) if match is not None else text
    return re.sub(r"^([+-]) ", r"\1", text), currency


def _parse_amount(text: str, given: str) -> Decimal:
    sign, digits = (text[:1], text[1:]) if text[:1] in ("+", "-") else ("", text)
    if re.fullmatch(r"[1-9][0-9]{0,2}\.[0-9]{3}", digits):
        raise ValueError(
            f"'{shown(given)}' can be read as {digits.replace('.', '')} or as {Decimal(digits):.2f}; write one of them"
        )
    if _COMMA.match(digits):
        digits = digits.replace(",", ".")
    elif match := _GROUPED.match(digits):
        digits = digits.replace(match.group(1), "").replace(",", ".")
    if not _PLAIN.match(digits):
        raise ValueError(f"'{shown(given)}' is not a number")
    return Decimal(sign + digits)


def _in_range(amount: Decimal, given: Any) -> Decimal:
    if not amount.is_finite():
        raise ValueError(f"'{shown(given)}' is not a number")
    if amount < 0:
        raise ValueError(f"{shown(given)} is negative")
    if amount > LARGEST_PRICE:
        raise ValueError(f"{shown(given)} is more than {LARGEST_PRICE:,}")
    rounded = amount.quantize(CENT)
    if rounded != amount:
        raise ValueError(f"{shown(given)} has more than two decimal places")
    return abs(rounded)  # -0 is 0


def _from_float(value: float) -> Decimal:
    exact = Decimal(repr(value))
    if not math.isfinite(value) or abs(value) > LARGEST_PRICE:
        return exact  # refused by its range
    near = exact.quantize(CENT)
    return near if abs(near - exact) <= FLOAT_SLACK * abs(exact) else exact


def parse_currency(value: Any) -> str | None:
    """Three capital letters, as ISO 4217 has them."""
    text = clean_text(value, 1_000)
    if text is None:
        return None
    if not re.fullmatch(r"[A-Za-z]{3}", text):
        raise ValueError(f"'{shown(text)}' is not a currency; write three letters, such as USD")
    return text.upper()
