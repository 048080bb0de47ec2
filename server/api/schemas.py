"""What the API takes and gives. These classes validate requests and make /openapi.json."""

from decimal import Decimal
from typing import Annotated, Any

from flask_openapi3 import FileStorage
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, field_validator, model_validator

from server.search.plan import Path
from server.search.query import Filters, Query, Sort

MAX_LIMIT = 100
DEFAULT_LIMIT = 24
MAX_QUERY_LENGTH = 1_000

# Two decimals are exact in a JSON number as far as anyone's prices go.
Price = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]


_SCHEMAS: dict[tuple[type, str, str], dict[str, Any]] = {}


class ApiModel(BaseModel):
    """Refuses fields that it does not know, so that a misspelt filter is an error and not an unfiltered result."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """As pydantic's, remembered: flask-openapi3 asks for it at every request."""
        key = (cls, repr(args), repr(sorted(kwargs.items())))
        if key not in _SCHEMAS:
            _SCHEMAS[key] = super().model_json_schema(*args, **kwargs)
        return _SCHEMAS[key]


class FilterParams(ApiModel):
    """Filters, order and page, the same for every kind of search."""

    price_min: Decimal | None = Field(None, ge=0, max_digits=12, decimal_places=2, description="Lowest price.")
    price_max: Decimal | None = Field(None, ge=0, max_digits=12, decimal_places=2, description="Highest price.")
    currency: str | None = Field(
        None,
        pattern=r"^[A-Z]{3}$",
        description="Currency of the price bounds (default: the shop's). Only products priced in it are found.",
    )
    category: str | None = Field(
        None, min_length=1, max_length=300, description="Category path or its beginning: `Apparel/Topwear`."
    )
    brand: list[str] = Field([], max_length=50, description="Brand, exactly; repeat it for any of several.")
    in_stock: bool = Field(False, description="Leave out what is sold out. Products without a count stay in.")
    sort: Sort = Field(
        Sort.RELEVANCE,
        description="`relevance`, `price_asc`, `price_desc` or `newest`. With a query, an order other than relevance "
        "is that of the 200 most relevant products.",
    )
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Hits on a page.")
    cursor: str | None = Field(None, max_length=2_000, description="`next_cursor` of the page before.")

    @field_validator("category")
    @classmethod
    def _trim_path(cls, value: str | None) -> str | None:
        return value.strip("/ ") or None if value else None

    @field_validator("brand", "category", "cursor", check_fields=False)
    @classmethod
    def _no_nul(cls, value: Any) -> Any:
        if any("\0" in text for text in ([value] if isinstance(value, str) else value or [])):
            raise ValueError("text may not hold a NUL character")
        return value

    @model_validator(mode="after")
    def _price_range(self) -> "FilterParams":
        if self.price_min is not None and self.price_max is not None and self.price_min > self.price_max:
            raise ValueError("price_min is above price_max")
        return self

    def to_query(self) -> Query:
        """The search room's words for this."""
        filters = Filters(
            price_min=self.price_min,
            price_max=self.price_max,
            currency=self.currency,
            category=self.category,
            brands=tuple(self.brand),
            in_stock=self.in_stock,
        )
        return Query(filters=filters, sort=self.sort, limit=self.limit, cursor=self.cursor)


class SearchParams(FilterParams):
    """A search by words."""

    q: str = Field("", max_length=MAX_QUERY_LENGTH, description="What the product looks like. Empty: browse.")


class ImageForm(ApiModel):
    """A search by picture, multipart/form-data."""

    image: FileStorage = Field(description="JPEG, PNG, WebP or GIF.")


class SkuPath(BaseModel):
    sku: str = Field(min_length=1, max_length=300, description="The product's key, percent-encoded.")


class HitOut(BaseModel):
    """A found product."""

    sku: str
    title: str
    brand: str | None
    price: Price | None = Field(description="Regular price; null where it is not known.")
    sale_price: Price | None = Field(description="What it costs now, where that is less.")
    currency: str
    category: str | None
    stock: int | None = Field(description="Pieces on hand; null where they are not counted.")
    item_group: str | None
    image_url: str | None
    thumbnail_url: str | None
    score: float | None = Field(description="Cosine similarity to the query; null when browsing.")


class PlanOut(BaseModel):
    """How the page was found."""

    path: Path
    reason: str
    model: str | None = Field(
        description="Name and revision of the model that ranked the page, and the beginning of its digest; null when "
        "browsing."
    )


class TimingOut(BaseModel):
    """Where the time went, in milliseconds."""

    embed_ms: float
    sql_ms: float
    total_ms: float
    embedding_cached: bool


class SearchAnswer(BaseModel):
    """One page of a result."""

    hits: list[HitOut]
    total: int = Field(description="Products in the whole result; at least so many where total_is_exact is false.")
    total_is_exact: bool
    currency: str = Field(description="What price bounds speak of in this search.")
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last.")
    plan: PlanOut
    timing: TimingOut


class FieldError(BaseModel):
    field: str
    message: str


class ErrorBody(BaseModel):
    code: str
    message: str
    request_id: str
    fields: list[FieldError] = []


class ErrorAnswer(BaseModel):
    """Every failure looks like this."""

    error: ErrorBody


class HealthAnswer(BaseModel):
    status: str


class ActivationOut(BaseModel):
    """A change of the model. `phase`: fill, index or switch; `running` is false where it was interrupted."""

    name: str
    revision: str
    phase: str
    filled: int
    total: int
    per_second: float | None
    running: bool


class ReadyAnswer(BaseModel):
    """`ready` is true when every check says `ok`."""

    ready: bool
    checks: dict[str, str]
    model: str | None = Field(description="The model that the products were embedded by; null where none are.")
    execution_provider: str | None = Field(description="What the model runs on; null if it does not.")
    live_without_vector: int | None = Field(description="Products in the shop that no words find.")
    activation: ActivationOut | None = Field(description="A change of the model that is under way.")
