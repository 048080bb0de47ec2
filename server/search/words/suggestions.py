"""How what somebody is typing may go on: words, phrases, titles, brands and categories of the catalogue."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby

import numpy as np

from server.search.words.corrections import SHORTEST
from server.search.words.index import NO_LIMIT, PairIndex, PrefixIndex, largest
from server.search.words.lookalikes import Lookalikes
from server.search.words.splitting import EDGELESS, FANCY, folded, singular, words_of

# Whoever types more than this has said what is wanted, or is not a person.
LONGEST_TYPED = 100
MOST_TYPED_WORDS = 10
# A phrase of the catalogue has at most three words: two of them may stand before the one that is being typed.
CONTEXT = 2
# A category is told beside a larger one of the same name where it has at least this part of its products: one in ten.
NAMESAKES = 10
# Looked at for each suggestion that is shown, as some say the same or are not in any product together.
SPARE = 4
# Beginnings that a mistyped one may be meant for: so many are gone on with, and up to so many letters are looked at.
MOST_MEANT = 3
LONGEST_BEGINNING = 8
BEGINNINGS = range(SHORTEST - 1, LONGEST_BEGINNING + 2)


class Kind(StrEnum):
    """What a suggestion is."""

    WORD = "word"
    BRAND = "brand"
    CATEGORY = "category"
    PHRASE = "phrase"
    TITLE = "title"


# So many words beside an unknown one tell what it was meant to be.
FEWEST_BESIDE = 2


@dataclass(frozen=True)
class Suggestion:
    """What to search for instead of what was typed so far.

    products: live products that are called so; of more than two words the most that it can be. value: the brand, or the
    path of the category, to filter by; None for the others.
    """

    text: str
    kind: Kind
    products: int
    value: str | None = None


NAMES = (Kind.BRAND, Kind.CATEGORY)


@dataclass(frozen=True)
class _Asked:
    """What was typed: the words before the last one as the catalogue writes them, and the beginning of the last."""

    before: tuple[str, ...]
    beginning: str


class Suggestions:
    """Made once of all words, phrases and names; thread-safe, since nothing changes afterwards."""

    def __init__(
        self,
        words: Mapping[str, int],
        named: Sequence[Suggestion],
        pairs: Iterable[tuple[str, str, int]],
        known_form: Callable[[str], str | None],
    ) -> None:
        """words: with the products that are called by each. named: all that is no single word. pairs: words that the
        same products are called by. known_form: a typed word as the catalogue writes it, None where it has none.
        """
        self._known_form = known_form
        self._words = PrefixIndex((folded(word), products, word) for word, products in words.items())
        self._places = {word: place for place, word in enumerate(self._words.things)}
        self._pairs = PairIndex(
            len(self._words),
            [
                (self._places[one], self._places[two], products)
                for one, two, products in pairs
                if one in self._places and two in self._places
            ],
        )
        self._named = PrefixIndex((key, each.products, each) for each in named for key in _keys(each))
        self._inner = PrefixIndex((key, each.products, each) for each in named for key in _inner_keys(each))
        self._forms: dict[str, list[int]] = defaultdict(list)
        for place, letters in enumerate(self._words.keys):
            self._forms[singular(letters)].append(place)
        # The first letter is hardly ever missed, and with it known there are ten times fewer to compare.
        self._beginnings = {
            letter: Lookalikes({word[:length] for word in words for length in BEGINNINGS})
            for letter, words in groupby(self._words.keys, lambda word: word[:1])
        }

    def suggest(self, typed: str, limit: int) -> list[Suggestion]:
        """The most frequent first. Nothing where nothing begins so, also with a slip put right."""
        words = words_of(typed)
        if not words or limit < 1 or len(typed) > LONGEST_TYPED or len(words) > MOST_TYPED_WORDS:
            return []
        # A dash may be the middle of a word: "t-".
        is_whole = not words_of(typed[-1]) and typed[-1] not in "'-" + FANCY
        before, beginning = (words, "") if is_whole else (words[:-1], words[-1])
        asked = _Asked(tuple(self._known_form(word) or word for word in before), folded(beginning))
        found = self._completed(asked, limit * SPARE)
        if not found and not self._words.most(asked.beginning):
            for meant in self._meant(asked.beginning):
                found += self._completed(replace(asked, beginning=meant), limit * SPARE)
        return _best(found, " ".join(words), limit)

    def go_together(self, word: str, others: Sequence[str]) -> bool:
        """Whether products are called by the word and each of the others: FEWEST_BESIDE or more different ones that
        products are called by."""
        place, groups = self._places.get(word), self._groups(others)
        if place is None or len(groups) < FEWEST_BESIDE:
            return False
        return bool(self._pairs.shared(groups, place, place + 1)[0])

    def _completed(self, asked: _Asked, most: int) -> list[Suggestion]:
        found = self._named.top(_key((*asked.before, asked.beginning)), most)
        if not asked.before:
            found = found + [self._word(word) for word in self._words.top(asked.beginning, most)]
            return found + self._inner.top(asked.beginning, most) if found else found
        found = found + self._gone_on_with(asked, most)
        # Without a letter of the next word, those that go with the ones before say little: "blue men" for "blue ".
        return found + self._going_together(asked, most) if asked.beginning or not found else found

    def _word(self, word: str, before: Sequence[str] = ()) -> Suggestion:
        products = int(self._words.products[self._places[word]])
        return Suggestion(" ".join((*before, word)), Kind.PHRASE if before else Kind.WORD, products)

    def _gone_on_with(self, asked: _Asked, most: int) -> list[Suggestion]:
        """Phrases that begin with the end of what was typed, where products have both them and what stands before."""
        found = []
        for context in range(1, min(CONTEXT, len(asked.before) - 1) + 1):
            rest = asked.before[:-context]
            groups = self._groups(rest)
            shared = np.minimum(self._pairs.shared(groups, 0, len(self._words)), self._together(groups))
            for phrase in self._named.top(_key((*asked.before[-context:], asked.beginning)), most):
                words = words_of(phrase.text)
                places = [self._places[word] for word in words if word in self._places]
                products = min([phrase.products, *(int(shared[place]) for place in places)])
                if products and phrase.kind is Kind.PHRASE:
                    found.append(Suggestion(" ".join((*rest, *words)), Kind.PHRASE, products))
        return found

    def _going_together(self, asked: _Asked, most: int) -> list[Suggestion]:
        """Words that begin so and that products have together with each of the words before, in whatever order."""
        groups = self._groups(asked.before)
        if not groups:
            # Nothing is known of what stands before, so nothing speaks against any of them.
            return [self._word(word, asked.before) for word in self._words.top(asked.beginning, most)]
        low, high = self._words.span(asked.beginning)
        shared = np.minimum(self._pairs.shared(groups, low, high), self._together(groups))
        found = []
        for which in largest(shared, most):
            word = self._words.things[low + which]
            if shared[which] and word not in asked.before:
                found.append(Suggestion(" ".join((*asked.before, word)), Kind.PHRASE, int(shared[which])))
        return found

    def _together(self, groups: Sequence[Sequence[int]]) -> int:
        """Products that may be called by all of these words, which is as many as those two that go least together."""
        fewest = NO_LIMIT
        for at, group in enumerate(groups[:-1]):
            shared = self._pairs.shared([group], 0, len(self._words))
            fewest = min(fewest, *(int(shared[other].max()) for other in groups[at + 1 :]))
        return fewest

    def _groups(self, words: Sequence[str]) -> list[list[int]]:
        """Places of each word and its other forms; unknown words, and those that only join, have none."""
        forms = dict.fromkeys(singular(folded(word)) for word in words if word not in EDGELESS)
        return [self._forms[form] for form in forms if form in self._forms]

    def _meant(self, beginning: str) -> list[str]:
        """What a mistyped beginning of a word may be meant for, the likeliest first."""
        letters = beginning[:LONGEST_BEGINNING]
        if len(letters) < SHORTEST:
            return []
        known = self._beginnings.get(letters[0])
        near = known.near(letters, 1) if known else []
        return [text for _, text in sorted((-self._words.most(text), text) for text, _ in near)[:MOST_MEANT]]


def _keys(named: Suggestion) -> list[str]:
    """What it is found by: its beginning, and of a name each of its words, so that "lauren" finds Ralph Lauren."""
    words = words_of(named.text)
    return [_key(words), *_later_keys(words)] if named.kind in NAMES else [_key(words)]


def _inner_keys(named: Suggestion) -> list[str]:
    """What a phrase is found by where one word was typed, which titles mostly end with: "shirt" finds blue shirt."""
    return _later_keys(words_of(named.text)) if named.kind is Kind.PHRASE else []


def _later_keys(words: Sequence[str]) -> list[str]:
    return [_key(words[at:]) for at in range(1, len(words)) if words[at] not in EDGELESS]


def _key(words: Sequence[str]) -> str:
    return " ".join(folded(word) for word in words)


def _best(found: Sequence[Suggestion], typed: str, limit: int) -> list[Suggestion]:
    """The most frequent, each once; what was typed is no suggestion, except as a name to filter by."""
    names = [each for each in found if each.kind in NAMES]
    written = {_key(words_of(each.text)) for each in names}
    own = singular(_key(words_of(typed)))
    # Of several forms (blue shirt, blue shirts) the one that was found first: titles' own phrases come before words
    # that merely go together. A word that is written like a name is that name.
    forms: dict[str, Suggestion] = {}
    for each in found:
        key = _key(words_of(each.text))
        if each.kind not in NAMES and key not in written and singular(key) != own:
            first = forms.setdefault(singular(key), each)
            if each.text == first.text and each.products > first.products:
                forms[singular(key)] = each
    best = [*_large(names), *forms.values()]
    return sorted(best, key=_rank)[:limit]


def _rank(each: Suggestion) -> tuple[object, ...]:
    """The most frequent first; of equals names and what is said in fewer words."""
    return (-each.products, each.kind not in NAMES, each.text.count(" "), each.text, each.value or "")


def _large(names: Iterable[Suggestion]) -> Iterator[Suggestion]:
    """Of names that are written alike those that are worth a choice: Men/Shoes beside Women/Shoes, not Toys/Shoes."""
    largest_so: dict[tuple[str, Kind], Suggestion] = {}
    for each in sorted(set(names), key=_rank):
        first = largest_so.setdefault((each.text.lower(), each.kind), each)
        if each is first or (each.kind is Kind.CATEGORY and each.products * NAMESAKES >= first.products):
            yield each
