"""Makers of test data: pictures as bytes, and rows put straight into the database.

Every maker has defaults for everything, so that a test says only what it is about.
"""

import io
from decimal import Decimal
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from pgvector import HalfVector
from PIL import Image
from psycopg import sql
from psycopg.types.json import Jsonb

# Length of the embeddings in the test database. Small, so that a test can write a vector by hand.
DIMENSION = 64


def picture(
    colour: Any = "red", size: tuple[int, int] = (32, 24), image_format: str = "JPEG", mode: str = "RGB", **save: Any
) -> bytes:
    """A picture of one colour as a file's bytes. `save` goes to Pillow (exif, quality, ...)."""
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, image_format, **save)
    return buffer.getvalue()


def noise(seed: int = 0, size: tuple[int, int] = (48, 48), image_format: str = "PNG") -> bytes:
    """A picture that no other seed gives."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, image_format)
    return buffer.getvalue()


def unit_vector(seed: int = 0, dimension: int = DIMENSION) -> NDArray[np.float32]:
    """A direction that depends on the seed alone."""
    vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    result: NDArray[np.float32] = vector / np.linalg.norm(vector)
    return result


def add_model(connection: psycopg.Connection, *, state: str = "active", **columns: Any) -> int:
    """Put a model into the database, or find the one with this digest; returns its id."""
    values: dict[str, Any] = {
        "name": "test",
        "revision": "1",
        "precision": "fp32",
        "dimension": DIMENSION,
        "digest": "test-digest",
        "state": state,
        **columns,
    }
    found = connection.execute("SELECT id FROM embedding_model WHERE digest = %s", [values["digest"]]).fetchone()
    if found is None:
        found = connection.execute(_insert("embedding_model", values, returning="id"), values).fetchone()
    assert found is not None
    return int(found[0])


def add_image(connection: psycopg.Connection, sha256: str, **columns: Any) -> str:
    """Put a picture's record (not its file) into the database; returns its digest."""
    values = {"sha256": sha256, "media_type": "image/jpeg", "width": 32, "height": 24, "bytes": 1000, **columns}
    connection.execute(_insert("image", values, skip_existing=True), values)
    return sha256


def add_product(connection: psycopg.Connection, sku: str = "A-1", **columns: Any) -> str:
    """Put a product into the database; returns its SKU.

    Give `embedding` (array) to have it found by vector; the model row and `embedding_source` are then made as needed.
    """
    values: dict[str, Any] = {
        "sku": sku,
        "title": f"Product {sku}",
        "price": Decimal("10.00"),
        "currency": "USD",
        **columns,
    }
    if values.get("embedding") is not None:
        values["embedding"] = HalfVector(values["embedding"])
        if "embedding_model" not in values:
            values["embedding_model"] = add_model(connection)
        source = "image" if values.get("image_sha256") else "text"
        if values.setdefault("embedding_source", source) == "text":
            values.setdefault("embedded_text", values["title"])
    if isinstance(values.get("attributes"), dict):
        values["attributes"] = Jsonb(values["attributes"])
    connection.execute(_insert("product", values), values)
    return sku


def _insert(table: str, values: dict[str, Any], skip_existing: bool = False, returning: str = "") -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) {} {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
        sql.SQL("ON CONFLICT DO NOTHING" if skip_existing else ""),
        sql.SQL("RETURNING {}").format(sql.Identifier(returning)) if returning else sql.SQL(""),
    )
