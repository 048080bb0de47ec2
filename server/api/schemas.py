"""What the API takes and gives. These classes validate requests and make /openapi.json."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any

from flask_openapi3 import FileStorage
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, field_validator, model_validator

from server.search.plan import Path
from server.search.query import MOST_ATTRIBUTES, Facet, Filters, Mode, Query, Sort

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
    attribute: list[str] = Field(
        [],
        max_length=50,
        description="An attribute and its value, `colour=Navy`. Several values of one attribute: any of them. At most "
        f"{MOST_ATTRIBUTES} attributes.",
    )
    sort: Sort = Field(
        Sort.RELEVANCE,
        description="`relevance`, `price_asc`, `price_desc` or `newest`. With a query, any order is one of the same "
        "result: at most the 1,000 best.",
    )
    relevant: bool = Field(False, description="Leave out what passes the filters and has little to do with the query.")
    collapse: bool = Field(False, description="One product of each `item_group`, the best of it.")
    facets: list[Facet] = Field(
        [], max_length=10, description="Count the whole result by these: `brand`, `category`, `price`, ..."
    )
    explain: bool = Field(False, description="Tell of each hit what its place is made of.")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Hits on a page.")
    cursor: str | None = Field(None, max_length=20_000, description="`next_cursor` of the page before.")

    @field_validator("category")
    @classmethod
    def _trim_path(cls, value: str | None) -> str | None:
        return value.strip("/ ") or None if value else None

    @field_validator("attribute")
    @classmethod
    def _name_and_value(cls, value: list[str]) -> list[str]:
        for pair in value:
            name, sign, told = pair.partition("=")
            if not (sign and name and told) or len(pair) > 130:
                raise ValueError("write an attribute as name=value")
        if len({pair.partition("=")[0] for pair in value}) > MOST_ATTRIBUTES:
            raise ValueError(f"a search filters by at most {MOST_ATTRIBUTES} attributes")
        return value

    @field_validator("brand", "category", "cursor", "attribute", check_fields=False)
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
            attributes=tuple((name, value) for name, _, value in (pair.partition("=") for pair in self.attribute)),
        )
        return Query(
            filters=filters,
            sort=self.sort,
            limit=self.limit,
            cursor=self.cursor,
            relevant_only=self.relevant,
            facets=tuple(dict.fromkeys(self.facets)),
            collapse=self.collapse,
            explain=self.explain,
        )


class SearchParams(FilterParams):
    """A search by words."""

    q: str = Field(
        "",
        max_length=MAX_QUERY_LENGTH,
        description="What the product looks like, and what it may cost: `striped blue shirt -denim under 50`. Empty: "
        "browse.",
    )
    mode: Mode = Field(
        Mode.HYBRID, description="What ranks: `hybrid` (look and words), `vector` (look alone), `text` (words alone)."
    )
    parse: bool = Field(
        True, description="Understand prices, brands, `-word` and the like in `q`. false: all is words."
    )
    verbatim: bool = Field(False, description="Take words as typed: correct no spelling.")

    def to_query(self) -> Query:
        """The search room's words for this."""
        return replace(super().to_query(), mode=self.mode, parse=self.parse, verbatim=self.verbatim)


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
    explain: "ExplainOut | None" = Field(None, description="What its place is made of, where `explain` was asked for.")


class ExplainOut(BaseModel):
    """score = z + text_weight * text + rule. docs/searching.md explains each."""

    similarity: float | None = Field(description="Cosine similarity to the query's vector.")
    z: float | None = Field(description="The same in standard deviations above the catalogue's mean.")
    text: float = Field(description="How much of the words the product has, 0 to 1.")
    text_weight: float
    rule: float
    rules: list[str] = Field(description="What the query names as a whole: `sku`, `title`, `brand`.")
    score: float


class CountOut(BaseModel):
    value: str
    count: int


class BarOut(BaseModel):
    """Prices from `low` to below `high`."""

    low: Price
    high: Price
    count: int


class FacetsOut(BaseModel):
    """Counts over the whole result, of which the hits are a page. null: not asked for."""

    brand: list[CountOut] | None
    category: list[CountOut] | None = Field(description="By path, each with all that lies below it.")
    price: list[BarOut] | None
    lowest_price: Price | None
    highest_price: Price | None
    in_stock: int | None
    attributes: dict[str, list[CountOut]] | None


class UnderstoodOut(BaseModel):
    """A part of `q` that was not taken for plain words. `without`: the typed text without it."""

    kind: str
    label: str
    start: int
    end: int
    without: str


class CorrectionOut(BaseModel):
    typed: str
    corrected: str


class TypedOut(BaseModel):
    """What was understood of `q`."""

    words: str = Field(description="What was searched for, spelling corrected.")
    parts: list[UnderstoodOut]
    corrections: list[CorrectionOut]
    price_min: Price | None
    price_max: Price | None
    currency: str | None
    brands: list[str]
    category: str | None
    in_stock: bool


class PlanOut(BaseModel):
    """How the page was found."""

    path: Path
    reason: str
    looked_at: int = Field(description="About how many products were read to rank them.")
    complete: bool = Field(description="False where fewer products came than the filters and `limit` promise.")
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
    total: int = Field(
        description="Products in the whole result, at most 1,000; there are more where total_is_exact "
        "is false, and the result is the best of them."
    )
    total_is_exact: bool
    currency: str = Field(description="What price bounds speak of in this search.")
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last.")
    typed: TypedOut | None = Field(description="What was understood of `q`; null where nothing was typed.")
    facets: FacetsOut | None = Field(description="null where none were asked for.")
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
