"""Measures of a text-to-image model on labelled pictures, and what guessing would reach on the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import Product
from server.embedding.encoder import Vector, Vectors

# Rows of scores in memory at a time: 64 against 40,000 pictures are 10 MB.
CHUNK = 64
DEPTH = 10

# How a name is put into words. Each candidate is the mean of its templates' unit vectors, as is usual with CLIP.
TEMPLATES = ("{}", "a photo of {}", "{} for sale")


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    asked: queries or pictures that were judged; candidates: pictures or names to choose from; chance: what a random
    order or choice is expected to reach; largest_class: what answering the most frequent name always would reach, None
    for a retrieval.
    """

    measure: str
    value: float
    asked: int
    candidates: int
    chance: float
    largest_class: float | None = None


EmbedText = Callable[[str], Vector]


def first_right(queries: Vectors, pictures: Vectors, right: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Rank (from 1) of each query's first right picture: (queries,). right[q]: rows of its right pictures.

    Wrong pictures that score the same stand before it, so a model that gives one vector to everything gains nothing.
    """
    ranks = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), CHUNK):
        scores = queries[start : start + CHUNK] @ pictures.T
        for row, line in enumerate(scores, start):
            own = line[right[row]]
            best = own.max()
            ranks[row] = 1 + np.count_nonzero(line >= best) - np.count_nonzero(own >= best)
    return ranks


def chance_of_ranks(right: Sequence[int], pictures: int) -> tuple[float, float, float]:
    """Expected (R@1, R@DEPTH, MRR) of a random order of `pictures`, of which right[q] are right for query q."""
    totals = np.zeros(3)
    for count, queries in Counter(right).items():
        places = np.arange(pictures, dtype=np.float64)
        # later[k]: that none of the first k is right.
        later = np.concatenate([[1.0], np.cumprod(np.maximum(pictures - count - places, 0) / (pictures - places))])
        reciprocal = float(((later[:-1] - later[1:]) / (places + 1)).sum())
        totals += queries * np.array([1 - later[1], 1 - later[min(DEPTH, pictures)], reciprocal])
    first, tenth, mrr = totals / len(right)
    return float(first), float(tenth), float(mrr)


def score_titles(embed_text: EmbedText, products: Sequence[Product], pictures: Vectors) -> list[Figure]:
    """R@1, R@10 and MRR: every distinct title once as a query, against all pictures."""
    rows: dict[str, list[int]] = {}
    for row, product in enumerate(products):
        if product.title is not None:
            rows.setdefault(product.title, []).append(row)
    if not rows:
        return []
    ranks = first_right(
        np.stack([embed_text(title) for title in rows]), pictures, [np.array(places) for places in rows.values()]
    )
    values = ((ranks <= 1).mean(), (ranks <= DEPTH).mean(), (1 / ranks).mean())
    chances = chance_of_ranks([len(places) for places in rows.values()], len(products))
    names = ("title, R@1", f"title, R@{DEPTH}", "title, MRR")
    return [
        Figure(name, float(value), len(rows), len(products), chance)
        for name, value, chance in zip(names, values, chances, strict=True)
    ]


def name_vectors(embed_text: EmbedText, names: Iterable[str]) -> Vectors:
    """(names, dimension) unit rows: each name in all TEMPLATES, averaged."""
    means = np.stack([np.mean([embed_text(form.format(name)) for form in TEMPLATES], axis=0) for name in names])
    unit: Vectors = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
    return unit


def score_types(embed_text: EmbedText, products: Sequence[Product], pictures: Vectors) -> list[Figure]:
    """Zero-shot accuracy of the last part of the category, among all of them."""
    rows = [row for row, product in enumerate(products) if product.kind is not None]
    truth = [str(products[row].kind) for row in rows]
    return _accuracy("type", truth, pictures[rows], lambda names: name_vectors(embed_text, names))


def score_colours(embed_text: EmbedText, products: Sequence[Product], pictures: Vectors) -> list[Figure]:
    """Zero-shot accuracy of the colour among all colours, asked as "colour type" with the product's type, and alone."""
    rows = [row for row, product in enumerate(products) if product.colour is not None]
    truth = [str(products[row].colour) for row in rows]
    alone = _accuracy("colour alone", truth, pictures[rows], lambda names: name_vectors(embed_text, names))
    rows = [row for row in rows if products[row].kind is not None]
    if not rows:
        return alone
    colours = sorted({str(products[row].colour) for row in rows})
    hits = 0
    for kind in sorted({str(products[row].kind) for row in rows}):
        members = [row for row in rows if products[row].kind == kind]
        texts = name_vectors(embed_text, (f"{colour} {kind}" for colour in colours))
        best = (pictures[members] @ texts.T).argmax(axis=1)
        hits += sum(colours[place] == products[row].colour for place, row in zip(best, members, strict=True))
    largest = max(Counter(products[row].colour for row in rows).values())
    given = Figure(
        "colour, type given", hits / len(rows), len(rows), len(colours), 1 / len(colours), largest / len(rows)
    )
    return [given, *alone]


def _accuracy(
    measure: str, truth: Sequence[str], pictures: Vectors, embed_names: Callable[[list[str]], Vectors]
) -> list[Figure]:
    if not truth:
        return []
    counts = Counter(truth)
    names = sorted(counts)
    texts = embed_names(names)
    hits = 0
    for start in range(0, len(truth), CHUNK):
        best = (pictures[start : start + CHUNK] @ texts.T).argmax(axis=1)
        hits += sum(names[place] == right for place, right in zip(best, truth[start : start + CHUNK], strict=True))
    share = max(counts.values()) / len(truth)
    return [Figure(measure, hits / len(truth), len(truth), len(names), 1 / len(names), share)]
