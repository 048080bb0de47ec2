"""A small catalogue that every model is measured on: drawn pictures, each with captions that say what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from server.demo import DrawnProduct, Truth, draw_catalogue
from server.embedding.clip import ClipEncoder
from server.embedding.encoder import Vectors

# Neither the demo shop's seed nor one that the bundled model was trained on.
SEED = 6_200_000
COUNT = 256
DRAWN_AT = 256  # pixels; towers take 224 to 384, and drawings have no detail below that
_CHUNK = 16
TOP = 10


@dataclass(frozen=True)
class CalibrationSet:
    """captions[i] is right for those pictures where right[i] is true: (captions, pictures)."""

    products: tuple[DrawnProduct, ...]
    captions: tuple[str, ...]
    right: NDArray[np.bool_]

    @property
    def chance(self) -> float:
        """Recall@10 of a model that ranks at random."""
        return float(np.minimum(1.0, TOP * self.right.sum(axis=1) / self.right.shape[1]).mean())

    @cached_property
    def pictures(self) -> list[Image.Image]:
        """The products' pictures, drawn on first use (a few seconds)."""
        return [product.draw(DRAWN_AT) for product in self.products]


@dataclass(frozen=True)
class Embedded:
    """What a model says of the set: (captions, dimension) and (pictures, dimension) unit rows."""

    texts: Vectors
    pictures: Vectors


def draw_set(count: int = COUNT) -> CalibrationSet:
    """The first `count` products of the catalogue SEED, with a long and a short caption for what each shows."""
    products = tuple(draw_catalogue(count, SEED))
    truths = [product.truth for product in products]
    rows: dict[str, list[bool]] = {}
    for truth in truths:
        rows.setdefault(_long(truth), [other == truth for other in truths])
        rows.setdefault(_short(truth), [_short(other) == _short(truth) for other in truths])
    return CalibrationSet(products, tuple(rows), np.array(list(rows.values())))


def embed_pictures(encoder: ClipEncoder, pictures: Sequence[Image.Image]) -> Vectors:
    """Pictures -> (n, dimension) unit rows, in chunks that fit any memory. Raises ModelError."""
    starts = range(0, len(pictures), _CHUNK)
    chunks = [[encoder.prepare(image) for image in pictures[start : start + _CHUNK]] for start in starts]
    return np.concatenate([encoder.embed_pixels(chunk) for chunk in chunks])


def recall(embedded: Embedded, right: NDArray[np.bool_]) -> float:
    """Share of captions with a right picture among their ten nearest."""
    return float(np.take_along_axis(right, nearest(embedded), axis=1).any(axis=1).mean())


def agreement(left: Embedded, right: Embedded) -> float:
    """Mean share of the ten nearest pictures that two models have in common, over all captions."""
    shared = [len(set(a) & set(b)) for a, b in zip(nearest(left).tolist(), nearest(right).tolist(), strict=True)]
    return float(np.mean(shared)) / TOP


def nearest(embedded: Embedded) -> NDArray[np.intp]:
    """(captions, 10) places of the nearest pictures, the nearest first."""
    places: NDArray[np.intp] = np.argsort(-(embedded.texts @ embedded.pictures.T), axis=1, kind="stable")[:, :TOP]
    return places


def _long(truth: Truth) -> str:
    details = f" with {' and '.join(truth.details)}" if truth.details else ""
    pattern = "" if truth.pattern == "plain" else f"{truth.pattern} "
    return f"a picture of a {truth.colour} {pattern}{truth.kind}{details}"


def _short(truth: Truth) -> str:
    return f"{truth.colour} {truth.kind}"
