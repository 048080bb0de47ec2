"""Texts at few slips from another. Most of 100,000 are ruled out by the letters that they have, before any is compared.

A slip puts a letter in, leaves one out, changes one, or swaps two neighbours: the distance of optimal string alignment.
"""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

_ONES = np.array([number.bit_count() for number in range(1 << 16)], np.uint8)


class Lookalikes:
    """The texts, by length, and which letters each has: 32 bits, of which one slip changes two at most."""

    def __init__(self, texts: Iterable[str]) -> None:
        by_length: dict[int, list[str]] = defaultdict(list)
        for text in texts:
            by_length[len(text)].append(text)
        self._by_length = {length: (found, _letters(found, length)) for length, found in by_length.items() if length}

    def near(self, text: str, most: int) -> list[tuple[str, int]]:
        """All that are at up to `most` slips from `text`, with the number of slips, in no order."""
        (own,) = _letters([text], len(text))
        near: list[tuple[str, int]] = []
        for length in range(len(text) - most, len(text) + most + 1):
            if length in self._by_length:
                texts, letters = self._by_length[length]
                differing = letters ^ own
                few = np.flatnonzero(_ONES[differing & 0xFFFF] + _ONES[differing >> 16] <= 2 * most)
                chosen = [texts[place] for place in few]
                hits = process.extract(text, chosen, scorer=OSA.distance, score_cutoff=most, limit=None)
                near += [(hit, int(slips)) for hit, slips, _ in hits]
        return near


def _letters(texts: list[str], length: int) -> NDArray[np.uint32]:
    """For texts of one length the set of letters of each. Different letters may share a bit; none has two."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32).reshape(len(texts), length)
    letters: NDArray[np.uint32] = np.bitwise_or.reduce(np.uint32(1) << (codes & np.uint32(31)), axis=1)
    return letters
