"""What a typed text is taken apart into."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True)
class Term:
    """One word or phrase to look for, or to leave out."""

    text: str  # as typed, without quotes, minus or weight
    weight: float = 1.0  # 0.1 to 5
    phrase: bool = False  # must stand in the product's text word by word
    negative: bool = False


class Kind(StrEnum):
    """What was understood."""

    PRICE = "price"
    BRAND = "brand"
    CATEGORY = "category"
    STOCK = "stock"
    EXCLUDE = "exclude"
    PHRASE = "phrase"
    WEIGHT = "weight"


@dataclass(frozen=True)
class Understood:
    """One thing that was understood, and where it stands in the typed text."""

    kind: Kind
    label: str  # for people: "under 50", "brand acme", "without stripes"
    start: int
    end: int


@dataclass(frozen=True)
class Bounds:
    """A price range, both ends included; at least one is given.

    currency: the code that a sign or a word stands for, None where there was none.
    """

    lowest: Decimal | None = None
    highest: Decimal | None = None
    currency: str | None = None

    def narrowed_by(self, later: "Bounds") -> "Bounds":
        """Both at once. Where that cannot be, or they speak of two currencies, what was typed later holds alone."""
        if self.currency and later.currency and self.currency != later.currency:
            return later
        currency = later.currency or self.currency
        lowest = max((bound for bound in (self.lowest, later.lowest) if bound is not None), default=None)
        highest = min((bound for bound in (self.highest, later.highest) if bound is not None), default=None)
        if lowest is not None and highest is not None and lowest > highest:
            return Bounds(later.lowest, later.highest, currency)
        return Bounds(lowest, highest, currency)


@dataclass(frozen=True)
class Piece:
    """A stretch of the typed text and what it means. `kind` is None for a plain word."""

    start: int
    end: int
    kind: Kind | None = None
    label: str = ""
    term: Term | None = None
    bounds: Bounds | None = None
    value: str = ""  # of a brand or a category
