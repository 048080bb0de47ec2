"""What the address of a shop page asks for: read, validated, and written back as links.

Everything that a page shows is in its address, so that it can be shared and reloaded. Validation is the API's.
Unlike the API, a page ignores parameters that it does not know: links get decorated on their way (utm_source=...).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flask import url_for
from pydantic import ValidationError

from server.api.schemas import SearchParams
from server.search.query import Sort
from server.storefront.prices import format_range

WORDS = ("q",)
FILTERS = ("category", "brand", "price_min", "price_max", "currency", "in_stock")
ORDER = ("sort",)
# `seen` counts the products on the pages before this one, for "25–48 of 132". It steers nothing.
PAGING = ("cursor", "seen")
FIELDS = WORDS + FILTERS + ORDER

# Sentences for a shopper, by pydantic's name of the mistake. The API's own are for programmers.
SENTENCES = {
    "decimal_parsing": "Write a number, such as 25 or 19.99.",
    "decimal_max_places": "Write at most two decimals, such as 19.99.",
    "decimal_max_digits": "This price is too high.",
    "decimal_whole_digits": "This price is too high.",
    "finite_number": "Write a number, such as 25 or 19.99.",
    "greater_than_equal": "A price is 0 or more.",
    "bool_parsing": "Tick it or leave it.",
    "enum": "Choose one from the list.",
    "string_pattern_mismatch": "A currency has three capital letters.",
    "too_long": "These are too many.",
    "string_too_long": "This is too long.",
}
PRICES_CROSSED = "The lowest price is above the highest."


class Arguments(Protocol):
    """Request arguments: werkzeug's MultiDict, or several of them combined."""

    def getlist(self, key: str) -> list[str]: ...


@dataclass(frozen=True)
class Chip:
    """An active filter and where the page without it is."""

    label: str
    url: str
    changes: Mapping[str, Any]


@dataclass(frozen=True)
class Search:
    """The search behind a page. `given` is what the address says; `params` is None where that cannot be."""

    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    params: SearchParams | None = field(default_factory=lambda: SearchParams.model_validate({}))
    errors: Mapping[str, str] = field(default_factory=dict)
    endpoint: str = "storefront.home"
    seen: int = 0

    def value(self, name: str) -> str:
        """A field as it was typed, right or wrong."""
        return next(iter(self.given.get(name, ())), "")

    def values(self, name: str) -> tuple[str, ...]:
        """A field that may be given several times."""
        return self.given.get(name, ())

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the words narrows the result."""
        return any(name in self.given for name in FILTERS)

    @property
    def is_first_page(self) -> bool:
        return "cursor" not in self.given

    def hidden(self, *leave_out: str) -> list[tuple[str, str]]:
        """Name and value of what a form has to carry along, the page's place left out."""
        return [(name, text) for name in FIELDS if name not in leave_out for text in self.values(name)]

    def url(self, **changes: Any) -> str:
        """Address of this search with some fields changed (None: taken out), on its first page."""
        return url_for(self.endpoint, **self._arguments(changes))

    def next_url(self, cursor: str, shown: int) -> str:
        """Address of the page that follows this one, of `shown` products."""
        return url_for(self.endpoint, **self._arguments({"cursor": cursor, "seen": self.seen + shown}))

    def _arguments(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: list(self.given[name]) for name in FIELDS if name in self.given and name not in changes}
        return {**kept, **{name: value for name, value in changes.items() if value not in (None, [], "")}}

    def chips(self, currency: str) -> list[Chip]:
        """The active filters, each with the way out of it. Prices are in `currency`."""
        params = self.params
        if params is None:
            return []
        wanted: list[tuple[str, dict[str, Any]]] = []
        if params.category:
            wanted.append((params.category.replace("/", " / "), {"category": None}))
        for brand in params.brand:
            wanted.append((brand, {"brand": [other for other in params.brand if other != brand]}))
        if params.price_min is not None or params.price_max is not None:
            label = format_range(params.price_min, params.price_max, currency)
            wanted.append((label, {"price_min": None, "price_max": None, "currency": None}))
        elif params.currency:
            wanted.append((f"priced in {params.currency}", {"currency": None}))
        if params.in_stock:
            wanted.append(("in stock", {"in_stock": None}))
        return [Chip(label, self.url(**changes), changes) for label, changes in wanted]

    def clear_url(self) -> str:
        """The same words without any filter."""
        return self.url(**dict.fromkeys(FILTERS))

    def orders(self, has_query: bool) -> list[tuple[str, str, bool]]:
        """(value, label, chosen) for the sort menu. Without a query there is no best match.

        The order that holds anyway has the empty value, which leaves the address alone.
        """
        default = Sort.RELEVANCE if has_query else Sort.NEWEST
        chosen = Sort.RELEVANCE if self.params is None else self.params.sort
        if not has_query and chosen is Sort.RELEVANCE:
            chosen = Sort.NEWEST
        labels = {
            Sort.RELEVANCE: "Best match",
            Sort.NEWEST: "Newest",
            Sort.PRICE_ASC: "Price, low to high",
            Sort.PRICE_DESC: "Price, high to low",
        }
        if not has_query:
            del labels[Sort.RELEVANCE]
        return [("" if order is default else order.value, label, order is chosen) for order, label in labels.items()]


def read_search(arguments: Arguments, endpoint: str = "storefront.home") -> Search:
    """Read an address. Empty parameters, which browsers send for empty inputs, are as good as absent."""
    given = {name: texts for name in FIELDS + PAGING if (texts := _texts(arguments.getlist(name)))}
    try:
        params, errors = SearchParams.model_validate(_for_schema(given)), {}
    except ValidationError as exc:
        params, errors = None, dict(_sentences(exc))
    return Search(given, params, errors, endpoint, _count(next(iter(given.get("seen", ())), "")))


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for value in values if (text := value.strip())))


def _for_schema(given: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    return {name: list(texts) if name == "brand" else texts[0] for name, texts in given.items() if name != "seen"}


def _sentences(exc: ValidationError) -> Iterable[tuple[str, str]]:
    for error in exc.errors(include_url=False, include_input=False):
        name = str(error["loc"][0]) if error["loc"] else "price_min"
        crossed = not error["loc"] and error["type"] == "value_error"
        yield name, PRICES_CROSSED if crossed else SENTENCES.get(error["type"], "This cannot be read.")


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
