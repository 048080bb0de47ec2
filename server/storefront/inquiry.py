"""What a page searches for: words, a picture, or a product that the result is to be like, but ..."""

import re
from dataclasses import dataclass, replace
from typing import Any

from server.api.schemas import SearchParams
from server.catalog.product import Product
from server.events import event as events
from server.search.query import Facet, Mode, Query
from server.search.service import ResultPage, SearchService
from server.storefront.address import Search
from server.storefront.query_picture import QueryPicture

# Beside a product, people say what it should lack in words: "without laces", "not red".
_LACKING = re.compile(r"(?<![\w-])(?:without|with no|but not|no|not)\s+(?:an?\s+|the\s+)?(?=[^\W\d_])", re.IGNORECASE)
_JOINED = re.compile(r"(-[^\W\d_][\w'-]*)\s+(?:or|nor)\s+(?=[^\W\d_])", re.IGNORECASE)


@dataclass(frozen=True)
class Subject:
    """picture, product: what the result shall be like. Without both, words say it."""

    picture: QueryPicture | None = None
    product: Product | None = None

    @property
    def is_given(self) -> bool:
        return self.picture is not None or self.product is not None


@dataclass(frozen=True)
class Inquiry:
    """A search that can be run, and run again with some of it changed. params: those of `search`, which are valid."""

    service: SearchService
    search: Search
    params: SearchParams
    subject: Subject

    def ask(self, facets: tuple[Facet, ...] = (), **changes: Any) -> ResultPage:
        """Run it as the shop searches: by look and words, what is relevant, one of several variants.

        changes: of the query. Raises InvalidCursor, and NotFound for a product that is gone.
        """
        return self._run(replace(self.query(), facets=facets, **changes))

    def query(self) -> Query:
        """What is asked beside the words, the picture or the product."""
        return replace(
            self.params.to_query(),
            mode=Mode.HYBRID,
            collapse=True,
            explain=False,
            relevant_only=not self.search.shows_all,
            facets=(),
        )

    @property
    def told(self) -> events.Subject:
        """What it is recorded as."""
        if self.subject.picture is not None:
            return events.Subject(events.Kind.PICTURE, self.params.q)
        if self.subject.product is not None:
            return events.Subject(events.Kind.PRODUCT, self.params.q)
        return events.Subject.of_words(self.params.q)

    def relaxed(self, params: SearchParams) -> "Inquiry":
        """The same with other parameters, from its first page on, of which a single product is enough."""
        return replace(self, params=params.model_copy(update={"cursor": None, "limit": 1}))

    def _run(self, query: Query) -> ResultPage:
        if self.subject.picture is not None:
            return self.service.by_image(self.subject.picture.image, query)
        if self.subject.product is not None:
            return self.service.like_but(self.subject.product.sku, with_minus(self.params.q), query)
        return self.service.by_text(self.params.q, query)


def with_minus(text: str) -> str:
    """The words with a minus before what is not wanted: "blue without laces" is "blue -laces"."""
    signed = _LACKING.sub("-", text)
    return signed if signed == text else _JOINED.sub(r"\1 -", signed)
