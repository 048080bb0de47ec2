"""What somebody meant who typed a word that the catalogue does not have.

Distance is optimal string alignment: letters left out, put in, changed, or two neighbours swapped, one slip each
(Damerau 1964). Which of the words near by is meant, and whether any, is decided as in a noisy channel (Kernighan,
Church and Gale 1990): the more products have a word, the likelier it was meant; the less likely the slip, the more
products it takes to believe it, and fewer where the word goes with what stands beside it ("puma heroes shirt").
Measured on 39,865 fashion products, with 1,255 known misspellings of their words (codespell) and with 7,886 ordinary
English words that the catalogue does not have and that are better left alone, each by itself.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from server.search.words.lookalikes import Lookalikes
from server.search.words.splitting import folded

SHORTEST = 4
# From so many letters on two slips are looked for.
LONG = 8
# What one slip weighs against how frequent the words are: a word one slip away is believed before one two slips away
# unless that has a thousand times its products. Any weight from 1 to 4 gave the same answers within 0.5%.
SLIP_WEIGHT = 3.0
# A word told in descriptions alone counts this much of one that is in titles.
TEXT_WEIGHT = 0.1
# Products that a word needs to be believed, by its length: nearly any four letters are near to some word. In a
# catalogue of MEASURED_AT products; it grows with the square root of the catalogue. Together with the two factors below
# 87% of the misspellings are put right (90% without) and 12% of the ordinary words are taken for one (48% without).
NEEDED = {4: 40.0, 5: 10.0, 6: 5.0}
NEEDED_IF_LONGER = 3.0
MEASURED_AT = 40_000
# So many times as many where the first letter is another one, which people hardly ever miss, or at two slips.
FIRST_LETTER = 10.0
SECOND_SLIP = 10.0
# And so many times as many, where products are called by it together with each of two or more words beside it.
BESIDE = 0.1
REMEMBERED = 10_000


@dataclass(frozen=True)
class Candidate:
    """A word of the catalogue and how much speaks for it: products, those by description alone counted less."""

    word: str
    weight: float


def weigh(products: int, titles: int) -> float:
    """How much speaks for a word that so many products hold, `titles` of them in what they are called."""
    return titles + TEXT_WEIGHT * (products - titles)


class Corrections:
    """The words that may be meant, by the number of their letters."""

    def __init__(self, words: Iterable[Candidate], live: int) -> None:
        """live: products in the shop."""
        self._scale = math.sqrt(max(live, 1) / MEASURED_AT)
        self._by_letters: dict[str, Candidate] = {}
        for candidate in words:
            letters = folded(candidate.word)
            if len(letters) < SHORTEST - 1 or not letters.isalpha():
                continue
            known = self._by_letters.get(letters)
            if known is None or known.weight < candidate.weight:
                self._by_letters[letters] = candidate
        self._lookalikes = Lookalikes(self._by_letters)
        # Whoever goes on typing behind a mistyped word asks for it again with every letter.
        self._near = lru_cache(REMEMBERED)(self._look)

    def nearest(self, typed: str, goes_with_others: Callable[[str], bool] | None = None) -> str | None:
        """The likeliest word for `typed`, which is not one of the catalogue's; None where nothing is near enough.

        goes_with_others: whether products are called by a word together with what was typed beside it; None where
        nothing was that tells.
        """
        letters = folded(typed)
        if len(letters) < SHORTEST or not letters.isalpha():
            return None
        same = self._by_letters.get(letters)
        if same is not None:
            return same.word
        best: tuple[float, str] | None = None
        for candidate, slips, needed in self._near(letters):
            believed = candidate.weight >= needed
            if not believed and candidate.weight >= needed * BESIDE and goes_with_others is not None:
                believed = goes_with_others(candidate.word)
            if not believed:
                continue
            # The word itself makes the choice among equals the same every time.
            rank = (math.log10(candidate.weight) - SLIP_WEIGHT * slips, candidate.word)
            best = rank if best is None else max(best, rank)
        return None if best is None else best[1]

    def _look(self, letters: str) -> list[tuple[Candidate, int, float]]:
        """Words near by, how many slips away, and the weight that each needs to be believed by itself."""
        near = self._lookalikes.near(letters, 1 if len(letters) < LONG else 2)
        return [(self._by_letters[found], slips, self._needed(letters, found, slips)) for found, slips in near]

    def _needed(self, letters: str, found: str, slips: int) -> float:
        needed = NEEDED.get(len(letters), NEEDED_IF_LONGER) * self._scale
        if slips > 1:
            needed *= SECOND_SLIP
        if letters[0] != found[0] and letters[:2] != found[1::-1]:
            needed *= FIRST_LETTER
        return needed
