"""What a search asks for, already validated: filters, order, page size. No HTTP and no SQL in here."""

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from server.errors import InvalidInput

# So many attributes a filter may name; filter.sql has a line for each.
MOST_ATTRIBUTES = 5


class Sort(StrEnum):
    """Order of a result. Without a query there is no relevance, and `relevance` means `newest`."""

    RELEVANCE = "relevance"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NEWEST = "newest"


class Mode(StrEnum):
    """What ranks: the look and the words together, the look alone, the words alone."""

    HYBRID = "hybrid"
    VECTOR = "vector"
    TEXT = "text"


class Views(StrEnum):
    """Which pictures of a product count: its first one, or whichever of all is nearest to the query."""

    FIRST = "first"
    ALL = "all"


class Facet(StrEnum):
    """What the products of a result can be counted by. `attributes`: by each attribute that few values share."""

    BRAND = "brand"
    CATEGORY = "category"
    PRICE = "price"
    STOCK = "stock"
    ATTRIBUTES = "attributes"


@dataclass(frozen=True)
class Filters:
    """Which products may be found. Only live ones ever are.

    `currency` is the one that the price bounds speak of; with it set, products in other currencies do not pass.
    """

    price_min: Decimal | None = None
    price_max: Decimal | None = None
    currency: str | None = None
    category: str | None = None  # a path or the beginning of one: Apparel finds Apparel/Topwear/Shirts
    brands: tuple[str, ...] = ()  # any of these
    in_stock: bool = False  # stock above 0, or not counted
    attributes: tuple[tuple[str, str], ...] = ()  # name and value; values of one name are alternatives
    not_skus: tuple[str, ...] = ()  # leaves out the products whose likeness is searched

    @property
    def narrows(self) -> bool:
        """Whether any product is kept out."""
        return self != Filters(not_skus=self.not_skus, currency=self.currency if not self.has_price else None)

    @property
    def has_price(self) -> bool:
        return self.price_min is not None or self.price_max is not None

    def parameters(self) -> dict[str, Any]:
        """For the part {filter} of the statements."""
        slots: dict[str, list[str] | None] = {f"attribute_{number}": None for number in range(MOST_ATTRIBUTES)}
        for number, wanted in enumerate(self.attribute_values().values()):
            slots[f"attribute_{number}"] = wanted
        return {
            "currency": self.currency,
            "price_min": self.price_min,
            "price_max": self.price_max,
            "category": self.category,
            "brands": list(self.brands) or None,
            "in_stock": self.in_stock,
            "not_skus": list(self.not_skus) or None,
            **slots,
        }

    def attribute_values(self) -> dict[str, list[str]]:
        """name=value, as product_search has it, by name. Raises InvalidInput where there are too many names."""
        found: dict[str, list[str]] = {}
        for name, value in self.attributes:
            found.setdefault(name, []).append(f"{name}={value}")
        if len(found) > MOST_ATTRIBUTES:
            raise InvalidInput(f"A search filters by at most {MOST_ATTRIBUTES} attributes; there are {len(found)}.")
        return found


@dataclass(frozen=True)
class Query:
    """How to search, whatever is searched for.

    relevant_only: products below the cutoff are left out. collapse: one product of each item_group. explain: each hit
    tells the parts of its score. parse: prices, brands and the like that were typed become filters. verbatim: words are
    not corrected. merchandise: rules that somebody made for the query hold.
    """

    filters: Filters = field(default_factory=Filters)
    sort: Sort = Sort.RELEVANCE
    limit: int = 24
    cursor: str | None = None
    mode: Mode = Mode.HYBRID
    relevant_only: bool = False
    facets: tuple[Facet, ...] = ()
    collapse: bool = False
    explain: bool = False
    parse: bool = True
    verbatim: bool = False
    merchandise: bool = True
    views: Views = Views.FIRST
    shop_currency: str = "USD"  # an order by price puts products priced in others behind: 100 JPY is not 100 USD

    def fingerprint(self, asked: str) -> str:
        """Identity of the result that a cursor walks: what was asked, filters and order, but not the page size."""
        ranked = (self.sort, self.mode, self.relevant_only, self.collapse, self.views)
        kept = (self.filters, *ranked, self.parse, self.verbatim, self.merchandise)
        return hashlib.sha256(repr((asked, kept)).encode("utf-8", "surrogatepass")).hexdigest()[:16]
