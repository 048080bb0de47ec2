"""One page of results, and what to propose where there are none."""

from dataclasses import dataclass, replace

from server.api.schemas import SearchParams
from server.errors import InvalidCursor
from server.search.query import Query, Sort
from server.search.service import ResultPage, SearchService
from server.storefront.address import Chip, Search
from server.storefront.query_picture import QueryPicture

# Beyond so many filters the proposals of an empty page stop being counted.
MOST_PROPOSALS = 6


@dataclass(frozen=True)
class Proposal:
    """A filter whose removal brings products, and how many."""

    chip: Chip
    total: int
    total_is_exact: bool


@dataclass(frozen=True)
class Results:
    """What the search page shows. `turned_back`: the page asked for is gone, and this is the first one."""

    page: ResultPage
    first: int
    last: int
    chips: list[Chip]
    proposals: list[Proposal]
    has_query: bool
    is_reordered: bool
    catalogue_is_empty: bool
    turned_back: bool
    next_url: str | None

    @property
    def milliseconds(self) -> str:
        """How long it took, as a subtle line tells it."""
        total = self.page.timing.total_ms
        return "under 1" if total < 1 else f"{total:,.0f}"


def find(service: SearchService, search: Search, params: SearchParams, picture: QueryPicture | None) -> Results:
    """Run a search. `params` are those of `search`, which are valid."""
    query = params.to_query()
    turned_back = False
    try:
        page = _ask(service, params, picture, query)
    except InvalidCursor:
        # A link kept for long, or one whose words were changed by hand: a shopper wants products, not an error.
        page = _ask(service, params, picture, replace(query, cursor=None))
        turned_back = True
        search = replace(search, seen=0)
    chips = search.chips(page.currency)
    has_query = picture is not None or bool(params.q)
    return Results(
        page=page,
        first=search.seen + 1,
        last=search.seen + len(page.hits),
        chips=chips,
        proposals=[] if page.hits else _proposals(service, params, picture, chips),
        has_query=has_query,
        is_reordered=has_query and query.sort is not Sort.RELEVANCE,
        catalogue_is_empty=page.total == 0 and not search.is_filtered,
        turned_back=turned_back,
        next_url=None if page.next_cursor is None else search.next_url(page.next_cursor, len(page.hits)),
    )


def _ask(service: SearchService, params: SearchParams, picture: QueryPicture | None, query: Query) -> ResultPage:
    return service.by_text(params.q, query) if picture is None else service.by_image(picture.image, query)


def _proposals(
    service: SearchService, params: SearchParams, picture: QueryPicture | None, chips: list[Chip]
) -> list[Proposal]:
    """Which one of the filters to give up, those that bring most first."""
    found = []
    for chip in chips[:MOST_PROPOSALS]:
        update = {name: [] if name == "brand" and value is None else value for name, value in chip.changes.items()}
        update["in_stock"] = params.in_stock and "in_stock" not in chip.changes
        relaxed = params.model_copy(update={**update, "cursor": None, "limit": 1})
        page = _ask(service, params, picture, relaxed.to_query())
        if page.total:
            found.append(Proposal(chip, page.total, page.total_is_exact))
    return sorted(found, key=lambda proposal: -proposal.total)
