"""The score of a hit: how unusual its look is for this query, how much of the words it has, and the rules.

    score = z + TEXT_WEIGHT * text + rule

z is the query's cosine similarity to the product in standard deviations above its mean over the catalogue; the mean and
the deviation come from the basis (server/search/basis.py). text is 0 to 1 (server/search/text_query.py). Nothing in it
depends on which other products were found, so a product that comes or goes moves no other one, and a cursor can go on
behind a score. A fusion of ranks (Cormack, Clarke, Buettcher 2009) cannot do that.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from server.embedding.encoder import Vector
from server.search.basis import Basis
from server.search.candidates import Candidate, Parts

# A product with all the words lies before one without by as much as so many deviations; docs/benchmarks.md has the fit.
TEXT_WEIGHT = 3.0
# Products whose score is below are not relevant; docs/benchmarks.md has what it keeps and loses.
CUTOFF = 2.0
# A query that is a whole SKU, title or brand.
RULES = {"sku": 1000.0, "title": 100.0, "brand": 10.0}
# For a catalogue too small to have a spread: about what similarities of text and picture differ by.
DEFAULT_SPREAD = (0.0, 0.05)


@dataclass(frozen=True)
class Scored:
    """A candidate with its score. `order` is less where it is better: the distance where that alone ranks."""

    candidate: Candidate
    parts: Parts
    order: float

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
    texts: Mapping[str, float],
    rules: Mapping[str, tuple[str, ...]],
    by_distance: bool = False,
) -> list[Scored]:
    """Best first. `texts` and `rules`: of the SKUs that have any. by_distance: nothing but the vector ranks."""
    scored = []
    for candidate in candidates:
        similarity = None if candidate.distance is None else 1.0 - candidate.distance
        z = None if similarity is None or scale is None else scale.z(similarity)
        text, named = texts.get(candidate.sku, 0.0), rules.get(candidate.sku, ())
        rule = sum(RULES[name] for name in named)
        total = (z or 0.0) + TEXT_WEIGHT * text + rule
        order = candidate.distance if by_distance and candidate.distance is not None else -total
        scored.append(Scored(candidate, Parts(similarity, z, text, rule, named, total), order))
    scored.sort(key=lambda one: one.key)
    return scored


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
