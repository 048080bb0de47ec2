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

# Of these, what a change did to pictures.
_HOLD_PICTURES = frozenset({"pictures", "image_sha256"})


@dataclass(frozen=True)
class Entry:
    """What a change did to one product. before is None where it made the product, after where it took it away.

    Both hold the columns that differ, and `pictures` where these do, a list of {sha256, place, alt}; what is older than
    that has the first one's digest alone, as `image_sha256`. products: how many the change touched, all of which it is
    undone for.
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
    def can_be_undone(self) -> bool:
        """Whether there is something to put back, and was not put back already."""
        return self.undone_by is None and bool(self.before) and self.after is not None and "sku" not in self.after


@dataclass(frozen=True)
class ChangeSummary:
    """One change, how many products it touched, and what it did to one of them, as in Entry."""

    change: int
    at: datetime.datetime
    actor: str
    action: str
    undone_by: int | None
    products: int
    sku: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    is_undoable: bool

    @property
    def can_be_undone(self) -> bool:
        """Whether there is something to put back, and was not put back already."""
        return self.undone_by is None and self.is_undoable


@dataclass(frozen=True)
class FormerPictures:
    """Pictures of a product, (digest, alt) of each: as they were before a change, and as it left them.

    has_first: whether the product was found by the first of them, rather than by its title.
    """

    before: list[tuple[str, str]]
    has_first: bool
    after: list[tuple[str, str]]


@dataclass(frozen=True)
class Undone:
    """What came of it, by SKU.

    whole: as they were before, but for their pictures; pictures: those that are to be put back yet; partly: products
    of which something was changed again since, and the rest is put back; left: changed again since, or gone.
    """

    whole: list[str]
    pictures: dict[str, FormerPictures]
    partly: list[str]
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
        if not any(after is not None and "sku" not in after for _, _, after, _, _ in parts):
            raise Conflict("There is nothing to put back: what is deleted for good is gone, and a SKU is renamed anew.")
        columns: dict[str, bool] = dict(connection.execute(_SQL["undo"], {"change": change}).fetchall())
        pictures = {
            sku: _former(before, now)
            for sku, before, after, now, stands in parts
            if stands and before and after and _HOLD_PICTURES & before.keys()
        }
        if columns or pictures:
            # Pictures are put back by a change of their own; where nothing else was, there is no change here to name.
            connection.execute(_SQL["mark_undone"], {"change": change, "by": number if columns else change})
    wholes = {
        sku: columns.get(sku, not (before or {}).keys() - _HOLD_PICTURES)
        and (sku in pictures or not _HOLD_PICTURES & (before or {}).keys())
        for sku, before, *_ in parts
        if sku in columns or sku in pictures
    }
    return Undone(
        [sku for sku, is_whole in wholes.items() if is_whole],
        pictures,
        [sku for sku, is_whole in wholes.items() if not is_whole],
        [sku for sku, *_ in parts if sku not in wholes],
    )


def _former(before: dict[str, Any], now: list[dict[str, Any]]) -> FormerPictures:
    """What there was before, of which there is `now`."""
    after = [(one["sha256"], one["alt"]) for one in now]
    if "pictures" in before:
        listed = before["pictures"]
        has_first = any(one["place"] == 0 for one in listed)
        return FormerPictures([(one["sha256"], one["alt"]) for one in listed], has_first, after)
    # Of what was written down before lists were, the first one alone is known, and no other is to be lost by that.
    first = before["image_sha256"]
    if first is None:
        return FormerPictures([(one["sha256"], one["alt"]) for one in now if one["place"] > 0], False, after)
    return FormerPictures(
        [(first, dict(after).get(first, "")), *(one for one in after if one[0] != first)], True, after
    )


def rename(connection: psycopg.Connection, old: str, new: str, change: int | None) -> None:
    """A product has another SKU. change: that which renamed it, where somebody is known to have."""
    connection.execute(_SQL["rename"], {"old": old, "new": new})
    if change is not None:
        connection.execute(_SQL["renamed"], {"change": change, "old": old, "new": new})


def forget(connection: psycopg.Connection, days: int) -> int:
    """Delete what is older than so many days; how many changes."""
    return connection.execute(_SQL["forget"], {"days": days}).rowcount
