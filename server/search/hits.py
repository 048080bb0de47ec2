"""What a search finds: candidates while it ranks, hits in its answer."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


@dataclass(frozen=True)
class Hit:
    """A found product. `distance` is the cosine distance (0 to 2) to the query, None without one.

    view: the further picture that is nearest to the query, where that is nearer than the first one.
    """

    sku: str
    item_group: str | None
    title: str
    brand: str | None
    category: str | None
    price: Decimal | None
    sale_price: Decimal | None
    currency: str
    stock: int | None
    image_sha256: str | None
    created_at: datetime
    media_type: str | None
    distance: float | None = None
    rough: float | None = None
    parts: "Parts | None" = None
    view: "View | None" = None

    @property
    def current_price(self) -> Decimal | None:
        """What the shopper pays."""
        return self.price if self.sale_price is None else self.sale_price

    @property
    def score(self) -> float | None:
        """Cosine similarity, 1 for the same direction."""
        return None if self.distance is None else 1.0 - self.distance


class View(NamedTuple):
    """A further picture of a product, and its distance to the query."""

    distance: float
    sha256: str
    media_type: str
    alt: str


class Parts(NamedTuple):
    """What a hit's place is made of. See server/search/scoring.py for the formula.

    similarity: cosine, None where no vector was asked. z: how many standard deviations that lies above the catalogue's
    mean. text: 0 to 1, how much of the words the product has; text_weight: what 1 is worth. rule: a bonus, `rules` says
    what for. score: the sum.
    """

    similarity: float | None
    z: float | None
    text: float
    rule: float
    rules: tuple[str, ...]
    score: float
    text_weight: float = 0.0


class Candidate(NamedTuple):
    """A product that may be a hit: what it is scored, sorted and collapsed by."""

    sku: str
    item_group: str | None
    current_price: Decimal | None
    currency: str
    created_at: datetime
    distance: float | None
    rough: float | None
