"""Real vectors: pictures of catalogue files by the bundled model, made more by jitter, asked for by titles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.clusters import Floats, Labels, find_clusters, unit
from benchmarks.corpus import build_corpus, read_rows
from benchmarks.engine.answers import nearest
from server.embedding.clip import ClipEncoder
from server.embedding.manifest import read_manifest
from server.embedding.ort import Runtime
from server.resources import DEFAULT_MODEL
from server.settings import load_settings

ROOT = Path(__file__).resolve().parent.parent.parent
FILES = [ROOT.parent / "shared" / "data" / f"fashion-{number}.parquet" for number in (1, 2)]
CLUSTERS = 1000
# The cosine between a jittered vector and the one that it was made from.
LIKENESS = 0.95


def embed_catalogue(files: Sequence[Path], cache: Path) -> tuple[Floats, list[str]]:
    """Vectors (n, dimension) and titles of all products; from `cache` where an earlier run of this model left them."""
    manifest = read_manifest(DEFAULT_MODEL)
    folder = cache / f"pictures-{manifest.digest[:12]}"
    if not (folder / "titles.txt").exists():
        settings = load_settings(_env_file=None)
        encoder = ClipEncoder(manifest, Runtime(image_threads=settings.tower_threads))
        corpus = build_corpus(read_rows(files), encoder, settings)
        titled = [place for place, product in enumerate(corpus.products) if product.title]
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "vectors.npy", corpus.pictures[titled])
        titles = [" ".join(str(corpus.products[place].title).split()) for place in titled]
        (folder / "titles.txt").write_text("\n".join(titles), encoding="utf-8")
    titles = (folder / "titles.txt").read_text(encoding="utf-8").split("\n")
    return np.load(folder / "vectors.npy"), titles


def embed_titles(titles: Sequence[str]) -> Floats:
    """(n, dimension) as a search embeds them."""
    encoder = ClipEncoder(read_manifest(DEFAULT_MODEL), Runtime())
    return unit(np.stack([encoder.embed_text(title) for title in titles]))


def hold_out(titles: Sequence[str], count: int, seed: int = 13) -> list[str]:
    """Titles to ask for, whose products are then left out."""
    distinct = sorted(set(titles))
    chosen = np.random.default_rng(seed).choice(len(distinct), min(count, len(distinct) // 2), replace=False)
    return [distinct[place] for place in chosen]


def grow(vectors: Floats, rows: int, seed: int = 17) -> tuple[Floats, Labels]:
    """So many unit rows: all of (n, dimension), or the first; then rows near to them. With the number of the origin."""
    rng = np.random.default_rng(seed)
    origin = np.concatenate([np.arange(len(vectors)), rng.integers(0, len(vectors), max(0, rows - len(vectors)))])
    origin = origin[:rows].astype(np.int32)
    grown = vectors[origin]
    added = grown[len(vectors) :]
    noise = rng.standard_normal(added.shape, np.float32)
    noise -= (noise * added).sum(axis=1, keepdims=True) * added
    noise /= np.linalg.norm(noise, axis=1, keepdims=True) + np.float32(1e-12)
    grown[len(vectors) :] = LIKENESS * added + np.float32(np.sqrt(1 - LIKENESS**2)) * noise
    return unit(grown), origin


def make_fashion(rows: int, queries: int, cache: Path) -> tuple[Floats, Labels, Floats, Labels]:
    """Vectors (n, dimension) and their clusters (n,), queries (q, dimension) and theirs (q,).

    A query's cluster is the one that most of its ten nearest products are in: texts lie beside all pictures.
    """
    vectors, titles = embed_catalogue(FILES, cache)
    asked = hold_out(titles, queries)
    left_out = set(asked)
    kept = vectors[[place for place, title in enumerate(titles) if title not in left_out]]
    cluster = find_clusters(kept, min(CLUSTERS, len(kept) // 4))
    grown, origin = grow(kept, rows)
    of_row = np.unique(cluster[origin], return_inverse=True)[1].astype(np.int32)
    vectors_of_queries = embed_titles(asked)
    near = vectors_of_queries @ grown.T
    own = [np.bincount(of_row[nearest(one)]).argmax() for one in near]
    return grown, of_row, vectors_of_queries, np.array(own, np.int32)
