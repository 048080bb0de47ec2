"""What a search answers. These classes describe it in /openapi.json; server/api/search_answers.py builds it."""

import uuid
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field, PlainSerializer

from server.search.plan import Path
from server.search.words.suggestions import Kind

# Two decimals are exact in a JSON number as far as anyone's prices go.
Price = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]


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
    view: "ViewOut | None" = Field(
        None, description="With `views=all`: the picture that it was found by, where that is not its first one."
    )
    explain: "ExplainOut | None" = Field(None, description="What its place is made of, where `explain` was asked for.")


class ViewOut(BaseModel):
    """A further picture of a product."""

    image_url: str
    thumbnail_url: str
    alt: str = Field(description="What it shows; may be empty.")


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


class SuggestionOut(BaseModel):
    """How what was typed may go on."""

    text: str = Field(description="What to search for.")
    kind: Kind
    products: int = Field(description="About how many products that finds.")
    value: str | None = Field(
        description="The brand, or the path of the category, to filter by; null for other suggestions."
    )


class SuggestAnswer(BaseModel):
    """Suggestions, what most products have first."""

    suggestions: list[SuggestionOut]


class SearchAnswer(BaseModel):
    """One page of a result."""

    search_id: uuid.UUID | None = Field(
        description="What clicks in this result are reported with, also on the pages behind this one; null on those, "
        "and where searches are not recorded."
    )
    hits: list[HitOut]
    total: int = Field(
        description="Products in the whole result, at most 1,000; there are more where total_is_exact "
        "is false, and the result is the best of them."
    )
    total_is_exact: bool
    currency: str = Field(description="What price bounds speak of in this search.")
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last.")
    redirect: str | None = Field(description="Where the shop sends those who type this; null where it does not.")
    typed: TypedOut | None = Field(description="What was understood of `q`; null where nothing was typed.")
    facets: FacetsOut | None = Field(description="null where none were asked for.")
    plan: PlanOut
    timing: TimingOut
