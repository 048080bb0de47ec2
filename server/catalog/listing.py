"""The catalogue as a list, for those who look after it: every status, searched by SKU, title and brand."""

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg

from server.db.named_sql import load
from server.errors import NotFound

_SQL = load(__file__, "listing.sql")

PAGE = 50
# Counting goes so far; nobody turns so many pages.
MOST_COUNTED = 10_000
MOST_WORDS = 8
SHOWN = ("live", "draft", "hidden")
TRASH = "trash"

# What a list is sorted by; the SKU tells equals apart.
ORDERS = {
    "changed": "p.updated_at DESC, p.sku",
    "newest": "p.created_at DESC, p.sku",
    "sku": "p.sku",
    "title": "lower(p.title), p.sku",
    "cheapest": "p.current_price, p.sku",
    "dearest": "p.current_price DESC NULLS LAST, p.sku",
    "stock": "p.stock, p.sku",
}


@dataclass(frozen=True)
class Listed:
    """A product in the list."""

    sku: str
    title: str
    brand: str | None
    category: str | None
    price: Decimal | None
    sale_price: Decimal | None
    currency: str
    stock: int | None
    status: str
    image_sha256: str | None
    media_type: str | None
    has_vector: bool
    updated_at: datetime.datetime


@dataclass(frozen=True)
class Looked:
    """What somebody looks for. status: one of them; None: all but the trash. None elsewhere asks for nothing.

    A category has those below it in it; in brands and categories, capitals make no difference.
    """

    words: str = ""
    status: str | None = None
    category: str | None = None
    brand: str | None = None
    has_picture: bool | None = None
    in_stock: bool | None = None

    def parameters(self) -> dict[str, Any]:
        words = self.words.replace("\0", " ").split()[:MOST_WORDS]
        return {
            "statuses": [self.status] if self.status else list(SHOWN),
            "sku_typed": " ".join(self.words.replace("\0", " ").split()),
            "patterns": [_pattern(word) for word in words] or None,
            "category": self.category,
            "brand": self.brand,
            "has_picture": self.has_picture,
            "in_stock": self.in_stock,
        }


def read_page(connection: psycopg.Connection, looked: Looked, order: str, page: int) -> tuple[list[Listed], int]:
    """Page `page` (from 1), and how many products there are in all, MOST_COUNTED + 1 where there are more."""
    parameters = looked.parameters() | {"limit": PAGE, "offset": (page - 1) * PAGE, "most": MOST_COUNTED + 1}
    statement = _SQL["products"].replace("{where}", _SQL["where"]).replace("{order}", ORDERS[order])
    rows = connection.execute(statement, parameters).fetchall()
    (count,) = connection.execute(_SQL["count"].replace("{where}", _SQL["where"]), parameters).fetchone() or (0,)
    return [Listed(*row) for row in rows], int(count)


def read_row(connection: psycopg.Connection, sku: str) -> Listed:
    """One product as it stands in the list. Raises NotFound."""
    statement = _SQL["products"].replace("{where}", _SQL["this_one"]).replace("{order}", ORDERS["sku"])
    row = connection.execute(
        statement, {"sku": sku.replace("\0", ""), "sku_typed": "", "limit": 1, "offset": 0}
    ).fetchone()
    if row is None:
        raise NotFound(f"There is no product {sku} any more.")
    return Listed(*row)


def find_skus(connection: psycopg.Connection, looked: Looked, most: int) -> list[str]:
    """The SKUs of all, `most` at most."""
    statement = _SQL["skus"].replace("{where}", _SQL["where"])
    return [sku for (sku,) in connection.execute(statement, looked.parameters() | {"most": most})]


def count_by_status(connection: psycopg.Connection) -> dict[str, int]:
    """How many products have which status."""
    return dict(connection.execute(_SQL["numbers"]).fetchall())


def _pattern(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
