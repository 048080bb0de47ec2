"""Whether a product is still what somebody saw who changes it now. Asked under the row's lock, so nobody slips between.

A version is a digest of what people see of a product: a vector that a worker made meanwhile is no other version, and a
change in SQL, which may leave `updated_at` as it is, is one.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from server.catalog.change import Change
from server.catalog.gallery import read_gallery
from server.catalog.product import Product
from server.catalog.stored import COLUMNS, Stored

# When the catalogue let go of it is no one's to change.
_UNSEEN = frozenset({"left_feed_at"})

Pictures = Sequence[tuple[str, str]]


def version_of(product: Product, pictures: Pictures) -> str:
    """Of a product and (digest, alt) of its pictures in their order."""
    return _digest({name: getattr(product, name) for name in COLUMNS if name not in _UNSEEN}, pictures)


def shown_value(value: Any) -> str:
    """A column as it stands in a field."""
    return "" if value is None else str(value)


def is_as_seen(connection: psycopg.Connection, change: Change, stored: Stored) -> bool:
    """Whether what the change was made for still stands. `stored` has to be locked by this transaction."""
    if any(shown_value(stored.values[name]) != value for name, value in change.seen.items()):
        return False
    if change.version is None:
        return True
    pictures = [(shown.sha256, shown.alt) for shown in read_gallery(connection, change.sku)]
    values = {name: value for name, value in stored.values.items() if name not in _UNSEEN}
    return _digest(values, pictures) == change.version


def _digest(values: Mapping[str, Any], pictures: Pictures) -> str:
    told = json.dumps([dict(values), list(pictures)], default=str, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]
