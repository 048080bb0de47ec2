"""What narrows a result, one chip each: the filters that were chosen, and what was understood of the typed words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from server.api.schemas import SearchParams
from server.search.query import Views
from server.search.understanding import Understanding
from server.storefront.address import FILTERS, Search
from server.storefront.prices import format_range


@dataclass(frozen=True)
class Chip:
    """Something that narrows the result, and where the page without it is. is_typed: it stands in the words."""

    label: str
    url: str
    changes: Mapping[str, Any]
    is_typed: bool = False

    def without(self, params: SearchParams) -> SearchParams:
        """The same search without it."""
        fields = SearchParams.model_fields
        update = {
            name: fields[name].get_default(call_default_factory=True) if value is None else value
            for name, value in self.changes.items()
        }
        return params.model_copy(update=update)


def chips_of(search: Search, params: SearchParams, told: Understanding | None, currency: str) -> list[Chip]:
    """The typed ones first, as they were typed. Prices are in `currency`."""
    typed = [] if told is None else list(_typed(search, told))
    return typed + [Chip(label, search.url(**changes), changes) for label, changes in _chosen(search, params, currency)]


def _typed(search: Search, told: Understanding) -> Iterable[Chip]:
    for part in told.typed.understood:
        changes = {"q": told.typed.without(part) or None}
        yield Chip(part.label, search.url(**changes), changes, is_typed=True)


def _chosen(search: Search, params: SearchParams, currency: str) -> Iterable[tuple[str, dict[str, Any]]]:
    if params.category:
        yield params.category.replace("/", " / "), {"category": None}
    for brand in params.brand:
        yield brand, {"brand": [other for other in params.brand if other != brand]}
    for pair in params.attribute:
        name, _, value = pair.partition("=")
        yield f"{attribute_label(name)}: {value}", {"attribute": [other for other in params.attribute if other != pair]}
    if params.price_min is not None or params.price_max is not None:
        label = format_range(params.price_min, params.price_max, currency)
        yield label, {"price_min": None, "price_max": None, "currency": None}
    elif params.currency:
        yield f"priced in {params.currency}", {"currency": None}
    if params.in_stock:
        yield "in stock", {"in_stock": None}
    if params.views is Views.ALL:
        yield "all pictures", {"views": None}
    if params.verbatim and params.q:
        yield "spelling as typed", {"verbatim": None}


def clear_url(search: Search, told: Understanding | None) -> str:
    """The page for the words alone, without anything that narrows it."""
    words = {} if told is None or not told.typed.understood else {"q": told.typed.words or None}
    return search.url(**dict.fromkeys(FILTERS), verbatim=None, **words)


def attribute_label(name: str) -> str:
    """A column's or a key's name as people write it."""
    return name.replace("_", " ").strip().capitalize() or name
