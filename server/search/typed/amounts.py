"""Amounts of money as shoppers type them: 50, $50, 50 €, 1,299.99, 1.299,99, 2k, 500 rupees. All in plain letters."""

import re
from dataclasses import dataclass
from decimal import Decimal

LARGEST = Decimal("9999999999.99")  # what the column of prices can hold, and the API takes
LONGEST = 20  # characters of that number with its marks, some to spare

# A sign is a hint. A shop of Canadian dollars reads "$" as its own.
_SIGNS = {
    "us$": "USD", "ca$": "CAD", "a$": "AUD", "au$": "AUD", "nz$": "NZD",
    "$": "USD", "€": "EUR", "£": "GBP", "₹": "INR", "¥": "JPY",
    "₩": "KRW", "₺": "TRY", "₽": "RUB", "₪": "ILS", "₫": "VND", "₱": "PHP",
}  # fmt: skip
_CODES = {
    "usd": "USD", "eur": "EUR", "gbp": "GBP", "inr": "INR", "rs.": "INR", "rs": "INR", "jpy": "JPY",
    "chf": "CHF", "cad": "CAD", "aud": "AUD",
}  # fmt: skip
# Behind the number only. Pounds are missing: "dumbbells under 50 pounds" is a weight.
_NAMES = {
    "dollars": "USD", "dollar": "USD", "bucks": "USD", "euros": "EUR", "euro": "EUR", "quid": "GBP",
    "rupees": "INR", "rupee": "INR", "yen": "JPY",
}  # fmt: skip
_CURRENCIES = {**_SIGNS, **_CODES, **_NAMES}
# How a label writes a currency; any other stands behind the number by its three letters.
_LABELS = {"USD": "$", "EUR": "€", "GBP": "£", "INR": "₹", "JPY": "¥"}


def _any_of(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_BEFORE = re.compile(rf"(?:{_any_of(_SIGNS)}|(?:{_any_of(_CODES)})(?![a-z])) *")
_AFTER = re.compile(rf" *(?:{_any_of(_SIGNS)}|(?P<word>{_any_of({**_CODES, **_NAMES})}))(?=[ ,.;!?)+~-]|\Z)")
_NUMBER = re.compile(r"(?P<digits>[0-9]+(?:[.,'][0-9]+)*|\.[0-9]+)(?P<thousand>k(?![\w']))?(?:/-)?")
# 1 299,99 as the French write it, which could be two numbers: only with a currency behind it.
_SPACED = re.compile(r"[1-9][0-9]{0,2}(?: +[0-9]{3})+(?:[.,][0-9]{2})?(?![.,']?[0-9]|[\^%a-z\x22-])")

_PLAIN = re.compile(r"(?:0|[1-9][0-9]*)?(?:\.[0-9]{1,2}|,[0-9]{2})?")
_GROUPED = re.compile(
    r"[1-9][0-9]{0,2}(?P<mark>[,.' ])(?:[0-9]{2,3}(?P=mark))*[0-9]{3}(?:(?!(?P=mark))[.,][0-9]{1,2})?"
)


@dataclass(frozen=True)
class Amount:
    """A number that may be money. `value` is None where it cannot: too large, or with three decimals.

    currency: the code that its sign or word stands for.
    """

    value: Decimal | None
    currency: str | None
    end: int


def read_amount(text: str, start: int) -> Amount | None:
    """The amount that begins at `start` of plain letters; what follows it is the caller's to judge."""
    before = _BEFORE.match(text, start)
    if before is None and (spaced := _SPACED.match(text, start)):
        after = _AFTER.match(text, spaced.end())
        return Amount(
            _value(re.sub(" +", " ", spaced.group())) if after else None, _code(after), (after or spaced).end()
        )
    number = _NUMBER.match(text, before.end() if before else start)
    if number is None:
        return None
    after = _AFTER.match(text, number.end())
    if before is not None and after is not None and after["word"] is None:
        after = None  # "$50 €80": the second sign is that of another amount
    return Amount(
        _value(number["digits"], 1000 if number["thousand"] else 1),
        _code(after or before),
        (after or number).end(),
    )


def _code(match: re.Match[str] | None) -> str | None:
    return None if match is None else _CURRENCIES[match.group().strip()]


def _value(number: str, times: int = 1) -> Decimal | None:
    """Groups of three digits are thousands, and up to two behind the last mark decimals. 1.299 could be either."""
    if len(number) > LONGEST:
        return None
    if _PLAIN.fullmatch(number):
        value = Decimal(number.replace(",", ".")) * times
    else:
        grouped = _GROUPED.fullmatch(number)
        if grouped is None or re.fullmatch(r"[0-9]+\.[0-9]{3}", number):
            return None
        value = Decimal(number.replace(grouped["mark"], "").replace(",", ".")) * times
    return value if value <= LARGEST else None


def amount_label(value: Decimal, currency: str | None) -> str:
    """The amount for people: 50, $1,299.99, 50 CHF."""
    number = f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,.2f}"
    if currency is None:
        return number
    return f"{_LABELS[currency]}{number}" if currency in _LABELS else f"{number} {currency}"
