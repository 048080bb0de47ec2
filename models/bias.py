"""How unequal a model is: the same figures by gender and by category of the held-out products.

Every group's titles are asked of the whole corpus, so that the figures of two groups can be compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.encoders import Encoder
from models.evaluate import rank_titles
from models.items import Item

SMALLEST_GROUP = 30  # products; below this a share says little


@dataclass(frozen=True)
class Group:
    """One line of the card: `products` held-out products and what was found of their titles and types."""

    name: str
    products: int
    r_at_10: float
    type: float


def judge_groups(encoder: Encoder, items: Sequence[Item]) -> dict[str, list[Group]]:
    """By "gender" and by "category" (the first two parts of its path), the largest groups first."""
    pictures = encoder.embed_pictures(np.stack([item.pixels for item in items]))
    owners = [item.labels.values["title"] for item in items]
    words = {item.labels.values["kind"]: item.subject.kinds[0] for item in items}
    kinds = sorted(words)
    best = (pictures @ encoder.embed_texts([words[kind] for kind in kinds]).T).argmax(1)
    right = np.array([kinds[place] == item.labels.values["kind"] for place, item in zip(best, items, strict=True)])

    def judge(name: str, rows: list[int]) -> Group:
        titles = sorted({owners[row] for row in rows})
        ranks = rank_titles(titles, encoder.embed_texts(titles), pictures, owners)
        return Group(name, len(rows), ranks["r_at_10"], round(float(right[rows].mean()), 4))

    sides: dict[str, Callable[[Item], str]] = {
        "gender": lambda item: item.labels.values.get("gender", "not said"),
        "category": lambda item: item.labels.values["group"],
    }
    found = {}
    for side, name_of in sides.items():
        rows: dict[str, list[int]] = defaultdict(list)
        for row, item in enumerate(items):
            rows[name_of(item)].append(row)
        large = sorted((len(members), name) for name, members in rows.items() if len(members) >= SMALLEST_GROUP)
        found[side] = [judge(name, rows[name]) for _, name in reversed(large)]
    return found
