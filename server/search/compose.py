"""The vector of a query of several parts: `this product, but blue, without laces`.

Each part is a unit vector v_i by one of the towers, with a weight w_i. The two towers' embeddings lie in two cones
whose means m_text and m_image are far apart, so what a part says is its difference from the mean of its kind:

    query = normalise(m + sum_i w_i (v_i - m_kind(i)))

where m is the mean of the kinds of the parts with positive weight, each counted by its weight. A single part of weight
1 gives its own vector. A part of negative weight moves the query away from what it says. Without known means they are
0, and the query is the weighted sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from server.embedding.encoder import Vector
from server.embedding.manifest import Calibration
from server.errors import InvalidInput
from server.search.typed import Typed

# "This one, but blue" is the product, the words, and the words said of the product's kind ("blue Shirts"), which keeps
# the kind; where no kind is known, the words count more instead. docs/benchmarks.md has what that finds.
OF_ITS_KIND = 1.0
WITHOUT_A_KIND = 1.5
# How strongly `-stripes` leads away from stripes, in parts of what `stripes` would lead to them.
AWAY = 0.5


class Kind(StrEnum):
    TEXT = "text"
    IMAGE = "image"


@dataclass(frozen=True)
class Part:
    """A unit vector, by which tower, and how much it counts (below 0: away from it)."""

    vector: Vector
    kind: Kind
    weight: float


def compose(parts: Sequence[Part], calibration: Calibration | None) -> Vector:
    """The unit vector of a query. Raises InvalidInput where nothing is left to search for."""
    positive = sum(part.weight for part in parts if part.weight > 0)
    if positive <= 0:
        raise InvalidInput("A search needs at least one part of positive weight: it has to be near to something.")
    if len(parts) == 1:
        return parts[0].vector
    means = _means(parts[0].vector.shape, calibration)
    total = sum((means[part.kind] * (part.weight / positive) for part in parts if part.weight > 0), np.zeros(1))
    for part in parts:
        total = total + part.weight * (part.vector - means[part.kind])
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        raise InvalidInput("The parts of this search cancel each other out.")
    return np.asarray(total / length, dtype=np.float32)


def _means(shape: tuple[int, ...], calibration: Calibration | None) -> dict[Kind, Vector]:
    if calibration is None:
        return dict.fromkeys(Kind, np.zeros(shape, np.float32))
    return {
        Kind.TEXT: np.asarray(calibration.text_mean, np.float32),
        Kind.IMAGE: np.asarray(calibration.image_mean, np.float32),
    }


@dataclass(frozen=True)
class WeightedText:
    """Words to embed, and how much they count."""

    words: str
    weight: float


def texts_of(typed: Typed, words: str) -> list[WeightedText]:
    """The parts of what was typed: all its words, more of those with a weight, away from those with a minus.

    words: the positive words, as corrected; without any, what is left leads away from something alone.
    """
    found = [WeightedText(words, 1.0)] if words else []
    for term in typed.terms:
        if term.negative:
            found.append(WeightedText(term.text, -AWAY))
        elif term.weight != 1.0:
            found.append(WeightedText(term.text, term.weight - 1.0))
    return found


def texts_beside_a_product(typed: Typed, words: str, kind: str | None) -> list[WeightedText]:
    """The same where the words say in what others are to differ from a product. kind: what it is a kind of."""
    found = texts_of(typed, words)
    if not words:
        return found
    if not kind:
        return [WeightedText(words, WITHOUT_A_KIND), *found[1:]]
    return [*found, WeightedText(f"{words} {kind}", OF_ITS_KIND)]
