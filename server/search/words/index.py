"""What lies under a prefix, the most frequent first; and which words go together. Sorted arrays, made once."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
# No text that people type has a character behind this one, so PREFIX + AFTER_ALL is the end of all that begins so.
AFTER_ALL = "\U0010ffff"
# More products than any catalogue has.
NO_LIMIT = 2**31 - 1


class PrefixIndex(Generic[T]):
    """Things with a text that they are found by and a number of products. The same thing may have several texts."""

    def __init__(self, entries: Iterable[tuple[str, int, T]]) -> None:
        ordered = sorted(entries, key=lambda entry: (entry[0], -entry[1]))
        self.keys = [key for key, _, _ in ordered]
        self.things = [thing for _, _, thing in ordered]
        self.products = np.fromiter((products for _, products, _ in ordered), np.int64, len(ordered))

    def __len__(self) -> int:
        return len(self.keys)

    def span(self, prefix: str) -> tuple[int, int]:
        """Where the texts that begin so stand: from, to."""
        low = bisect_left(self.keys, prefix)
        return low, bisect_left(self.keys, prefix + AFTER_ALL, low)

    def top(self, prefix: str, limit: int) -> list[T]:
        """The things with most products whose text begins so, the first of them first."""
        low, high = self.span(prefix)
        return [self.things[low + place] for place in largest(self.products[low:high], limit)]

    def most(self, prefix: str) -> int:
        """Products of the first of them, 0 where there is none."""
        low, high = self.span(prefix)
        return int(self.products[low:high].max()) if high > low else 0


class PairIndex:
    """Which words stand together in what a product is called, and in how many products. Words are places in a list."""

    def __init__(self, size: int, pairs: Sequence[tuple[int, int, int]]) -> None:
        """size: of the list. pairs: (place, place, products), each once, in either order."""
        table = np.array(pairs, dtype=np.int64).reshape(-1, 3)
        one, two = np.concatenate([table[:, 0], table[:, 1]]), np.concatenate([table[:, 1], table[:, 0]])
        order = np.lexsort((two, one))
        self._partners = two[order].astype(np.int32)
        self._products = np.concatenate([table[:, 2], table[:, 2]])[order].astype(np.int32)
        self._starts = np.searchsorted(one[order], np.arange(size + 1))

    def shared(self, groups: Sequence[Sequence[int]], low: int, high: int) -> NDArray[np.int32]:
        """For each word from `low` to `high`: in how many products it stands together with each of the groups.

        The words of a group are forms of one (shirt, shirts): any of them will do. Of several groups the fewest count,
        which is the most that all can share. 0 where none is known, or too few to be kept.
        """
        fewest = np.full(high - low, NO_LIMIT, np.int32)
        for group in groups:
            most = np.zeros(high - low, np.int32)
            for word in group:
                start, end = self._starts[word], self._starts[word + 1]
                first, last = start + np.searchsorted(self._partners[start:end], (low, high))
                partners = self._partners[first:last] - low
                most[partners] = np.maximum(most[partners], self._products[first:last])
            fewest = np.minimum(fewest, most)
        return fewest


def largest(numbers: NDArray[np.signedinteger], limit: int) -> Iterator[int]:
    """Places of the largest numbers, the largest first; among equals the first comes first."""
    if len(numbers) > limit:
        # A sort of all would take most of the time where a single letter was typed. Equals at the edge all come along.
        edge = np.partition(numbers, len(numbers) - limit)[len(numbers) - limit]
        places = np.flatnonzero(numbers >= edge)
    else:
        places = np.arange(len(numbers))
    order = np.argsort(-numbers[places], kind="stable")[:limit]
    return (int(place) for place in places[order])
