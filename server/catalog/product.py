"""A product as it comes in, as a change to one, and as it goes out. The HTTP API and the feeds share these.

Every message is a sentence that follows the field's name: "price: 'abc' is not a number".
"""

import datetime
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from server.catalog import prices, values

# Real catalogues hold descriptions of 52,579 characters; they are no reason to lose a product.
LONGEST_DESCRIPTION = 100_000

Status = Literal["live", "draft", "hidden"]
# A deleted product is in the trash for a while; nobody writes that as its status.
StoredStatus = Literal["live", "draft", "hidden", "trash"]


def _clean(longest: int, *, lines: bool = False) -> BeforeValidator:
    return BeforeValidator(lambda value: values.clean_text(value, longest, lines=lines))


def _missing_or(parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Parse, and refuse what turns out to be nothing."""

    def check(value: Any) -> Any:
        parsed = parse(value)
        if parsed is None:
            raise ValueError("is missing")
        return parsed

    return check


Sku = Annotated[str, BeforeValidator(values.parse_sku)]
Title = Annotated[str, BeforeValidator(_missing_or(lambda value: values.clean_text(value, 500)))]
Description = Annotated[
    str, BeforeValidator(lambda value: values.clean_text(value, LONGEST_DESCRIPTION, lines=True) or "")
]
Brand = Annotated[str | None, _clean(200)]
ItemGroup = Annotated[str | None, _clean(100)]
Category = Annotated[str | None, BeforeValidator(values.parse_category)]
# Two decimals are exact in a JSON number as far as anyone's prices go.
Price = Annotated[
    Decimal | None,
    BeforeValidator(lambda value: prices.parse_price(value)[0]),
    PlainSerializer(lambda price: None if price is None else float(price), float | None, when_used="json"),
]
Currency = Annotated[str, BeforeValidator(_missing_or(prices.parse_currency))]
Stock = Annotated[int | None, BeforeValidator(values.parse_stock)]
StatusIn = Annotated[Status, BeforeValidator(_missing_or(values.parse_status))]
Attributes = Annotated[dict[str, Any], BeforeValidator(lambda value: values.parse_attributes(value) or {})]


class _Incoming(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _currency_in_a_price(cls, data: Any) -> Any:
        """'€45' says its currency itself: it is taken where none is given, and refused where another is."""
        if not isinstance(data, Mapping):
            return data
        given = data.get("currency")
        for field in ("price", "sale_price"):
            try:
                named = prices.parse_price(data.get(field))[1]
                stated = prices.parse_currency(given)
            except ValueError:
                continue  # reported below, at its own field
            if named is None:
                continue
            if stated is not None and stated != named:
                raise ValueError(f"{field}: the price is in {named}, but the currency is {stated}")
            data, given = {**data, "currency": named}, named
        return data


class ProductInput(_Incoming):
    """A whole product: what is left out is empty (`currency`: the shop's)."""

    sku: Sku = Field(description="Key of the product.")
    title: Title = Field(description="What it is called, 1 to 500 characters.")
    description: Description = Field(default="", description="Free text, up to 100,000 characters.")
    brand: Brand = Field(default=None, description="Who makes it.")
    category: Category = Field(default=None, description="Path from the general to the special: `Home/Kitchen/Mugs`.")
    price: Price = Field(default=None, description="Regular price; null where it is not known.")
    sale_price: Price = Field(default=None, description="What it costs now, where that is less.")
    currency: Currency | None = Field(default=None, description="Three letters; default: the shop's currency.")
    stock: Stock = Field(default=None, description="Pieces on hand; null where they are not counted.")
    attributes: Attributes = Field(default_factory=dict, description="Anything else, as a JSON object.")
    status: StatusIn = Field(default="live", description="`live`: in the shop. `draft`: not yet. `hidden`: no longer.")
    item_group: ItemGroup = Field(default=None, description="Variants of one product share it.")


class ProductPatch(_Incoming):
    """A change: what is left out stays; null empties a field that may be empty.

    `attributes` are merged (RFC 7396): a key with null goes, another is set, the rest stay.
    """

    title: Title | None = None
    description: Description | None = None
    brand: Brand = None
    category: Category = None
    price: Price = None
    sale_price: Price = None
    currency: Currency | None = None
    stock: Stock = None
    attributes: Attributes | None = None
    status: StatusIn | None = None
    item_group: ItemGroup = None

    @model_validator(mode="after")
    def _required_stay(self) -> "ProductPatch":
        for field in ("title", "currency", "status"):
            if field in self.model_fields_set and getattr(self, field) is None:
                raise ValueError(f"{field}: may be changed, not emptied")
        return self


class Product(BaseModel):
    """A product as it is stored."""

    model_config = ConfigDict(from_attributes=True)

    sku: str
    item_group: str | None
    title: str
    description: str
    brand: str | None
    category: str | None
    price: Price
    sale_price: Price
    currency: str
    stock: int | None
    attributes: dict[str, Any]
    status: StoredStatus
    image_sha256: str | None = Field(description="Digest of its picture; null where it has none.")
    media_type: str | None = Field(description="Of its picture: image/jpeg, image/png, image/webp or image/gif.")
    embedding_source: Literal["image", "text"] | None = Field(
        description="What its embedding was made from: its picture, or its title where it has none."
    )
    created_at: datetime.datetime
    updated_at: datetime.datetime


def problems(error: ValidationError) -> list[tuple[str, str]]:
    """(field, reason) for everything that pydantic found wrong, in words for people."""
    found = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        field = str(item["loc"][0]) if item["loc"] else ""
        reason = {
            "missing": "is missing",
            "extra_forbidden": "is not a field of a product",
        }.get(item["type"], item["msg"].removeprefix("Value error, "))
        if not field and ": " in reason:
            field, reason = reason.split(": ", 1)
        found.append((field, reason))
    return found
