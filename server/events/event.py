"""A search and a click, as they are recorded. Nothing in them says who it was."""

import datetime
import uuid
from dataclasses import dataclass, field
from enum import StrEnum

from server.search.pages import ResultPage
from server.search.plan import MOST, Path
from server.search.query import Mode, Query
from server.search.typed.letters import plain, tidy

# The schema has the same limits (migrations/versions/0013_search_events.py).
LONGEST_QUERY = 1_000
LAST_POSITION = MOST
# Of a search event, those that stand in the table as they are.
COLUMNS = ("id", "at", "origin", "mode", "narrowed", "total", "total_is_exact", "milliseconds", "path", "complete")


class Origin(StrEnum):
    """Where a search came from."""

    SHOP = "shop"
    API = "api"


class Kind(StrEnum):
    """What was searched by. PRODUCT: what is like a product, whatever is said beside it; BROWSE: nothing."""

    WORDS = "words"
    PICTURE = "picture"
    PRODUCT = "product"
    BROWSE = "browse"


@dataclass(frozen=True)
class Subject:
    """What a search was by. text: as it was typed, for a product that in which others are to differ."""

    kind: Kind
    text: str = ""

    @classmethod
    def of_words(cls, text: str) -> "Subject":
        """Of a text that was typed; blanks are none."""
        return cls(Kind.WORDS, text) if tidy(text) else cls(Kind.BROWSE)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class SearchEvent:
    """One search, by what its first page told. narrowed: whether filters were chosen beside the words."""

    id: uuid.UUID
    origin: Origin
    subject: Subject
    mode: Mode
    narrowed: bool
    total: int
    total_is_exact: bool
    milliseconds: float
    path: Path
    complete: bool
    at: datetime.datetime = field(default_factory=_now)

    @classmethod
    def of(
        cls, search_id: uuid.UUID, origin: Origin, subject: Subject, query: Query, page: ResultPage
    ) -> "SearchEvent":
        """A search and its first page, of whose products nothing is held."""
        return cls(
            search_id,
            origin,
            subject,
            query.mode,
            query.filters.narrows,
            page.total,
            page.total_is_exact,
            page.timing.total_ms,
            page.plan.path,
            page.plan.complete,
        )

    def row(self) -> dict[str, object]:
        """As the table has it."""
        query = tidy(self.subject.text)[:LONGEST_QUERY].rstrip()
        told = {name: getattr(self, name) for name in COLUMNS}
        return {**told, "kind": self.subject.kind, "query": query, "normalised": normalised(query)}


@dataclass(frozen=True)
class Click:
    """A product that was clicked in the result of a search, at a place in it."""

    search: uuid.UUID
    sku: str
    position: int
    at: datetime.datetime = field(default_factory=_now)


def normalised(text: str) -> str:
    """The form in which two queries are the same one: small letters, single blanks, plain quotes and digits."""
    return plain(tidy(text))
