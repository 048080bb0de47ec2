"""Class names as a task: which of all kinds is this picture, which of all colours.

Contrastive training alone learns how much more likely a caption is with a picture than without one, so rare kinds win
too often when one has to be chosen. A cross entropy over all names, each once and at the frequencies of the catalogue,
teaches the choice itself (as in Yang et al., "Unified Contrastive Learning in Image-Text-Label Space", 2022).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.items import COLUMNS, Item, LabelTable
from models.wordings import COLOUR_WORDS

KIND, COLOUR = COLUMNS.index("kind"), COLUMNS.index("colour")
COLOURED_KINDS = 3  # kinds of a batch whose colours are asked together with the kind
NAME_ITSELF = 0.7  # how often a colour is called by its name and not by another word for it


@dataclass(frozen=True)
class Choice:
    """One question: texts[start:stop] are the answers, rows the pictures it is asked of, right the answers' places."""

    start: int
    stop: int
    rows: Tensor
    right: Tensor


@dataclass(frozen=True)
class PromptTexts:
    """The questions of a batch in words."""

    texts: list[str]
    sets: list[Choice]


@dataclass(frozen=True)
class Prompts:
    """The same as token ids (texts, length)."""

    ids: Tensor
    sets: list[Choice]

    def to(self, device: torch.device) -> Prompts:
        """The same on another device."""
        sets = [Choice(c.start, c.stop, c.rows.to(device), c.right.to(device)) for c in self.sets]
        return Prompts(self.ids.to(device), sets)


class PromptBook:
    """Names of all kinds and colours of the real products of a training set."""

    def __init__(self, items: Sequence[Item], table: LabelTable) -> None:
        self.table = table
        real = np.flatnonzero(~table.drawn)
        self.words: dict[int, tuple[str, ...]] = {}
        for row in map(int, real):
            kind = int(table.ids[row, KIND])
            if kind not in self.words:
                # Plurals twice: that is how a catalogue's categories are named.
                self.words[kind] = (*items[row].subject.kinds, *items[row].subject.kinds, *items[row].subject.kind)
        self.kinds = sorted(self.words)
        self.kind_place = {kind: place for place, kind in enumerate(self.kinds)}
        names = {place: name for name, place in table.names["colour"].items()}
        self.colours = sorted({int(c) for c in table.ids[real, COLOUR] if c >= 0})
        self.colour_place = {colour: place for place, colour in enumerate(self.colours)}
        self.colour_names = [names[colour] for colour in self.colours]

    def draw(self, rows: NDArray[np.int64], step: int, draw: random.Random) -> PromptTexts:
        """Kinds in even steps, colours in odd ones."""
        places = np.flatnonzero(~self.table.drawn[rows])
        found = PromptTexts([], [])
        if len(places) == 0:
            return PromptTexts(["nothing"], [])
        if step % 2 == 0 or not self.colours:
            kinds = [self.kind_place[int(k)] for k in self.table.ids[rows[places], KIND]]
            add_choice(found, [draw.choice(self.words[kind]) for kind in self.kinds], places, kinds)
            return found
        places = places[self.table.ids[rows[places], COLOUR] >= 0]
        colours = np.array([self.colour_place[int(c)] for c in self.table.ids[rows[places], COLOUR]], np.int64)
        kinds_here = self.table.ids[rows[places], KIND]
        add_choice(found, [self.say_colour(name, draw) for name in self.colour_names], places, colours)
        for kind, _ in Counter(kinds_here.tolist()).most_common(COLOURED_KINDS):
            word = draw.choice(self.words[kind])
            here = kinds_here == kind
            texts = [f"{self.say_colour(name, draw)} {word}" for name in self.colour_names]
            add_choice(found, texts, places[here], colours[here])
        return found

    def say_colour(self, name: str, draw: random.Random) -> str:
        """A word for a colour."""
        return name if draw.random() < NAME_ITSELF else draw.choice(COLOUR_WORDS.get(name, (name,)))


def add_choice(
    found: PromptTexts, texts: list[str], rows: NDArray[np.int64], right: NDArray[np.int64] | list[int]
) -> None:
    """Append one question."""
    start = len(found.texts)
    found.texts.extend(texts)
    found.sets.append(
        Choice(start, start + len(texts), torch.from_numpy(np.asarray(rows)), torch.tensor(np.asarray(right)))
    )


def prompt_loss(pictures: Tensor, names: Tensor, sets: Sequence[Choice], scale: Tensor) -> Tensor:
    """Mean cross entropy of the questions; pictures (P, d) and names (texts, d) are unit length."""
    losses = [
        functional.cross_entropy(scale * pictures[choice.rows] @ names[choice.start : choice.stop].T, choice.right)
        for choice in sets
        if len(choice.rows)
    ]
    return torch.stack(losses).mean() if losses else pictures.new_zeros(())
