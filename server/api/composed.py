"""A query of several parts in one JSON body: words, products and pictures, each near to or far from."""

from typing import Self

from PIL import Image
from pydantic import Field, field_validator, model_validator

from server.api.pictures import decode_image
from server.api.schemas import MAX_QUERY_LENGTH, ApiModel, FilterFields, PageFields, without_nul
from server.catalog.picture import read_for_tower
from server.embedding.encoder import Encoder
from server.errors import InvalidImage, InvalidInput
from server.events.event import Kind, Subject
from server.search.query import Query
from server.search.service import Term
from server.settings import Settings

MOST_TERMS = 8
LARGEST_WEIGHT = 5.0


class TermBody(ApiModel):
    """A part of the query: exactly one of `text`, `product` and `image`."""

    text: str | None = Field(None, max_length=MAX_QUERY_LENGTH, description="Words; all of it is taken as words.")
    product: str | None = Field(None, max_length=300, description="SKU of a product, which is left out of the result.")
    image: str | None = Field(None, description="A picture in base64 (JPEG, PNG, WebP or GIF).")
    weight: float = Field(
        1.0,
        ge=-LARGEST_WEIGHT,
        le=LARGEST_WEIGHT,
        allow_inf_nan=False,
        description="How much it counts; below 0: away from it. Not 0.",
    )

    _no_nul = field_validator("text", "product")(without_nul)

    @field_validator("text", "product", "image")
    @classmethod
    def _not_blank(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("This is empty.")
        return value

    @field_validator("weight")
    @classmethod
    def _not_zero(cls, value: float) -> float:
        if not value:
            raise ValueError("A weight of 0 counts for nothing. Leave the term out instead.")
        return value

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        given = [name for name in ("text", "product", "image") if getattr(self, name) is not None]
        if len(given) != 1:
            told = f"this one has {' and '.join(given)}" if given else "this one has none of them"
            raise ValueError(f"A term has exactly one of text, product and image; {told}.")
        return self


class ComposedBody(PageFields):
    """A search by several parts at once."""

    terms: list[TermBody] = Field(min_length=1, max_length=MOST_TERMS, description="The parts of the query.")
    filters: FilterFields = Field(
        default_factory=lambda: FilterFields.model_validate({}),
        description="Named as the parameters of GET /api/v1/search are.",
    )

    @field_validator("terms")
    @classmethod
    def _near_to_something(cls, value: list[TermBody]) -> list[TermBody]:
        if all(term.weight < 0 for term in value):
            raise ValueError("At least one term needs a weight above 0: a search has to be near to something.")
        return value

    def to_query(self) -> Query:
        """The search room's words for this."""
        return self.query_of(self.filters.to_filters())

    def subject(self) -> Subject:
        """What is recorded of it: that of its parts which says most, and all words."""
        words = " ".join(term.text for term in self.terms if term.text is not None)
        if any(term.image is not None for term in self.terms):
            return Subject(Kind.PICTURE, words)
        return Subject(Kind.PRODUCT if any(term.product for term in self.terms) else Kind.WORDS, words)

    def to_terms(self, settings: Settings) -> list[Term]:
        """The search room's words for the parts. Raises InvalidInput where an image is not base64."""
        return [_term(number, term, settings) for number, term in enumerate(self.terms)]


def _term(number: int, term: TermBody, settings: Settings) -> Term:
    if term.image is None:
        return Term(text=term.text, product=term.product, weight=term.weight)
    place = f"terms.{number}.image"
    try:
        data = decode_image(term.image)
    except InvalidInput as exc:
        raise InvalidInput(f"{place}: {exc.message.removeprefix('image: ')}") from exc

    def decode(encoder: Encoder) -> Image.Image:
        try:
            return read_for_tower(data or b"", encoder, settings).image
        except InvalidImage as exc:
            raise InvalidImage(f"{place}: {exc.message}") from exc

    return Term(image=decode, weight=term.weight)
