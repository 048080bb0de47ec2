"""What a search asks for, already validated: filters, order, page size. No HTTP and no SQL in here."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from enum import StrEnum

from server.embedding.encoder import Vector


class Sort(StrEnum):
    """Order of a result. Without a query there is no relevance, and `relevance` means `newest`."""

    RELEVANCE = "relevance"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NEWEST = "newest"


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
    not_sku: str | None = None  # leaves out the product whose likeness is searched


@dataclass(frozen=True)
class Query:
    """One search. `vector` is None when the shopper only browses; `model` is the digest of the model that made it."""

    vector: Vector | None = None
    model: str | None = None
    filters: Filters = field(default_factory=Filters)
    sort: Sort = Sort.RELEVANCE
    limit: int = 24
    cursor: str | None = None
    shop_currency: str = "USD"  # an order by price puts products priced in others behind: 100 JPY is not 100 USD

    @property
    def order(self) -> Sort:
        """The order that really holds."""
        return Sort.NEWEST if self.vector is None and self.sort is Sort.RELEVANCE else self.sort

    def fingerprint(self) -> str:
        """Identity of the result that a cursor walks: vector, filters and order, but not the page size."""
        told = json.dumps(asdict(self.filters), default=str, sort_keys=True) + self.order
        digest = hashlib.sha256(told.encode())
        if self.vector is not None:
            digest.update(self.vector.tobytes())
        return digest.hexdigest()[:16]
