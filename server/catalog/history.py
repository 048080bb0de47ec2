"""Who changed which product, what was there before, and how to get it back."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from server.db.named_sql import load
from server.errors import Conflict, NotFound

_SQL = load(__file__, "history.sql")


@dataclass(frozen=True)
class Entry:
    """What a change did to one product. before is None where it made the product, after where it took it away.

    Both hold the columns that differ. products: how many the change touched, all of which it is undone for.
    """

    change: int
    at: datetime.datetime
    actor: str
    action: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    undone_by: int | None
    products: int

    @property
    def fields(self) -> list[str]:
        """The columns that differ."""
        return sorted({*(self.before or {}), *(self.after or {})}) if self.before is not None and self.after else []


@dataclass(frozen=True)
class ChangeSummary:
    """One change, how many products it touched, and one of them."""

    change: int
    at: datetime.datetime
    actor: str
    action: str
    undone_by: int | None
    products: int
    sku: str


@dataclass(frozen=True)
class Undone:
    """What came of it: how many products are as they were, and the pictures to be put back by SKU (None: none).

    left: SKUs that somebody has changed again since, or that are gone.
    """

    products: int
    pictures: dict[str, str | None]
    left: list[str]


@contextmanager
def recorded(connection: psycopg.Connection, actor: str, action: str) -> Iterator[int]:
    """A transaction whose changes of products are written down as one; its number. actor: who acts."""
    with connection.transaction():
        (number, _) = connection.execute(_SQL["begin"], {"actor": actor, "action": action}).fetchone() or (0, "")
        yield int(number)
        connection.execute(_SQL["end"], {"change": number})


def of_product(connection: psycopg.Connection, sku: str, limit: int = 50) -> list[Entry]:
    """Newest first."""
    return [Entry(*row) for row in connection.execute(_SQL["of_product"], {"sku": sku, "limit": limit})]


def changed_by(connection: psycopg.Connection, sku: str, column: str | None = None) -> str | None:
    """Who made a product, or one column of it, what it is; None where it was SQL or an import, which leave no name."""
    row = connection.execute(_SQL["changed_by"], {"sku": sku, "column": column}).fetchone()
    return None if row is None else str(row[0])


def newest(connection: psycopg.Connection, limit: int) -> list[ChangeSummary]:
    """Newest first."""
    return [ChangeSummary(*row) for row in connection.execute(_SQL["newest"], {"limit": limit})]


def undo(connection: psycopg.Connection, change: int, actor: str) -> Undone:
    """Put back what a change did, as a change of its own. Raises NotFound, Conflict where it is undone already.

    What somebody has changed again since stays as it is by now.
    """
    with recorded(connection, actor, f"undo of change {change}") as number:
        row = connection.execute(_SQL["lock"], {"change": change}).fetchone()
        if row is None:
            raise NotFound("There is no such change, or it is too old.")
        if row[1] is not None:
            raise Conflict("This change is undone already.")
        connection.execute(_SQL["lock_products"], {"change": change})
        parts = connection.execute(_SQL["parts"], {"change": change}).fetchall()
        done = {sku for (sku,) in connection.execute(_SQL["undo"], {"change": change})}
        pictures = {
            sku: before["image_sha256"]
            for sku, before, after, is_there, stands in parts
            if is_there and stands and before is not None and after is not None and "image_sha256" in before
        }
        # A picture is put back by a change of its own; where nothing else was, there is no change here to name.
        connection.execute(_SQL["mark_undone"], {"change": change, "by": number if done else change})
    left = [sku for sku, *_ in parts if sku not in done and sku not in pictures]
    return Undone(len(done | pictures.keys()), pictures, left)


def rename(connection: psycopg.Connection, old: str, new: str, change: int | None) -> None:
    """A product has another SKU. change: that which renamed it, where somebody is known to have."""
    connection.execute(_SQL["rename"], {"old": old, "new": new})
    if change is not None:
        connection.execute(_SQL["renamed"], {"change": change, "old": old, "new": new})


def forget(connection: psycopg.Connection, days: int) -> int:
    """Delete what is older than so many days; how many changes."""
    return connection.execute(_SQL["forget"], {"days": days}).rowcount
