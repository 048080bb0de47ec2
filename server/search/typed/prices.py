"""Price bounds in words: "under 50", "$50-$80", "between 50 and 80". All in plain letters.

A number is a price only where nothing beside it says otherwise: "size 40-42", "under 50 cm" and "air max 90" are words.
A currency, or the word "price", leaves no doubt.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from server.search.typed import vocabulary
from server.search.typed.amounts import Amount, amount_label, read_amount
from server.search.typed.letters import END
from server.search.typed.parts import Bounds

# A bare range this narrow is a size: "40-42", "5 to 6". Nobody looks for things between 40 and 42 dollars.
NARROWEST_RANGE = Decimal(2)
# "tent for 4-8": a bare range behind "for" that goes no farther than this counts people or years.
LARGEST_COUNT = Decimal(12)
SMALLEST_SWAPPED_CODE = 1000  # "sunglasses 1018-104", "puma 3-0": models; "80-50" is a range
FIRST_YEAR, LAST_YEAR = 1900, 2100  # "calendar 2025-2026", "season 2025-26"
# "9-5 dress", "80-20 ground beef"
SAYINGS: frozenset[tuple[object, object]] = frozenset({(24, 7), (9, 5), (7, 11), (80, 20)})

_LEAD = re.compile(
    r"""
    [(,]* (?:(?:and|but|also)\ +)?
    (?P<price> (?:price(?:[sd]|\ +range)?|costs?|costing|budget) (?:\ *[:=]\ *|\ +|(?=[<>≤≥])) )?
    (?P<joined> (?:for|at(?!\ +(?:least|most)\b))\ +)?
    (?:
        (?: (?P<most> under|below|(?:less|lower|cheaper)\ +than|up\ +to|upto|at\ +most
                    | (?:no|not)\ +(?:more\ +than|over|above)|max(?:imum|\.)?(?:\ +price)? )
          | (?P<least> over|above|(?:more|greater)\ +than|at\ +least
                     | (?:no|not)\ +(?:less\ +than|under|below)|min(?:imum|\.)?(?:\ +price)? )
          | (?P<between> between )
          | (?P<from> from )
        ) (?: [ ]*:[ ]* | [ ]+ | (?=[$€£₹¥]) )
      | (?: (?P<most_sign> <=?|=<|≤ ) | (?P<least_sign> >=?|=>|≥ ) ) [ ]*
    )?
    """,
    re.VERBOSE,
)
_TO = re.compile(r" *[-~] *| +to +")
_AND = re.compile(r" +and +| *& *")
_END = re.compile(END)
# What stands to the right is looked at only where nothing else can be understood there: with "5^2" cut out of
# "$20 max 5^2", the rest has to mean what it meant.
_NUMBER = rf"[0-9]+(?:[.,][0-9]+)*[a-z]*{END}"
# Some of these words may begin the next price instead: "$20 and under $80", "under 80 min 50".
_NEXT = rf" *(?:price *)?[: ]*[$€£₹¥]? *{_NUMBER}"
_TAIL = re.compile(
    rf"(?:(?P<most> +or +(?:less|under|below|cheaper|lower)| +(?:and +(?:under|below|less)|max(?:imum)?)(?!{_NEXT}))"
    rf"|(?P<least>\+| +or +(?:more|over|above|up|higher)| +(?:and +(?:up|above|over|more)|min(?:imum)?)(?!{_NEXT})))"
    r"(?=[ ,.;!?)]|\Z)"
)
_GOES_ON = re.compile(rf"(?: *[-~] +| +(?:to|x|×|by) +){_NUMBER}")
# "min" is minutes, unless it begins the lowest price.
_UNIT = re.compile(rf" *(?!min\b(?={_NEXT}))(?P<word>[^ ,;.!?)]+)")


@dataclass(frozen=True)
class Reading:
    """What looks like a price, up to `end`. Without bounds it is none, but words that are to be left whole."""

    end: int
    bounds: Bounds | None = None
    label: str = ""


@dataclass(frozen=True)
class _Found:
    """What stands there, before anyone asked whether it can be meant as a price."""

    lead: re.Match[str]
    first: Amount
    second: Amount | None
    end: int
    highest: bool = False
    lowest: bool = False

    @property
    def currency(self) -> str | None:
        return self.first.currency or (self.second.currency if self.second else None)

    @property
    def is_said(self) -> bool:
        """That it is a price."""
        keyword = self.lead["most"] or self.lead["least"] or ""
        return self.currency is not None or self.lead["price"] is not None or keyword.endswith("price")

    @property
    def amounts(self) -> list[Decimal] | None:
        """In order; None where one cannot be money, or they are in two currencies."""
        values = [amount.value for amount in (self.first, self.second) if amount is not None]
        if self.second and self.second.currency and self.first.currency not in (None, self.second.currency):
            return None
        return sorted(value for value in values if value is not None) if None not in values else None


def read_price(text: str, start: int, before: Sequence[str]) -> Reading | None:
    """The price bounds that begin at `start`, or None. `before`: the plain words that they follow directly."""
    found = _find(text, start)
    if found is None:
        return None
    stop = _END.match(text, found.end)
    amounts = found.amounts
    if stop is None or amounts is None or not (found.is_said or _can_be_meant(text, found, amounts, before)):
        goes_on = _GOES_ON.match(text, found.end)
        return Reading(goes_on.end() if goes_on else found.end)
    if found.highest and not amounts[0]:
        return Reading(found.end)  # "sleeping bag below 0"
    labels = [amount_label(amount, found.currency) for amount in amounts]
    if found.highest:
        return Reading(stop.end(), Bounds(None, amounts[0], found.currency), f"under {labels[0]}")
    if found.lowest:
        return Reading(stop.end(), Bounds(amounts[0], None, found.currency), f"over {labels[0]}")
    return Reading(stop.end(), Bounds(amounts[0], amounts[1], found.currency), " to ".join(labels))


def _find(text: str, start: int) -> _Found | None:
    lead = _LEAD.match(text, start)
    first = read_amount(text, lead.end()) if lead else None
    if lead is None or first is None:
        return None
    highest, lowest = bool(lead["most"] or lead["most_sign"]), bool(lead["least"] or lead["least_sign"])
    if highest or lowest:
        return _Found(lead, first, None, first.end, highest, lowest)
    to = _TO.match(text, first.end) or (_AND.match(text, first.end) if lead["between"] else None)
    second = read_amount(text, to.end()) if to else None
    if second is not None and _END.match(text, second.end):
        return _Found(lead, first, second, second.end)
    if first.currency is None and not lead["price"]:
        return None
    tail = None if lead["from"] or lead["between"] else _TAIL.match(text, first.end)
    if tail is not None:
        return _Found(lead, first, None, tail.end(), tail["most"] is not None, tail["least"] is not None)
    return _Found(lead, first, None, first.end, lowest=True) if lead["from"] else None


def _can_be_meant(text: str, found: _Found, amounts: list[Decimal], before: Sequence[str]) -> bool:
    """Whether a number without a currency is a price, by what stands on its two sides."""
    last = before[-1] if before else ""
    if _takes_a_number(before, vocabulary.MEASURES) or _counts_something(text, found.end):
        return False
    if len(amounts) > 1:
        return _range_can_be_meant(text, found, amounts, before)
    if _GOES_ON.match(text, found.end) or text.startswith("<3", found.lead.start()):
        return False
    if found.lowest and amounts[0] <= vocabulary.OLDEST and last in vocabulary.ADULTS | vocabulary.CHILDREN:
        return False  # "dress for women over 50"
    if last in vocabulary.CHILDREN and amounts[0] <= vocabulary.OLDEST_CHILD:
        return False
    keyword = found.lead["most"] or found.lead["least"] or ""
    if keyword.startswith("max"):
        return last not in vocabulary.MODELS_WITH_MAX and amounts[0] >= vocabulary.SMALLEST_PRICE_AFTER_MAX
    return not (keyword.startswith("min") and last.isdigit())


def _range_can_be_meant(text: str, found: _Found, amounts: list[Decimal], before: Sequence[str]) -> bool:
    lowest, highest = amounts
    if _takes_a_number(before, vocabulary.NUMBERED):
        return False
    if highest <= vocabulary.LARGEST_CHILD_SIZE and not vocabulary.CHILDREN.isdisjoint(before):
        return False
    if found.lead["joined"] and highest <= LARGEST_COUNT:
        return False
    if found.lead["between"] or found.lead["from"]:
        return True
    in_cents = all(amount.as_tuple().exponent == -2 for amount in amounts)
    swapped = found.first.value != lowest
    are_codes = swapped and (not lowest or highest >= SMALLEST_SWAPPED_CODE)
    are_years = FIRST_YEAR <= highest < LAST_YEAR and (lowest >= FIRST_YEAR or (swapped and lowest < 100))
    are_said = (found.first.value, found.second.value if found.second else None) in SAYINGS
    are_pixels = "k" in text[found.lead.end() : found.end]  # "4k-8k screen"
    is_wide = in_cents or highest - lowest > NARROWEST_RANGE
    return is_wide and not (are_codes or are_years or are_said or are_pixels)


def _takes_a_number(before: Sequence[str], words: frozenset[str]) -> bool:
    return bool(before) and before[-1] in words and not (len(before) > 1 and before[-2] in vocabulary.QUALIFIERS)


def _counts_something(text: str, end: int) -> bool:
    unit = _UNIT.match(text, end)
    if unit is None or "^" in unit["word"]:
        return False
    first = unit["word"].split("-")[0]
    return unit["word"] in vocabulary.UNITS or (len(first) > 1 and first in vocabulary.UNITS)
