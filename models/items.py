"""Products as training sees them, and the tables of labels that tell which caption fits which picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.captions import Caption, Subject
from models.pictures import Pixels

COLUMNS = ("kind", "group", "colour", "pattern", "gender", "title")
UNKNOWN = -1


@dataclass(frozen=True)
class Labels:
    """What is known of a product, by name.

    source: "real" or "drawn"; values: column -> value; details: those it has; known: those of which it is known whether
    it has them, None for all.
    """

    source: str
    values: dict[str, str]
    details: frozenset[str]
    known: frozenset[str] | None


@dataclass(frozen=True)
class Item:
    """One product: pixels (size, size, 3) uint8, what can be said, what is known, and the part of the mix it is of."""

    pixels: Pixels
    subject: Subject
    labels: Labels
    part: str


class LabelTable:
    """Labels of N items as arrays; ids are given in order of first appearance.

    ids (N, len(COLUMNS)) int32 with -1 for unknown; drawn (N,) bool; has and known (N, details) bool.
    """

    def __init__(self, labels: Sequence[Labels]) -> None:
        self.names: dict[str, dict[str, int]] = {column: {} for column in COLUMNS}
        self.ids = np.full((len(labels), len(COLUMNS)), UNKNOWN, np.int32)
        for row, label in enumerate(labels):
            for place, column in enumerate(COLUMNS):
                value = label.values.get(column)
                if value is not None:
                    names = self.names[column]
                    self.ids[row, place] = names.setdefault(value, len(names))
        self.drawn = np.array([label.source == "drawn" for label in labels], bool)
        self.details = sorted(set().union(*(label.details | (label.known or frozenset()) for label in labels)))
        position = {name: index for index, name in enumerate(self.details)}
        self.has = np.zeros((len(labels), max(len(self.details), 1)), bool)
        self.known = np.zeros_like(self.has)
        for row, label in enumerate(labels):
            self.has[row, [position[name] for name in label.details]] = True
            known = self.details if label.known is None else label.known | label.details
            self.known[row, [position[name] for name in known]] = True
        self.position = position

    def fits(
        self, captions: Sequence[Caption], owners: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which caption describes which picture: (captions, rows) bool.

        owners: row of the table each caption was drawn for; rows: the pictures of the batch. An unknown label fits
        whatever a caption says. Between real and drawn products only a different kind, or a title, tells apart: the two
        sources do not name colours alike.
        """
        says = np.full((len(captions), len(COLUMNS)), UNKNOWN, np.int32)
        wants = np.zeros((len(captions), self.has.shape[1]), bool)
        for index, caption in enumerate(captions):
            for place, column in enumerate(COLUMNS):
                if column in caption.uses:
                    says[index, place] = self.ids[owners[index], place]
            wants[index, [self.position[name] for name in caption.details]] = True
        have = self.ids[rows]
        agree = (says[:, None] == have[None]) | (says[:, None] == UNKNOWN) | (have[None] == UNKNOWN)
        lacking = (self.known[rows] & ~self.has[rows]).astype(np.float32)
        result = agree.all(2) & (wants.astype(np.float32) @ lacking.T == 0)
        kind, title = COLUMNS.index("kind"), COLUMNS.index("title")
        across = self.drawn[owners][:, None] != self.drawn[rows][None]
        result |= across & agree[:, :, kind] & agree[:, :, title]
        return np.asarray(result | (owners[:, None] == rows[None]), bool)


def count_parts(items: Iterable[Item]) -> dict[str, int]:
    """How many items each part of the mix has."""
    counts: dict[str, int] = {}
    for item in items:
        counts[item.part] = counts.get(item.part, 0) + 1
    return counts
