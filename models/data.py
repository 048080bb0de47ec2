"""Everything a run reads: items of all sources, the split, the tokenizer's texts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from models.captions import draw_caption
from models.config import Config
from models.drawn import TRAINING_SEED, drawn_items, load_drawn
from models.items import Item, LabelTable, count_parts
from models.real import is_held_out, is_held_out_picture, read_catalogue
from models.tokenizer import train_tokenizer

# How many captions of each product the tokenizer learns from.
TOKENIZER_CAPTIONS = 4


@dataclass(frozen=True)
class Data:
    """Items to train on with their labels, and the held-out real products."""

    items: list[Item]
    held_out: list[Item]
    table: LabelTable

    def describe(self) -> str:
        """One line: how many products of each part."""
        parts = ", ".join(f"{count} {part}" for part, count in sorted(count_parts(self.items).items()))
        return f"training on {parts}; {len(self.held_out)} real products held out"


def split_real(catalogues: Sequence[Path], config: Config) -> tuple[list[Item], list[Item]]:
    """Real products to train on, and those held out: fashion by title, the rest by picture."""
    kept: list[Item] = []
    held_out: list[Item] = []
    for path in catalogues:
        for item in read_catalogue(path, config.network.image_size):
            title = item.labels.values["title"]
            out = (
                is_held_out(title, config.training.held_out_share)
                if item.part == "fashion"
                else is_held_out_picture(item, config.training.grocery_held_out_share)
            )
            (held_out if out else kept).append(item)
    return kept, held_out


def load_data(catalogues: Sequence[Path], drawn: int, cache: Path, config: Config) -> Data:
    """Read the catalogues and `drawn` drawn pictures. A few minutes the first time, then well under one."""
    items, held_out = split_real(catalogues, config)
    if drawn:
        items += drawn_items(*load_drawn(cache, TRAINING_SEED, drawn, config.network.image_size))
    return Data(items, held_out, LabelTable([item.labels for item in items]))


def load_tokenizer(path: Path, items: Sequence[Item], config: Config) -> Tokenizer:
    """The tokenizer of a run: learned from captions of its items the first time, then read from `path`."""
    if not path.exists():
        draw = random.Random(config.training.seed)
        texts = [draw_caption(item.subject, draw).text for item in items for _ in range(TOKENIZER_CAPTIONS)]
        tokenizer = train_tokenizer(texts, config.network.vocabulary, config.network.context)
        tokenizer.save(str(path))
    return Tokenizer.from_file(str(path))
