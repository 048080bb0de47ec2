"""What the API takes and gives. These classes validate requests and make /openapi.json."""

from dataclasses import replace
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any, get_origin

from flask_openapi3 import FileStorage
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from server.search.query import MOST_ATTRIBUTES, Facet, Filters, Mode, Query, Sort, Views

MAX_LIMIT = 100
DEFAULT_LIMIT = 24
MAX_QUERY_LENGTH = 1_000

# Of a brand or an attribute with its value; more than a catalogue can hold.
Name = Annotated[str, Field(max_length=500)]

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


def without_nul(value: Any) -> Any:
    """A text or list of texts as it is. Raises ValueError where Postgres could not hold one."""
    if any("\0" in text for text in ([value] if isinstance(value, str) else value or [])):
        raise ValueError("Text may not hold a NUL character.")
    return value


class FilterFields(ApiModel):
    """Which products may be found."""

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
    brand: list[Name] = Field([], max_length=50, description="Brand, by its whole name; repeat it for any of several.")
    in_stock: bool = Field(False, description="Leave out what is sold out. Products without a count stay in.")
    attribute: list[Name] = Field(
        [],
        max_length=50,
        description="An attribute and its value, `colour=Navy`. Several values of one attribute: any of them. At most "
        f"{MOST_ATTRIBUTES} attributes.",
    )

    @field_validator("currency", mode="before")
    @classmethod
    def _in_capitals(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("category")
    @classmethod
    def _trim_path(cls, value: str | None) -> str | None:
        return value.strip("/ ") or None if value else None

    @field_validator("attribute")
    @classmethod
    def _name_and_value(cls, value: list[str]) -> list[str]:
        for pair in value:
            name, sign, told = pair.partition("=")
            if not (sign and name and told):
                raise ValueError("Write an attribute as name=value.")
        if len({pair.partition("=")[0] for pair in value}) > MOST_ATTRIBUTES:
            raise ValueError(f"A search filters by at most {MOST_ATTRIBUTES} attributes.")
        return value

    _names_without_nul = field_validator("brand", "category", "attribute")(without_nul)

    @field_validator("price_max")
    @classmethod
    def _price_range(cls, value: Decimal | None, others: ValidationInfo) -> Decimal | None:
        lowest = others.data.get("price_min")
        if value is not None and lowest is not None and lowest > value:
            raise ValueError("price_min is above price_max.")
        return value

    def to_filters(self) -> Filters:
        """The search room's words for this."""
        return Filters(
            price_min=self.price_min,
            price_max=self.price_max,
            currency=self.currency,
            category=self.category,
            brands=tuple(self.brand),
            in_stock=self.in_stock,
            attributes=tuple((name, value) for name, _, value in (pair.partition("=") for pair in self.attribute)),
        )


class PageFields(ApiModel):
    """Order, page, and what is told of it."""

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
    views: Views = Field(
        Views.FIRST,
        description="Which pictures of a product count: `first`, or `all`: then it is as near as its nearest picture, "
        "and `view` of a hit is that picture.",
    )
    explain: bool = Field(False, description="Tell of each hit what its place is made of.")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Hits on a page.")
    cursor: str | None = Field(
        None, max_length=20_000, description="`next_cursor` of the page before. Empty: the first page."
    )

    _cursor_without_nul = field_validator("cursor")(without_nul)

    @field_validator("cursor")
    @classmethod
    def _none_is_the_first_page(cls, value: str | None) -> str | None:
        return value or None

    def query_of(self, filters: Filters) -> Query:
        """The search room's words for this."""
        return Query(
            filters=filters,
            sort=self.sort,
            limit=self.limit,
            cursor=self.cursor,
            relevant_only=self.relevant,
            facets=tuple(dict.fromkeys(self.facets)),
            collapse=self.collapse,
            explain=self.explain,
            views=self.views,
        )


class FilterParams(FilterFields, PageFields):
    """Filters, order and page, the same for every kind of search. A parameter without a value is as if left out."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        given = {
            name: [one for one in value if one != ""] if isinstance(value, list) else value
            for name, value in data.items()
        }
        return {name: value for name, value in given.items() if value != ""}

    def to_query(self) -> Query:
        """The search room's words for this."""
        return self.query_of(self.to_filters())


class WordsParams(FilterParams):
    """Words, and how they are read."""

    q: str = Field("", max_length=MAX_QUERY_LENGTH, description="Words.")
    parse: bool = Field(
        True, description="Understand prices, brands, `-word` and the like in `q`. false: all is words."
    )
    verbatim: bool = Field(False, description="Take words as typed: correct no spelling.")

    def to_query(self) -> Query:
        """The search room's words for this."""
        return replace(super().to_query(), parse=self.parse, verbatim=self.verbatim)


class SearchParams(WordsParams):
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

    rules: bool = Field(True, description="Whether pins, buries and boosts hold that somebody made for this query.")

    def to_query(self) -> Query:
        """The search room's words for this."""
        return replace(super().to_query(), mode=self.mode, merchandise=self.rules)


# The parameters that may stand in an address once.
SINGLE = frozenset(
    name for name, field in SearchParams.model_fields.items() if get_origin(field.annotation) is not list
)


class SimilarParams(WordsParams):
    """A search for what is like a product."""

    q: str = Field(
        "",
        max_length=MAX_QUERY_LENGTH,
        description="In what the others are to differ: `blue -laces under 50`. Empty: in nothing.",
    )


class SuggestParams(ApiModel):
    """What was typed so far."""

    q: str = Field("", description="The beginning of a query, as typed.")
    limit: int = Field(8, ge=1, le=20, description="Suggestions at most.")


class ImageForm(ApiModel):
    """A search by picture, multipart/form-data."""

    image: FileStorage = Field(description="JPEG, PNG, WebP or GIF.")


class SkuPath(BaseModel):
    sku: str = Field(min_length=1, max_length=300, description="The product's key, percent-encoded.")


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


# What any request may be answered with; the document says it of each.
ERRORS: Any = {
    HTTPStatus.BAD_REQUEST: ErrorAnswer,
    HTTPStatus.UNAUTHORIZED: ErrorAnswer,
    HTTPStatus.FORBIDDEN: ErrorAnswer,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ErrorAnswer,
    HTTPStatus.UNPROCESSABLE_ENTITY: ErrorAnswer,
    HTTPStatus.TOO_MANY_REQUESTS: ErrorAnswer,
    HTTPStatus.SERVICE_UNAVAILABLE: ErrorAnswer,
}


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
