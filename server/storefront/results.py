"""One page of results with its chips and filters, and what to propose where there are none."""

from dataclasses import dataclass, replace

from server.errors import InvalidCursor
from server.search.plan import Path
from server.search.query import Facet, Query, Sort
from server.search.service import ResultPage
from server.storefront.address import Search
from server.storefront.chips import Chip, chips_of, clear_url
from server.storefront.counted import counted_panel
from server.storefront.inquiry import Inquiry
from server.storefront.nothing import Nothing, nothing_found
from server.storefront.panel import Panel


@dataclass(frozen=True)
class Spelling:
    """What was searched for in place of what was typed, and where the page for what was typed is."""

    searched: str
    typed: str
    url: str


@dataclass(frozen=True)
class Results:
    """What the search page shows.

    clear_url: the page without any of the chips. turned_back: the page asked for is gone, and this is the first one.
    all_url: at the end of what is relevant, the page with the rest. panel: None of a part of a page. nothing: where
    there are no products.
    """

    page: ResultPage
    first: int
    last: int
    chips: list[Chip]
    clear_url: str
    has_query: bool
    is_reordered: bool
    turned_back: bool
    next_url: str | None
    all_url: str | None
    spelling: Spelling | None
    catalogue_is_empty: bool = False
    panel: Panel | None = None
    nothing: Nothing | None = None

    @property
    def milliseconds(self) -> str:
        """How long it took, as a subtle line tells it."""
        total = self.page.timing.total_ms
        return "under 1" if total < 1 else f"{total:,.0f}"

    @property
    def count(self) -> str:
        """How many products there are: 317, or 1,000+ where only the best were looked at."""
        total = max(self.page.total, self.last)
        if self.page.total_is_exact:
            return f"{total:,}"
        return f"{max(total - total % 100, self.last):,}+"


def find(inquiry: Inquiry) -> Results:
    """Run a search. A part of a page comes without filters."""
    search, facets = inquiry.search, () if inquiry.search.is_part else tuple(Facet)
    turned_back = False
    try:
        page = inquiry.ask(facets)
    except InvalidCursor:
        # A link kept for long, or one whose words were changed by hand: a shopper wants products, not an error.
        page = inquiry.ask(facets, cursor=None)
        turned_back = True
        search = replace(search, seen=0)
    has_query = inquiry.subject.is_given or page.plan.path is not Path.BROWSE
    is_end = page.next_cursor is None and has_query and not search.shows_all
    results = Results(
        page=page,
        first=search.seen + 1,
        last=search.seen + len(page.hits),
        chips=chips_of(search, inquiry.params, page.understanding, page.currency),
        clear_url=clear_url(search, page.understanding),
        has_query=has_query,
        is_reordered=has_query and inquiry.params.sort is not Sort.RELEVANCE,
        turned_back=turned_back,
        next_url=None if page.next_cursor is None else search.next_url(page.next_cursor, len(page.hits)),
        all_url=search.url(all=1) if is_end else None,
        spelling=_spelling(search, page),
    )
    return results if search.is_part else _completed(inquiry, results)


def _completed(inquiry: Inquiry, results: Results) -> Results:
    """With filters, and a way out where there are no products."""
    page, has_query = results.page, results.has_query
    if page.total == 0 and not results.chips and inquiry.service.by_text("", Query(limit=1)).total == 0:
        return replace(results, catalogue_is_empty=True)
    nothing = None if page.hits else nothing_found(inquiry, page, results.chips, has_query)
    return replace(results, panel=counted_panel(inquiry, page, has_query), nothing=nothing)


def _spelling(search: Search, page: ResultPage) -> Spelling | None:
    told = page.understanding
    if told is None or not told.corrections:
        return None
    return Spelling(told.words, told.typed.words, search.url(verbatim="true"))
