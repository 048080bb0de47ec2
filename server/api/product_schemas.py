"""Products over the API: the catalogue room's own schemas, and a picture beside them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from server.api.schemas import ApiModel, FieldError
from server.catalog.product import Product, ProductInput, ProductPatch, Sku

MAX_BULK = 1_000

ImageText = Annotated[
    str | None,
    Field(
        description="A picture in base64 (JPEG, PNG, WebP or GIF). Left out or null: the product keeps the one it has."
    ),
]


class ProductPutBody(ProductInput):
    """A product; its SKU stands in the address, and may stand here too if it is the same."""

    sku: Sku | None = None  # type: ignore[assignment]
    image: ImageText = None

    def record(self, sku: str) -> ProductInput:
        """The whole record under the SKU of the address. Raises pydantic's ValidationError."""
        given = self.model_dump(exclude={"image", "sku"}, exclude_unset=True)
        return ProductInput(sku=sku, **given)


class ProductPatchBody(ProductPatch):
    """Fields to change."""

    image: ImageText = None

    def changes(self) -> ProductPatch:
        """The change without its picture; what was left out stays left out."""
        return ProductPatch(**self.model_dump(exclude={"image"}, exclude_unset=True))


class BulkItem(ProductInput):
    """A product in a bulk request."""

    image: ImageText = None


class BulkBody(ApiModel):
    """Many products. Each is checked by itself, so that one bad one does not stop the others."""

    products: list[dict[str, Any]] = Field(
        min_length=1,
        max_length=MAX_BULK,
        description="Objects with the fields of a product and, if it has a new one, `image` in base64.",
    )


class BulkRefusal(BaseModel):
    """A product that did not go in, and why."""

    index: int = Field(description="Its place in the request's list, from 0.")
    sku: str | None
    fields: list[FieldError]


class BulkAnswer(BaseModel):
    """What became of a bulk request."""

    created: int
    updated: int
    unchanged: int
    refused: list[BulkRefusal]


# The columns that the two addresses below are made of.
PICTURE_COLUMNS = frozenset({"image_sha256", "media_type"})


def _without_picture_columns(schema: dict[str, Any]) -> None:
    schema["required"] = [name for name in schema["required"] if name not in PICTURE_COLUMNS]
    for name in PICTURE_COLUMNS:
        del schema["properties"][name]


class ProductOut(Product):
    """A product as the API shows it: with addresses of its picture instead of PICTURE_COLUMNS."""

    model_config = ConfigDict(json_schema_extra=_without_picture_columns)

    image_url: str | None
    thumbnail_url: str | None
