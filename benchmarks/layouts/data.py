"""A synthetic catalogue: wordy texts. The vectors are those of benchmarks/clusters.py."""

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SYLLABLES = """ba be bo ca ce co da de do fa fi fo ga ge go ha he hi la le li lo ma me mi mo na ne ni no pa pe pi po
  ra re ri ro sa se si so ta te ti to va ve vi wa we cot lin shirt blue ton ing ed est er al ic""".split()  # noqa: SIM905  a list of sixty literals would hide the point


@dataclass(frozen=True)
class Texts:
    """Everything of a product but its vectors; price knows nothing of the vector."""

    title: list[str]
    description: list[str]
    brand: list[str]
    category: list[str]
    attributes: list[str]
    price: NDArray[np.float64]
    stock: NDArray[np.int64]


def make_texts(count: int, seed: int = 3) -> Texts:
    """Draws words by Zipf's law from a vocabulary, so that pglz shrinks a description about as it does prose."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(SYLLABLES, rng.integers(1, 5))) for _ in range(8000)]
    zipf = 1 / np.arange(3, 8003)
    zipf /= zipf.sum()

    def phrase(length: int) -> str:
        return " ".join(words[i] for i in rng.choice(8000, length, p=zipf))

    sentences = [phrase(int(n)).capitalize() + "." for n in rng.integers(6, 18, 12_000)]
    titles = [phrase(int(n)).title() for n in rng.integers(4, 9, 12_000)]
    brands = [phrase(1).title() for _ in range(200)]
    paths = [f"Apparel/{a}/{b}" for a, b in zip((phrase(1).title() for _ in range(30)), words[:30], strict=True)]
    facts = [
        json.dumps(
            {
                "colour": phrase(1),
                "material": phrase(1),
                "fit": phrase(1),
                "season": phrase(1),
                "care": phrase(6),
                "images": [f"{rng.integers(10**15)}.jpg"],
            }
        )
        for _ in range(12_000)
    ]
    many = np.clip(rng.lognormal(2.55, 0.45, count), 3, 60).astype(int)  # sentences: median 13, about 1,000 characters
    pool = iter(rng.integers(0, len(sentences), int(many.sum())).tolist())
    return Texts(
        title=[f"{titles[i]} {n}" for n, i in enumerate(rng.integers(0, 12_000, count))],
        description=[" ".join(sentences[next(pool)] for _ in range(n)) for n in many],
        brand=[brands[i] for i in rng.integers(0, 200, count)],
        category=[paths[i] for i in rng.integers(0, 30, count)],
        attributes=[facts[i] for i in rng.integers(0, 12_000, count)],
        price=np.round(rng.lognormal(3.4, 0.9, count), 2),
        stock=rng.integers(0, 50, count),
    )
