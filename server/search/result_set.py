"""The one result that hits, total, facets, other orders and pages all come from: at most MOST products.

The first page decides what belongs to it (`Decided`), and the cursor carries that along. From then on whether a
product belongs to the result, and where it stands, depends on that product alone: what is inserted, changed or deleted
meanwhile moves no other one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from server.search import plan as planning
from server.search.candidates import Bounds, Ranker
from server.search.hits import Candidate
from server.search.merchandising.applying import Names, apply_rules
from server.search.merchandising.rules import Applied
from server.search.ordering import restored, sort_key, stored
from server.search.plan import Path, Plan, Size
from server.search.query import Mode, Query, Sort, Views
from server.search.scoring import (
    RULES,
    Scale,
    Scored,
    cutoff_of,
    one_of_each_group,
    others_of_groups,
    relevant,
    scale_of,
    score,
)
from server.search.statements import SQL, with_words
from server.search.text_query import TextQuery, Worded
from server.search.transaction import Wanted, measure
from server.search.views import ViewRanker, by_nearest_view

# Words are given up one by one until so many products have the rest, or half of the words are left.
ENOUGH_BY_WORDS = 10
_GO_ON = "a later page is found as the first one was"


@dataclass(frozen=True)
class Asked:
    """What is searched for: where to, by which words, and by what whole names."""

    wanted: Wanted
    text: TextQuery = field(default_factory=TextQuery)
    whole: str = ""  # what was typed, where it may be a SKU or a title
    brand: str | None = None  # the brand that was typed, where nothing else was
    applied: tuple[Applied, ...] = ()  # rules that somebody made for this query


@dataclass(frozen=True)
class Decided:
    """What the first page decided. JSON values alone: a cursor carries it.

    whole: the first page looked at all of the result, not at its beginning alone. path, size, bounds: of the nearest by
    vector. also: a tsquery of the products that are ranked by words; text_path, text_size, text_bounds are theirs.
    view_bounds: of further pictures.
    scale: mean and deviation. cutoff: what a relevant product scores at least, where only those were asked for. end:
    the sort key of the last product of a result that was cut, None where it was not. applied: rules of this query, to
    the end of a walk though somebody changes them.
    """

    whole: bool = True
    path: Path = Path.BROWSE
    size: Size = field(default_factory=lambda: Size(0, 0, True))
    bounds: Bounds = field(default_factory=Bounds)
    also: str | None = None
    text_path: Path = Path.TEXT
    text_size: Size = field(default_factory=lambda: Size(0, 0, True))
    text_bounds: Bounds = field(default_factory=Bounds)
    view_bounds: Bounds = field(default_factory=Bounds)
    scale: tuple[float, float] | None = None
    cutoff: float | None = None
    end: list[Any] | None = None
    applied: tuple[Applied, ...] = ()


@dataclass(frozen=True)
class ResultSet:
    """The result in the order that was asked for. is_cut: there were more than MOST.

    variants: the products that others of their group stand for.
    """

    scored: list[Scored]
    plan: Plan
    decided: Decided
    is_cut: bool
    variants: list[Scored] = field(default_factory=list)


class Builder:
    """Builds the result of one search, in its transaction. decided: by the first page, None on it."""

    def __init__(self, ranker: Ranker, query: Query, asked: Asked, decided: Decided | None) -> None:
        self.ranker = ranker
        self.query = query
        self.asked = asked
        # A page that looked at the beginning alone decided nothing.
        self.before = decided if decided is not None and decided.whole else None
        self.decided = self.before or Decided(applied=asked.applied)

    def build(self) -> ResultSet:
        """All of the result."""
        wanted, mode = self.asked.wanted, self.query.mode
        # Words that no product has may still be a SKU.
        by_text = bool(self.asked.text.groups or self.asked.whole) and mode is not Mode.VECTOR
        if mode is Mode.TEXT and by_text:
            return self._finish(*self._by_text())
        if wanted.vector is not None:
            return self._finish(*(self._hybrid() if by_text else self._by_vector()))
        return self._browse()

    # -- what ranks --------------------------------------------------------------------------------------------

    def _by_vector(self) -> tuple[list[Scored], Plan, bool]:
        candidates, plan, cut = self._nearest()
        found = {candidate.sku: candidate for candidate in candidates}
        views_cut = self._look_at_all_pictures(found)
        scored = score(found.values(), self._scale(), {}, {}, by_distance=True)
        return scored, plan, cut or views_cut

    def _hybrid(self) -> tuple[list[Scored], Plan, bool]:
        nearest, plan, cut = self._nearest()
        found = {candidate.sku: candidate for candidate in nearest}
        by_words, words_cut = self._nearest_with_words()
        found.update((candidate.sku, candidate) for candidate in by_words)
        views_cut = self._look_at_all_pictures(found)
        texts = self._text_scores([candidate.sku for candidate in by_words])
        rules, bonuses = self._rules(found)
        scored = score(found.values(), self._scale(), texts, rules, self.asked.text.weight, bonuses)
        return scored, plan, cut or words_cut or views_cut

    def _by_text(self) -> tuple[list[Scored], Plan, bool]:
        wanted = replace(self.asked.wanted, vector=None)
        also, size = self._tier()
        skus: list[str] = []
        # Words that say too little to be a group may still have to stand there, or must not.
        only_conditions = not self.asked.text.groups and wanted.asks_words
        if only_conditions and self.before is None:
            size = measure(self.ranker.begun, wanted)
        if also is not None or only_conditions:
            bounds = self.decided.text_bounds
            limit = planning.MOST * 2 if bounds.is_set else planning.MOST
            parameters = {
                **replace(wanted, also=also).parameters(),
                "limit": limit,
                "bound": bounds.distance,
                "bound_sku": bounds.sku,
            }
            rows = self._execute("matching", parameters)
            skus = [sku for sku, _ in rows]
            if not bounds.is_set and len(rows) == limit:
                self._decide(text_bounds=Bounds(float(rows[-1][1]), rows[-1][0]))
        texts = self._text_scores(skus)
        found = {candidate.sku: candidate for candidate in self.ranker.given(wanted, skus)}
        rules, bonuses = self._rules(found)
        plan = Plan(Path.TEXT, f"{_told(size)} products have the words", size.matching)
        scored = score(found.values(), None, texts, rules, self.asked.text.weight, bonuses)
        return scored, plan, self.decided.text_bounds.is_set

    def _browse(self) -> ResultSet:
        order = Sort.NEWEST if self.query.sort is Sort.RELEVANCE else self.query.sort
        limit = planning.MOST if self.before is None else planning.MOST * 2
        parameters = {
            **self.asked.wanted.parameters(),
            "limit": limit + 1,
            "shop_currency": self.query.shop_currency,
        }
        name = with_words(f"browse_{order}", self.asked.wanted.asks_words)
        rows = [Candidate._make(row) for row in self._execute(name, parameters)]
        scored = score(rows, None, {}, {})
        plan = Plan(Path.BROWSE, "no words and no picture to rank by", min(len(rows), planning.MOST))
        return self._finish(scored, plan, len(rows) > planning.MOST and self.before is None)

    # -- parts -------------------------------------------------------------------------------------------------

    def _nearest(self) -> tuple[list[Candidate], Plan, bool]:
        wanted, before = self.asked.wanted, self.before
        if before is None:
            ranked = self.ranker.nearest(wanted, planning.MOST)
            self._decide(path=ranked.plan.path, size=ranked.size, bounds=ranked.bounds)
        else:
            plan = Plan(before.path, _GO_ON, before.size.matching)
            ranked = self.ranker.nearest(wanted, planning.MOST, bounds=before.bounds, planned=(plan, before.size))
        return ranked.candidates, ranked.plan, ranked.bounds.is_set and self._is_more(ranked.size)

    def _look_at_all_pictures(self, found: dict[str, Candidate]) -> bool:
        """Where that is asked for: add what further pictures find, and place each product by its nearest one.

        Whether more are near.
        """
        if self.query.views is Views.FIRST:
            return False
        wanted = self.asked.wanted
        views = ViewRanker(self.ranker, wanted)
        before = None if self.before is None else self.before.view_bounds
        bounds = by_nearest_view(views, self.ranker, wanted, found, before)
        self._decide(view_bounds=bounds)
        return bounds.is_set

    @staticmethod
    def _is_more(size: Size) -> bool:
        return not size.is_exact or size.matching > planning.MOST

    def _nearest_with_words(self) -> tuple[list[Candidate], bool]:
        also, size = self._tier()
        if also is None:
            return [], False
        wanted = replace(self.asked.wanted, also=also)
        planned = None
        if self.before is not None:
            planned = (Plan(self.before.text_path, _GO_ON), size)
        ranked = self.ranker.nearest(wanted, planning.MOST, bounds=self.decided.text_bounds, planned=planned)
        if self.before is None:
            self._decide(text_path=ranked.plan.path, text_bounds=ranked.bounds, text_size=ranked.size)
        return ranked.candidates, ranked.bounds.is_set and self._is_more(ranked.size)

    def _tier(self) -> tuple[str | None, Size]:
        """Which products are ranked by words: those with all of them; else with all but one, and so on."""
        if self.before is not None:
            return self.before.also, self.before.text_size
        text, best = self.asked.text, None
        size = Size(0, 0, True)
        for number in range(text.size, max(1, (text.size + 1) // 2) - 1, -1):
            also = text.at_least(number)
            found = measure(self.ranker.begun, replace(self.asked.wanted, also=also))
            if best is not None and not found.is_exact:
                break
            if found.matching:
                best, size = also, found
            if found.matching >= ENOUGH_BY_WORDS:
                break
        self._decide(also=best, text_size=size)
        return best, size

    def _text_scores(self, skus: Sequence[str]) -> dict[str, Worded]:
        if not skus or not self.asked.text.groups:
            return {}
        text = self.asked.text
        parameters = {
            "skus": list(skus),
            "strong": [group.strong for group in text.groups],
            "named": [group.named for group in text.groups],
            "weak": [group.weak for group in text.groups],
        }
        return {sku: text.worded(found, words) for sku, words, found in self._execute("coverage", parameters)}

    def _rules(self, found: dict[str, Candidate]) -> tuple[Names, Mapping[str, float]]:
        """Names of the rules of each product, and what each name is worth.

        Products that neither look nor words found are added where the query names them or somebody pinned them.
        """
        names = self._named(found)
        held, bonuses = apply_rules(self.ranker, self.asked.wanted, self.decided.applied, found)
        for sku, some in held.items():
            names[sku] = (*names.get(sku, ()), *some)
        return names, {**RULES, **bonuses}

    def _named(self, found: dict[str, Candidate]) -> Names:
        """Which products the query names as a whole."""
        whole = self.asked.whole.strip()
        if not whole or len(whole) > 500:
            return {}
        wanted = self.asked.wanted
        parameters = {
            **wanted.parameters(),
            "skus": [whole, whole.upper()],
            "title": whole,
            "limit": planning.MOST,
        }
        named = {sku: "sku" if by_sku else "title" for sku, by_sku in self._execute("exactly", parameters)}
        missing = [sku for sku in named if sku not in found]
        brand, chosen = self.asked.brand, wanted.filters.brands
        if brand is not None and wanted.vector is not None and (not chosen or brand in chosen):
            of_brand = replace(wanted, filters=replace(wanted.filters, brands=(brand,)))
            for candidate in self.ranker.nearest(of_brand, planning.MOST).candidates:
                found.setdefault(candidate.sku, candidate)
                named.setdefault(candidate.sku, "brand")
        if missing:
            found.update((candidate.sku, candidate) for candidate in self.ranker.given(wanted, missing))
        return {sku: (name,) for sku, name in named.items()}

    def _scale(self) -> Scale:
        if self.decided.scale is None:
            vector = self.asked.wanted.vector
            assert vector is not None  # noqa: S101  (asked by those who have one)
            scale = scale_of(self.ranker.basis, vector)
            self._decide(scale=(scale.mean, scale.deviation))
            return scale
        return Scale(*self.decided.scale)

    def _execute(self, name: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        cursor = self.ranker.begun.connection.cursor(binary=True)
        return cursor.execute(SQL[name], parameters, prepare=True).fetchall()

    def _decide(self, **what: Any) -> None:
        self.decided = replace(self.decided, **what)

    # -- cut and order -----------------------------------------------------------------------------------------

    def _finish(self, scored: list[Scored], plan: Plan, is_cut: bool) -> ResultSet:
        """Leave out what is not relevant or a variant of another, cut at MOST, and bring into the order asked for."""
        is_ranked = plan.path is not Path.BROWSE
        if self.query.relevant_only and is_ranked:
            if self.before is None:
                basis = self.ranker.basis
                self._decide(cutoff=cutoff_of(scored, 0 if basis is None else basis.products))
            scored = relevant(scored, self.decided.cutoff)
        relevance = replace(self.query, sort=Sort.RELEVANCE) if is_ranked else self.query
        scored = sorted(scored, key=lambda one: sort_key(relevance, one, is_ranked))
        # Variants that are left out make room, but what was cut off before them stays out.
        is_full = len(scored) >= planning.MOST
        found = scored
        if self.query.collapse:
            scored = list(one_of_each_group(scored))
        if self.before is not None:
            end = self.before.end
            if end is not None:
                scored = [one for one in scored if sort_key(relevance, one, is_ranked) <= restored(end)]
            is_cut = end is not None
        elif is_cut or len(scored) > planning.MOST:
            is_cut = is_full
            scored = scored[: planning.MOST]
            if is_cut:
                self._decide(end=stored(sort_key(relevance, scored[-1], is_ranked)))
        if relevance is not self.query:
            scored = sorted(scored, key=lambda one: sort_key(self.query, one, is_ranked))
        variants = list(others_of_groups(found, scored)) if self.query.collapse and self.query.facets else []
        return ResultSet(scored, plan, self.decided, is_cut, variants)


def _told(size: Size) -> str:
    return f"{size.matching:,}" if size.is_exact else f"about {size.matching:,}"
