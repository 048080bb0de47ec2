"""What the address of a shop page asks for: read, validated, and written back as links.

Everything that a page shows is in its address, so that it can be shared and reloaded. Validation is the API's.
Unlike the API, a page ignores parameters that it does not know: links get decorated on their way (utm_source=...).
"""

import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from flask import url_for
from pydantic import ValidationError

from server.api.schemas import SearchParams
from server.search.facts import CatalogueFacts
from server.search.query import MOST_ATTRIBUTES, Sort

# verbatim: the words as typed, without corrected spelling. all: also what has little to do with them.
WORDS = ("q", "verbatim", "all")
FILTERS = ("category", "brand", "price_min", "price_max", "currency", "in_stock", "attribute")
ORDER = ("sort", "views")
# `seen` counts the products on the pages before this one, for "25–48 of 132". `search` is the id that clicks are
# reported with, as the first page got it. `part` asks for the products alone.
PAGING = ("cursor", "seen", "search", "part")
FIELDS = WORDS + FILTERS + ORDER
REPEATED = ("brand", "attribute")
OUR_OWN = ("all", "seen", "search", "part")  # what the API does not know

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
# Where a field's own rule fails, by the field.
RULES = {"attribute": f"Choose from the lists, of at most {MOST_ATTRIBUTES} kinds of details at once."}
PRICES_CROSSED = "The lowest price is above the highest."


class Arguments(Protocol):
    """Request arguments: werkzeug's MultiDict, or several of them combined."""

    def getlist(self, key: str) -> list[str]: ...


@dataclass(frozen=True)
class Search:
    """The search behind a page. `given` is what the address says; `params` is None where that cannot be.

    endpoint, place: the page and the parts of its path (the SKU that is searched for the like of). search_id: what
    clicks on its products are reported with; None where they are not.
    """

    given: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    params: SearchParams | None = field(default_factory=lambda: SearchParams.model_validate({}))
    errors: Mapping[str, str] = field(default_factory=dict)
    endpoint: str = "storefront.home"
    place: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    search_id: uuid.UUID | None = None

    def value(self, name: str) -> str:
        """A field as it was typed, right or wrong."""
        return next(iter(self.given.get(name, ())), "")

    def values(self, name: str) -> tuple[str, ...]:
        """A field that may be given several times."""
        return self.given.get(name, ())

    @property
    def is_first_page(self) -> bool:
        return "cursor" not in self.given

    @property
    def shows_all(self) -> bool:
        """Whether products that have little to do with the words or the picture are shown too."""
        return "all" in self.given

    @property
    def is_part(self) -> bool:
        """Whether a script asks for the products alone, to put them behind those it has."""
        return "part" in self.given

    def attributes(self) -> list[tuple[str, str]]:
        """The chosen attributes, name and value."""
        pairs = (pair.partition("=") for pair in self.values("attribute"))
        return [(name, value) for name, _, value in pairs if value]

    @property
    def action(self) -> str:
        """Where its forms are sent."""
        return url_for(self.endpoint, **self.place)

    def hidden(self, *leave_out: str) -> list[tuple[str, str]]:
        """Name and value of what a form has to carry along, the page's place left out."""
        return [(name, text) for name in FIELDS if name not in leave_out for text in self.values(name)]

    def url(self, **changes: Any) -> str:
        """Address of this search with some fields changed (None: taken out), on its first page."""
        return url_for(self.endpoint, **self.place, **self._arguments(changes))

    def next_url(self, cursor: str, shown: int) -> str:
        """Address of the page that follows this one, of `shown` products."""
        changes = {"cursor": cursor, "seen": self.seen + shown, "search": self.search_id}
        return url_for(self.endpoint, **self.place, **self._arguments(changes))

    def _arguments(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {name: list(texts) for name, texts in self.given.items() if name in FIELDS} | dict(changes)
        # In one order, so that one search has one address.
        ordered = sorted(wanted.items(), key=lambda item: (FIELDS + PAGING).index(item[0]))
        return {name: value for name, value in ordered if value not in (None, [], "")}

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


def read_search(arguments: Arguments, endpoint: str = "storefront.home", **place: str) -> Search:
    """Read an address. Empty parameters, which browsers send for empty inputs, are as good as absent."""
    given = {name: texts for name in FIELDS + PAGING if (texts := _texts(arguments.getlist(name)))}
    try:
        params, errors = SearchParams.model_validate(_for_schema(given)), {}
    except ValidationError as exc:
        params, errors = None, dict(_sentences(exc))
    seen, search_id = (next(iter(given.get(name, ())), "") for name in ("seen", "search"))
    return Search(given, params, errors, endpoint, place, _count(seen), _id(search_id))


def as_the_shop_writes(search: Search, facts: CatalogueFacts) -> Search:
    """The same search with brands and category in the shop's own spelling, for those who type addresses."""
    params = search.params
    if params is None or not (params.brand or params.category):
        return search
    brands = tuple(dict.fromkeys(shown for name in params.brand for shown in facts.brands_shown(name)))
    category = None if params.category is None else facts.category_meant(params.category)
    given = dict(search.given)
    if brands:
        given["brand"] = brands
    if category is not None:
        given["category"] = (category,)
    return replace(search, given=given, params=params.model_copy(update={"brand": list(brands), "category": category}))


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for value in values if (text := value.strip())))


def _for_schema(given: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    fields = {name: texts for name, texts in given.items() if name not in OUR_OWN}
    return {name: list(texts) if name in REPEATED else texts[0] for name, texts in fields.items()}


def _sentences(exc: ValidationError) -> Iterable[tuple[str, str]]:
    for error in exc.errors(include_url=False, include_input=False):
        name = str(error["loc"][0])
        if (name, error["type"]) == ("price_max", "value_error"):
            yield "price_min", PRICES_CROSSED
        else:
            yield name, RULES.get(name) or SENTENCES.get(error["type"], "This cannot be read.")


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _id(text: str) -> uuid.UUID | None:
    with suppress(ValueError):
        return uuid.UUID(text)
    return None
