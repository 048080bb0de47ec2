"""The score of a hit: how unusual its look is for this query, how much of the words it has, and the rules.

    score = z + text_weight * text + rule

z is the query's cosine similarity to the product in standard deviations above its mean over the catalogue; the mean and
the deviation come from the basis (server/search/basis.py). text is 0 to 1, and text_weight is what the query's words
tell (server/search/text_query.py). Nothing in it
depends on which other products were found, so a product that comes or goes moves no other one, and a cursor can go on
behind a score. A fusion of ranks (Cormack, Clarke, Buettcher 2009) cannot do that.

Relevant is what has all the words or is named by a rule, and what scores at least `cutoff`: SHARE of the best look's z,
and FLOOR in any case. The first page computes it, later ones are told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from server.embedding.encoder import Vector
from server.search.basis import Basis
from server.search.hits import Candidate, Parts
from server.search.text_query import NO_WORDS, Worded

# What scores less than this share of the best z is another kind of thing. docs/benchmarks.md has what that keeps.
SHARE = 0.7
# Hardly anything that is meant lies below, and of what the shop does not sell nearly all does.
FLOOR = 3.0
# In fewer products the best need not stand out from the mean: nothing is cut.
FEWEST_TO_CUT = 200
# A query that is a whole SKU, title or brand.
RULES = {"sku": 1000.0, "title": 100.0, "brand": 10.0}
# What is worth more than any boost was pinned.
MOST_POINTS = 10.0
# For a catalogue too small to have a spread: about what similarities of text and picture differ by.
DEFAULT_SPREAD = (0.0, 0.05)


class Scored(NamedTuple):
    """A candidate with its score. `order` is less where it is better: the distance where that alone ranks.

    has_all: all the words that were asked. is_named: by the query as a whole, or by whoever pinned it. found: the score
    without rules that only move: what is boosted or buried is as relevant as before.
    """

    candidate: Candidate
    parts: Parts
    order: float
    has_all: bool = False
    is_named: bool = False

    @property
    def found(self) -> float:
        return self.parts.score - self.parts.rule

    @property
    def key(self) -> tuple[float, str]:
        """The best comes first, and equals stand in SKU order."""
        return (self.order, self.candidate.sku)


@dataclass(frozen=True)
class Scale:
    """What a similarity is measured against: its mean and deviation over the catalogue."""

    mean: float
    deviation: float

    def z(self, similarity: float) -> float:
        return (similarity - self.mean) / self.deviation


def scale_of(basis: Basis | None, vector: Vector) -> Scale:
    """The scale of a query's similarities."""
    return Scale(*(DEFAULT_SPREAD if basis is None else basis.spread(vector)))


def score(
    candidates: Iterable[Candidate],
    scale: Scale | None,
    texts: Mapping[str, Worded],
    rules: Mapping[str, tuple[str, ...]],
    text_weight: float = 0.0,
    bonuses: Mapping[str, float] | None = None,
    by_distance: bool = False,
) -> list[Scored]:
    """Best first. `texts` and `rules`: of the SKUs that have any. bonuses: what each rule is worth, by its name; RULES.

    by_distance: nothing but the vector ranks.
    """
    worth = RULES if bonuses is None else bonuses
    scored = []
    for candidate in candidates:
        similarity = None if candidate.distance is None else 1.0 - candidate.distance
        z = None if similarity is None or scale is None else scale.z(similarity)
        (text, has_all), named = texts.get(candidate.sku, NO_WORDS), rules.get(candidate.sku, ())
        rule = sum(worth[name] for name in named)
        total = (z or 0.0) + text_weight * text + rule
        order = candidate.distance if by_distance and candidate.distance is not None else -total
        parts = Parts(similarity, z, text, rule, named, total, text_weight)
        is_named = any(name in RULES or worth[name] > MOST_POINTS for name in named)
        scored.append(Scored(candidate, parts, order, has_all, is_named))
    scored.sort(key=lambda one: one.key)
    return scored


def cutoff_of(scored: Iterable[Scored], products: int) -> float | None:
    """What a relevant product scores at least; None where nothing is to be cut: no look ranks, or too few products."""
    looks = [one.parts.z for one in scored if one.parts.z is not None]
    if not looks or products < FEWEST_TO_CUT:
        return None
    return max(FLOOR, SHARE * max(looks))


def relevant(scored: Iterable[Scored], cutoff: float | None) -> list[Scored]:
    """What is not cut, in the same order."""
    return [one for one in scored if cutoff is None or one.has_all or one.is_named or one.found >= cutoff]


def one_of_each_group(scored: Iterable[Scored]) -> Iterable[Scored]:
    """The first of each item_group, and what has none."""
    seen = set()
    for one in scored:
        group = one.candidate.item_group
        if group is None or group not in seen:
            yield one
        if group is not None:
            seen.add(group)


def others_of_groups(found: Iterable[Scored], scored: Iterable[Scored]) -> Iterable[Scored]:
    """What of `found` is left out of `scored` because another of its group stands there."""
    shown = {one.candidate.sku for one in scored}
    groups = {one.candidate.item_group for one in scored} - {None}
    return (one for one in found if one.candidate.item_group in groups and one.candidate.sku not in shown)
