"""Vectors in a cone of unequal clusters, as joint embeddings of texts and pictures are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]
CLUSTERS = 2000
# What a query is away from the products of its cluster, beyond what they are from each other.
QUERY_NOISE = 0.15


@dataclass(frozen=True)
class Cone:
    """Cluster centres and the noise around them: a power-law spectrum, about 40 effective dimensions."""

    centers: Floats  # (CLUSTERS, dimension)
    spread: Floats  # (CLUSTERS,)
    weight: NDArray[np.float64]
    spectrum: Floats
    rotation: Floats

    def draw(self, count: int, seed: int) -> Floats:
        """Returns (count, dimension) unit rows, rounded to what a halfvec keeps."""
        return self.draw_labelled(count, seed)[0]

    def draw_labelled(self, count: int, seed: int) -> tuple[Floats, Labels]:
        """The same rows, and the cluster of each, (count,)."""
        rng = np.random.default_rng(seed)
        cluster = rng.choice(CLUSTERS, count, p=self.weight)
        rows = np.empty((count, len(self.spectrum)), np.float32)
        for start in range(0, count, 50_000):
            part = cluster[start : start + 50_000]
            noise = rng.standard_normal((len(part), len(self.spectrum)), np.float32) * self.spectrum
            rows[start : start + 50_000] = self.centers[part] + (noise @ self.rotation) * self.spread[part, None]
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows.astype(np.float16).astype(np.float32), cluster.astype(np.int32)

    def ask(self, count: int, seed: int) -> tuple[Floats, Labels]:
        """Queries (count, dimension) from the same clusters, a little off; none is a row. With the cluster of each."""
        rows, cluster = self.draw_labelled(count, seed)
        rng = np.random.default_rng(seed + 1)
        rows += QUERY_NOISE * rng.standard_normal(rows.shape, np.float32) / np.sqrt(np.float32(rows.shape[1]))
        return unit(rows), cluster


def unit(rows: Floats) -> Floats:
    """(n, dimension) rows of length 1, rounded to what a halfvec keeps."""
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


def make_cone(dimension: int, seed: int = 1) -> Cone:
    """Makes the clusters from which catalogue and queries are both drawn, so that queries resemble products."""
    rng = np.random.default_rng(seed)
    spectrum = (1.0 + np.arange(dimension)) ** -0.5
    spectrum = (spectrum / np.linalg.norm(spectrum)).astype(np.float32)
    rotation = np.linalg.qr(rng.standard_normal((dimension, dimension)))[0].astype(np.float32)
    noise = rng.standard_normal((CLUSTERS, dimension), np.float32) * spectrum
    return Cone(
        rotation[0] * 0.6 + noise @ rotation,
        rng.uniform(0.35, 0.65, CLUSTERS).astype(np.float32),
        rng.dirichlet(np.ones(CLUSTERS)),
        spectrum,
        rotation,
    )


def find_clusters(rows: Floats, clusters: int, seed: int = 5, rounds: int = 12) -> Labels:
    """Clusters of real vectors by k-means: (n, dimension) -> (n,), every number below `clusters` at least once.

    Lloyd's iteration on rows without their mean, begun at random rows; a center that loses all its rows begins anew.
    """
    rng = np.random.default_rng(seed)
    rows = rows - rows.mean(axis=0)
    centers = rows[rng.choice(len(rows), clusters, replace=False)]
    for _ in range(rounds):
        nearest = np.argmax(rows @ centers.T - 0.5 * np.square(centers).sum(axis=1), axis=1)
        counts = np.bincount(nearest, minlength=clusters)
        sums = np.zeros_like(centers)
        np.add.at(sums, nearest, rows)
        centers = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centers)
        empty = np.flatnonzero(counts == 0)
        centers[empty] = rows[rng.choice(len(rows), len(empty))]
    _, labels = np.unique(nearest, return_inverse=True)
    return np.asarray(labels, np.int32)
