"""What the database holds of a product, read and written by the set. The only file that runs products.sql's writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from pgvector import HalfVector

from server.catalog.picture import Picture
from server.db.named_sql import load
from server.embedding.encoder import Vector

_SQL = load(__file__, "products.sql")

COLUMNS = (
    "item_group", "title", "description", "brand", "category", "price", "sale_price", "currency", "stock", "attributes",
    "status", "left_feed_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stored:
    """A product as it is stored: its columns, its picture, and what its embedding was made from."""

    values: Mapping[str, Any]
    image_sha256: str | None
    model: int | None
    source: str | None
    embedded_text: str | None

    def placed_alike(self, other: "Stored") -> bool:
        """Whether a plan for the picture and the embedding that fits one fits the other."""
        return (self.image_sha256, self.model, self.source, self.embedded_text) == (
            other.image_sha256,
            other.model,
            other.source,
            other.embedded_text,
        )


@dataclass(frozen=True, slots=True)
class NewRow:
    """A product as it will be stored. Without a vector, the stored embedding stays."""

    sku: str
    values: Mapping[str, Any]
    image_sha256: str | None
    vector: Vector | None = None
    source: str | None = None
    embedded_text: str | None = None


def read_stored(connection: psycopg.Connection, skus: Sequence[str], *, lock: bool = False) -> dict[str, Stored]:
    """SKU -> product, for those that are there. With `lock`, nobody else changes them until the transaction ends."""
    rows = connection.execute(_SQL["lock_stored" if lock else "read_stored"], {"skus": list(skus)}, binary=True)
    end = 1 + len(COLUMNS)
    return {row[0]: Stored(dict(zip(COLUMNS, row[1:end], strict=True)), *row[end:]) for row in rows}


def read_media_types(connection: psycopg.Connection, sha256s: Sequence[str]) -> dict[str, str]:
    """Digest -> media type of stored pictures."""
    return dict(connection.execute(_SQL["media_types"], {"sha256s": list(sha256s)}).fetchall())


def insert_images(connection: psycopg.Connection, pictures: Sequence[Picture]) -> None:
    """Record pictures whose files are stored."""
    unique = {picture.sha256: picture for picture in pictures}.values()
    if unique:
        columns = ("sha256", "media_type", "width", "height", "bytes")
        arrays = {column: [getattr(picture, column) for picture in unique] for column in columns}
        connection.execute(_SQL["insert_images"], arrays)


def insert_products(connection: psycopg.Connection, rows: Sequence[NewRow], model: int) -> set[str]:
    """Put new products in; returns the SKUs that were not there."""
    if not rows:
        return set()
    return {sku for (sku,) in connection.execute(_SQL["insert_products"], _arrays(rows, model))}


def update_products(connection: psycopg.Connection, rows: Sequence[NewRow], model: int) -> None:
    """Write products over what is stored."""
    if rows:
        connection.execute(_SQL["update_products"], _arrays(rows, model))


def _arrays(rows: Sequence[NewRow], model: int) -> dict[str, Any]:
    """One array a column, as unnest() takes them."""
    arrays: dict[str, Any] = {column: [row.values[column] for row in rows] for column in COLUMNS}
    arrays["attributes"] = [orjson.dumps(value).decode() for value in arrays["attributes"]]
    return arrays | {
        "sku": [row.sku for row in rows],
        "image_sha256": [row.image_sha256 for row in rows],
        "embedding": [None if row.vector is None else HalfVector(row.vector) for row in rows],
        "embedding_model": [None if row.vector is None else model for row in rows],
        "embedding_source": [row.source for row in rows],
        "embedded_text": [row.embedded_text for row in rows],
    }
