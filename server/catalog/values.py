"""What a field of a catalogue may hold, and how it is written down: text, counts, categories, attributes.

Each function takes what a file or a request gave and returns what the database stores, or raises ValueError with a
sentence that needs the field's name in front of it: "'abc' is not a number".
"""

import datetime
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from server.catalog import sku as sku_rule

LARGEST_STOCK = 2_147_483_647
LARGEST_ATTRIBUTES = 65_536
DEEPEST_ATTRIBUTES = 20

STATUSES = {
    "live": "live", "active": "live", "published": "live", "enabled": "live",
    "draft": "draft", "pending": "draft",
    "hidden": "hidden", "archived": "hidden", "inactive": "hidden", "disabled": "hidden", "private": "hidden",
}  # fmt: skip


def clean_text(value: Any, longest: int, *, lines: bool = False) -> str | None:
    """Trimmed text, or None where there is none. `lines`: keep line breaks; otherwise all white space is one space."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a whole-number column with gaps arrives as floats
    if isinstance(value, bool | dict | list | bytes) or (isinstance(value, float) and math.isnan(value)):
        raise ValueError("is not text")
    text = str(value)
    refuse_unstorable(text)
    text = text.strip() if lines else " ".join(text.split())
    if len(text) > longest:
        raise ValueError(f"has {len(text):,} characters; the most is {longest:,}")
    return text or None


def refuse_unstorable(text: str) -> None:
    """Raise ValueError for what Postgres cannot hold in text: NUL, and halves of characters."""
    if "\0" in text:
        raise ValueError("holds a NUL character, which text may not have")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half a character (a surrogate), which is not text") from None


def parse_sku(value: Any) -> str:
    """A SKU that follows the rule of sku.py."""
    text = clean_text(value, 1_000)
    if text is None:
        raise ValueError("is missing")
    if not sku_rule.is_valid(text):
        raise ValueError(f"'{shown(text)}' is not a SKU. {sku_rule.SENTENCE}")
    return text


def parse_stock(value: Any) -> int | None:
    """A count of pieces, or None where it is not counted."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError(f"{shown(value)} is not a whole number")
    text = value.strip() if isinstance(value, str) else str(value)
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.0+)?", text):
        text = text.replace(",", "")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"'{shown(value)}' is not a whole number") from None
    if not number.is_finite() or abs(number) > 10**18 or number != number.to_integral_value():
        raise ValueError(f"'{shown(value)}' is not a whole number")
    if number < 0:
        raise ValueError(f"{shown(value)} is negative")
    if number > LARGEST_STOCK:
        raise ValueError(f"{shown(value)} is more than {LARGEST_STOCK:,}")
    return int(number)


def parse_category(value: Any) -> str | None:
    """A path with slashes: 'Home > Kitchen / Mugs' becomes 'Home/Kitchen/Mugs'."""
    text = clean_text(value, 1_000)
    if text is None:
        return None
    parts = (" ".join(part.split()) for part in re.split(r"[>/»]", text))
    return clean_text("/".join(part for part in parts if part), 300)


def parse_status(value: Any) -> str | None:
    """live, draft or hidden; the words of other shops' software are known."""
    text = clean_text(value, 1_000)
    if text is None:
        return None
    status = STATUSES.get(text.lower())
    if status is None:
        raise ValueError(f"'{shown(text)}' is not a status; write live, draft or hidden")
    return status


def parse_attributes(value: Any) -> dict[str, Any] | None:
    """A JSON object, given as one or as its text."""
    if isinstance(value, str):
        if not value.strip():
            return None
        try:
            value = orjson.loads(value)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            raise ValueError("is not a JSON object") from None
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")
    cleaned: dict[str, Any] = to_json(value)
    if len(orjson.dumps(cleaned)) > LARGEST_ATTRIBUTES:
        raise ValueError(f"has more than {LARGEST_ATTRIBUTES:,} bytes")
    return cleaned


def to_json(value: Any, depth: int = 0) -> Any:
    """The same value as jsonb can hold it. Dates become text, decimals numbers, and a missing number (NaN) null."""
    if depth > DEEPEST_ATTRIBUTES:
        raise ValueError(f"is nested more than {DEEPEST_ATTRIBUTES} deep")
    if isinstance(value, str):
        refuse_unstorable(value)
        return value
    if isinstance(value, dict):
        return {str(to_json(str(key))): to_json(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item, depth + 1) for item in value]
    if isinstance(value, Decimal):
        value = int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**63 - 1:
        return str(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    raise ValueError("holds something that JSON cannot")


def shown(value: Any) -> str:
    """The value as a message may repeat it: short, on one line, and storable."""
    text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in str(value))
    return text if len(text) <= 60 else text[:57] + "..."
