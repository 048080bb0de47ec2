"""What to do about a result without products."""

from dataclasses import dataclass, field

from server.search.service import ResultPage
from server.search.typed import Kind
from server.storefront.chips import Chip
from server.storefront.inquiry import Inquiry

# Beyond so many filters the proposals stop being counted.
MOST_PROPOSALS = 6


@dataclass(frozen=True)
class Proposal:
    """A filter whose removal brings products, and how many."""

    chip: Chip
    total: int
    total_is_exact: bool


@dataclass(frozen=True)
class Unknown:
    """A brand or category that was typed and that the shop does not have. url: the same as plain words."""

    kind: str
    name: str
    url: str


@dataclass(frozen=True)
class Nothing:
    """further: products that pass the filters, and have little to do with what was asked."""

    further: int = 0
    further_is_exact: bool = True
    proposals: list[Proposal] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)


def nothing_found(inquiry: Inquiry, page: ResultPage, chips: list[Chip], has_query: bool) -> Nothing:
    """Why nothing was found, and the ways out."""
    proposals, unknown = _proposals(inquiry, chips), _unknown(inquiry, page)
    if not has_query or inquiry.search.shows_all:
        return Nothing(proposals=proposals, unknown=unknown)
    others = inquiry.relaxed(inquiry.params).ask(relevant_only=False)
    return Nothing(others.total, others.total_is_exact, proposals, unknown)


def _proposals(inquiry: Inquiry, chips: list[Chip]) -> list[Proposal]:
    """Which one of the filters to give up, those that bring most first."""
    found = []
    for chip in chips[:MOST_PROPOSALS]:
        page = inquiry.relaxed(chip.without(inquiry.params)).ask()
        if page.total:
            found.append(Proposal(chip, page.total, page.total_is_exact))
    return sorted(found, key=lambda proposal: -proposal.total)


def _unknown(inquiry: Inquiry, page: ResultPage) -> list[Unknown]:
    told, facts = page.understanding, inquiry.service.facts
    if told is None:
        return []
    brands = {brand.casefold() for brand, _ in facts.brands()}
    paths = {path.casefold() for path, _ in facts.categories()}
    found = []
    for part in told.typed.understood:
        name = part.label.partition(" ")[2]
        plain = inquiry.search.url(q=f"{told.typed.without(part)} {name}".strip())
        if part.kind is Kind.BRAND and name.casefold() not in brands:
            found.append(Unknown("brand", name, plain))
        if part.kind is Kind.CATEGORY and facts.category_named(name).casefold() not in paths:
            found.append(Unknown("category", name, plain))
    return found
