"""The tables as SQLAlchemy sees them, for reading and deleting one row at a time.

The vector is left out: nothing that reads one product needs its 256 numbers, and search speaks SQL of its own.
Writes of whole products go through server/catalog/writing.py.
"""

import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """Every table's class."""

    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy's own protocol)
        str: Text,
        Decimal: Numeric(12, 2),
        datetime.datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
    }


class Image(Base):
    """A picture in the image store."""

    __tablename__ = "image"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    bytes: Mapped[int]
    created_at: Mapped[datetime.datetime]


class EmbeddingModel(Base):
    """A model that made embeddings."""

    __tablename__ = "embedding_model"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    revision: Mapped[str]
    precision: Mapped[str]
    dimension: Mapped[int]
    digest: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime.datetime]


class Product(Base):
    """What the shop sells."""

    __tablename__ = "product"

    sku: Mapped[str] = mapped_column(primary_key=True)
    item_group: Mapped[str | None]
    title: Mapped[str]
    description: Mapped[str]
    brand: Mapped[str | None]
    category: Mapped[str | None]
    price: Mapped[Decimal | None]
    sale_price: Mapped[Decimal | None]
    currency: Mapped[str]
    stock: Mapped[int | None]
    attributes: Mapped[dict[str, Any]]
    status: Mapped[str]
    left_feed_at: Mapped[datetime.datetime | None]
    image_sha256: Mapped[str | None] = mapped_column(ForeignKey("image.sha256"))
    embedding_model: Mapped[int | None] = mapped_column(ForeignKey("embedding_model.id"))
    embedding_source: Mapped[str | None]
    embedded_text: Mapped[str | None]
    created_at: Mapped[datetime.datetime]
    updated_at: Mapped[datetime.datetime]

    image: Mapped[Image | None] = relationship(lazy="joined")

    @property
    def media_type(self) -> str | None:
        """Of its picture."""
        return None if self.image is None else self.image.media_type
