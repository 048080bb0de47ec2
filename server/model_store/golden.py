"""Texts and pictures that a model is asked about when it is installed, and again whenever it is verified."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from server.embedding.clip import ClipEncoder
from server.embedding.encoder import Vectors
from server.embedding.manifest import Golden
from server.embedding.tokenizer import load_tokenizer

# A word, a product, a sentence, signs and numbers, accents, another script, capitals, and more than any context holds.
TEXTS = (
    "mug",
    "blue shirt with white stripes",
    "A wooden armchair with a high back, standing in front of a plain wall.",
    "size 42 / 8.5 US, 2 x 500 ml, 19.99 €",
    "Crème brûlée dish, für größere Gäste",
    "红色连衣裙",
    "VINTAGE LEATHER HANDBAG!!!",
    "a long row of small words that goes on and on " * 12,
)
SEEDS = (1, 2, 3, 4)
DECIMALS = 5  # a vector rounded so is within 1e-4 of itself, whatever its dimension up to 1,024


@dataclass(frozen=True)
class Again:
    """How near a model comes to what it said at its installation. Cosines are the worst of each kind."""

    text: float
    image: float
    same_tokens: bool


def paint(seed: int) -> Image.Image:
    """A picture of blocks and slopes, RGB, landscape for odd seeds and portrait for even ones.

    Integers alone make it, so it is the same with every version of everything.
    """
    width, height = (320, 240) if seed % 2 else (240, 320)
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    cell = (x // 40) + 8 * (y // 40) + 64 * seed
    layers = []
    for channel in range(3):
        mixed = (cell + 7 * channel) * 2_654_435_761 % 4_294_967_296
        block = (mixed >> 13) % 160
        slope = abs((x * (channel + 1 + seed % 3) + y * (3 - channel)) % 190 - 95)
        layers.append(block + slope)
    return Image.fromarray(np.stack(layers, axis=-1).astype(np.uint8))


def golden_table(encoder: ClipEncoder) -> dict[str, Any]:
    """The table [golden] of the model's manifest. Raises ModelError."""
    tokenizer = load_tokenizer(encoder.manifest)
    return {
        "texts": list(TEXTS),
        "token_ids": [tokenizer.encode(text) for text in TEXTS],
        "text_vectors": _rounded(_texts(encoder, TEXTS)),
        "seeds": list(SEEDS),
        "image_vectors": _rounded(_pictures(encoder, SEEDS)),
    }


def ask_again(encoder: ClipEncoder, golden: Golden) -> Again:
    """Embed the golden texts and pictures once more. Raises ModelError."""
    tokenizer = load_tokenizer(encoder.manifest)
    return Again(
        text=worst_cosine(np.asarray(golden.text_vectors, np.float32), _texts(encoder, golden.texts)),
        image=worst_cosine(np.asarray(golden.image_vectors, np.float32), _pictures(encoder, golden.seeds)),
        same_tokens=[tuple(tokenizer.encode(text)) for text in golden.texts] == list(golden.token_ids),
    )


def worst_cosine(left: Vectors, right: Vectors) -> float:
    """The lowest cosine between rows of the same place; 1.0 where there are none."""
    if not len(left):
        return 1.0
    left, right = left.astype(np.float64), right.astype(np.float64)
    norms = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return float(((left * right).sum(axis=1) / norms).min())


def _texts(encoder: ClipEncoder, texts: tuple[str, ...]) -> Vectors:
    # One by one: with an int8 tower a text in a batch depends a little on its neighbours.
    return np.stack([encoder.embed_text(text) for text in texts])


def _pictures(encoder: ClipEncoder, seeds: tuple[int, ...]) -> Vectors:
    return np.stack([encoder.embed_image(paint(seed)) for seed in seeds])


def _rounded(vectors: Vectors) -> list[list[float]]:
    return [[round(float(number), DECIMALS) for number in row] for row in vectors]
