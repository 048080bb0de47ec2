"""The drawn catalogue as training items: rendered once in two processes, then kept as an array in models/runs/."""

from __future__ import annotations

import hashlib
import json
import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.captions import Subject
from models.demo_words import DETAIL_WORDS, KIND_WORDS
from models.items import Item, Labels
from models.pictures import fit_picture
from models.wordings import COLOUR_WORDS, PATTERN_WORDS
from server.demo import draw_catalogue

# Catalogues are drawn in parts of so many products, each with its own seed.
PART = 500
TRAINING_SEED, HELD_OUT_SEED = 7_100_000, 7_900_000
# The demo serves pictures of a few hundred pixels: draw large and shrink, as serving does. Parts take turns.
DRAWN_PIXELS = (160, 320)


@dataclass(frozen=True)
class Truth:
    """What a drawn picture shows."""

    kind: str
    colour: str
    pattern: str
    details: tuple[str, ...]


def render_part(seed: int, count: int, size: int) -> tuple[NDArray[np.uint8], list[Truth]]:
    """(count, size, size, 3) uint8 and what they show."""
    side = DRAWN_PIXELS[seed % len(DRAWN_PIXELS)]
    pixels = np.empty((count, size, size, 3), np.uint8)
    truths = []
    for index, product in enumerate(draw_catalogue(count, seed)):
        pixels[index] = fit_picture(product.draw(side), size)
        truth = product.truth
        truths.append(Truth(truth.kind, truth.colour, truth.pattern, tuple(truth.details)))
    return pixels, truths


def render_catalogue(first_seed: int, count: int, size: int) -> tuple[NDArray[np.uint8], list[Truth]]:
    """As render_part, for any count, in two processes."""
    seeds = [first_seed + place for place in range(math.ceil(count / PART))]
    counts = [min(PART, count - place * PART) for place in range(len(seeds))]
    with ProcessPoolExecutor(2) as pool:
        parts = list(pool.map(render_part, seeds, counts, [size] * len(seeds)))
    return np.concatenate([pixels for pixels, _ in parts]), [truth for _, part in parts for truth in part]


def demo_fingerprint() -> str:
    """Changes whenever the code that draws does."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parents[1] / "server" / "demo"
    for path in sorted(root.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


def load_drawn(cache: Path, first_seed: int, count: int, size: int) -> tuple[NDArray[np.uint8], list[Truth]]:
    """Rendered pictures and their truths, from `cache` where an earlier run left them."""
    name = f"drawn-{first_seed}-{count}-{size}-{demo_fingerprint()}"
    pictures, said = cache / f"{name}.npy", cache / f"{name}.json"
    if not said.exists():
        cache.mkdir(parents=True, exist_ok=True)
        pixels, truths = render_catalogue(first_seed, count, size)
        np.save(pictures, pixels)
        said.write_text(json.dumps([[t.kind, t.colour, t.pattern, t.details] for t in truths]))
    truths = [Truth(kind, colour, pattern, tuple(d)) for kind, colour, pattern, d in json.loads(said.read_text())]
    return np.load(pictures, mmap_mode="r"), truths


def subject_of(truth: Truth) -> Subject:
    """What can be said of a drawn picture: never its title, which does not say what it looks like."""
    one, several = KIND_WORDS.get(truth.kind, ((truth.kind,), (f"{truth.kind}s",)))
    return Subject(
        kind=one,
        kinds=several,
        colour=COLOUR_WORDS.get(truth.colour, (truth.colour,)),
        pattern=PATTERN_WORDS[truth.pattern],
        details={name: DETAIL_WORDS.get(name, ((name,), ())) for name in truth.details},
    )


def drawn_items(pixels: NDArray[np.uint8], truths: list[Truth]) -> list[Item]:
    """Items of the part "drawn"."""
    items = []
    for index, (picture, truth) in enumerate(zip(pixels, truths, strict=True)):
        values = {
            "kind": truth.kind, "colour": truth.colour, "pattern": truth.pattern, "group": "drawn",
            "title": f"drawn {index}",
        }  # fmt: skip
        labels = Labels("drawn", values, frozenset(truth.details), None)
        items.append(Item(picture, subject_of(truth), labels, "drawn"))
    return items
