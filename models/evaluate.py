"""Measure a model on what training never saw.

    python -m models.evaluate models/default --catalogue FILE [FILE ...] --drawn 1000

Fashion: every distinct held-out title against all held-out pictures as one corpus. Drawn: attribute queries in wordings
that training never saw, against drawn products of a seed that training never saw.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.captions import Subject, can_say, fill_template
from models.config import load_config
from models.data import split_real
from models.drawn import HELD_OUT_SEED, Truth, load_drawn, subject_of
from models.encoders import Encoder, OnnxEncoder, Vectors
from models.items import Item
from models.wordings import HELD_OUT_TEMPLATES

HERE = Path(__file__).resolve().parent
TOP = 10
QUERIES_OF_A_KIND = 120
SEED = 4711


def rank_titles(titles: Sequence[str], texts: Vectors, pictures: Vectors, owners: Sequence[str]) -> dict[str, float]:
    """Share of titles with a picture of a product of that title at rank 1, and in the first ten."""
    first = tenth = 0
    names = np.array(owners)
    for start in range(0, len(titles), 256):
        scores = texts[start : start + 256] @ pictures.T
        best = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
        for row, places in enumerate(best):
            ordered = places[np.argsort(-scores[row, places])]
            right = names[ordered] == titles[start + row]
            first += bool(right[0])
            tenth += bool(right.any())
    return {"r_at_1": round(first / len(titles), 4), "r_at_10": round(tenth / len(titles), 4)}


def classify(pictures: Vectors, texts: Vectors, right: Sequence[int]) -> float:
    """Zero-shot accuracy: texts (classes, d), right (pictures,) class of each."""
    return round(float(((pictures @ texts.T).argmax(1) == np.array(right)).mean()), 4)


def judge_fashion(encoder: Encoder, items: Sequence[Item], quick: bool = False) -> dict[str, float]:
    """R@1 and R@10 of titles, and zero-shot type and colour (the type given) unless quick."""
    pictures = encoder.embed_pictures(np.stack([item.pixels for item in items]))
    owners = [item.labels.values["title"] for item in items]
    titles = sorted(set(owners))
    figures = rank_titles(titles, encoder.embed_texts(titles), pictures, owners)
    types = judge_types(encoder, items, pictures)
    figures["type"] = types["type"]
    if not quick:
        words = {item.labels.values["kind"]: item.subject.kinds[0] for item in items}
        figures |= {"colour": judge_colour(encoder, items, pictures, words)}
        figures |= {"fashion_products": len(items), "types": types["types"]}
    return figures


def judge_types(encoder: Encoder, items: Sequence[Item], pictures: Vectors | None = None) -> dict[str, float]:
    """Zero-shot type among all types of the items; pictures: their vectors, where they are known already."""
    if pictures is None:
        pictures = encoder.embed_pictures(np.stack([item.pixels for item in items]))
    words = {item.labels.values["kind"]: item.subject.kinds[0] for item in items}
    kinds = sorted(words)
    texts = encoder.embed_texts([words[kind] for kind in kinds])
    right = [kinds.index(item.labels.values["kind"]) for item in items]
    return {"products": len(items), "type": classify(pictures, texts, right), "types": len(kinds)}


def judge_colour(encoder: Encoder, items: Sequence[Item], pictures: Vectors, words: dict[str, str]) -> float:
    """Share of products whose colour wins among all colours, asked as "colour type" with the right type."""
    places = [place for place, item in enumerate(items) if "colour" in item.labels.values]
    colours = sorted({items[place].labels.values["colour"] for place in places})
    right = 0
    for kind, word in words.items():
        rows = [place for place in places if items[place].labels.values["kind"] == kind]
        if rows:
            texts = encoder.embed_texts([f"{colour} {word}" for colour in colours])
            best = (pictures[rows] @ texts.T).argmax(1)
            right += sum(colours[b] == items[row].labels.values["colour"] for b, row in zip(best, rows, strict=True))
    return round(right / len(places), 4)


def is_relevant(truth: Truth, wanted: Truth, uses: frozenset[str], details: frozenset[str]) -> bool:
    """Whether a drawn product is what a query for `wanted` asks, which states only `uses` and `details`."""
    agrees = all(getattr(truth, name) == getattr(wanted, name) for name in uses)
    return agrees and details <= set(truth.details)


def attribute_queries(truths: Sequence[Truth], key: str, draw: random.Random) -> list[tuple[str, NDArray[np.bool_]]]:
    """Queries of one combination of attributes, each with what is relevant to it, (products,) bool."""
    able: list[tuple[Truth, Subject]] = [
        (truth, subject) for truth in truths if can_say(subject := subject_of(truth), key)
    ]
    queries = []
    for truth, subject in draw.sample(able, min(QUERIES_OF_A_KIND, len(able))):
        caption = fill_template(draw.choice(HELD_OUT_TEMPLATES[key]), key, subject, draw)
        relevant = [is_relevant(other, truth, caption.uses, caption.details) for other in truths]
        queries.append((caption.text, np.array(relevant)))
    return queries


def judge_drawn(encoder: Encoder, count: int, cache: Path, size: int = 80) -> dict[str, float]:
    """Mean precision at min(10, R) of attribute queries against `count` drawn products; by combination, and in all."""
    pixels, truths = load_drawn(cache, HELD_OUT_SEED, count, size)
    pictures = encoder.embed_pictures(pixels)
    draw = random.Random(SEED)
    figures, everything = {}, []
    for key in HELD_OUT_TEMPLATES:
        queries = attribute_queries(truths, key, draw)
        vectors = encoder.embed_texts([text for text, _ in queries])
        found = []
        for vector, (_, relevant) in zip(vectors, queries, strict=True):
            top = min(TOP, int(relevant.sum()))
            best = np.argsort(-(pictures @ vector))[:top]
            found.append(float(relevant[best].mean()))
        figures[f"drawn_{key}"] = round(float(np.mean(found)), 4)
        everything += found
    return {"drawn": round(float(np.mean(everything)), 4), **figures}


def evaluate_folder(folder: Path, catalogues: Sequence[Path], drawn: int, cache: Path) -> dict[str, float]:
    """All figures of an exported model directory."""
    encoder = OnnxEncoder(folder)
    config = load_config(HERE / "configs" / "default.toml")
    figures: dict[str, float] = {}
    if catalogues:
        _, held_out = split_real(catalogues, config)
        figures |= judge_fashion(encoder, [item for item in held_out if item.part == "fashion"])
    if drawn:
        figures |= judge_drawn(encoder, drawn, cache, config.network.image_size)
    return figures


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Measure an exported model on held-out products.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--catalogue", type=Path, nargs="*", default=[])
    parser.add_argument("--drawn", type=int, default=1000)
    arguments = parser.parse_args()
    figures = evaluate_folder(arguments.folder, arguments.catalogue, arguments.drawn, HERE / "runs")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
