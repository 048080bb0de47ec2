"""The words of a catalogue in memory: which it has, which was meant, and how a beginning may go on."""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import psycopg

from server.db.named_sql import load
from server.search.words.corrections import SHORTEST, Candidate, Corrections, weigh
from server.search.words.splitting import EDGELESS, LONGEST_WORD, singular, stem, words_of
from server.search.words.suggestions import Kind, Suggestion, Suggestions

SQL = load(__file__, "vocabulary.sql")

# Letters and at least two digits in one word: pl12896bs.
_CODE = re.compile(r"(?=.*[^\W\d_])(?=.*\d\d)")


@dataclass(frozen=True)
class Rows:
    """A vocabulary as the database holds it."""

    version: int = 0
    live: int = 0
    words: list[tuple[str, int, int]] = field(default_factory=list)  # word, products, those that are called by it
    named: list[tuple[str, str, int]] = field(default_factory=list)  # kind, phrase, products
    pairs: list[tuple[str, str, int]] = field(default_factory=list)  # word, other, products


class Vocabulary:
    """A copy that does not change. Thread-safe."""

    def __init__(self, rows: Rows | None = None, ordinary: Container[str] = frozenset()) -> None:
        """ordinary: words of the language, which are left as they are where the catalogue does not have them."""
        rows = rows or Rows()
        self.version = rows.version
        self._ordinary = ordinary
        self._products = {word: products for word, products, _ in rows.words}
        self._stems = {stem(word) for word in self._products}
        self._corrections = Corrections(
            (Candidate(word, weigh(products, titles)) for word, products, titles in rows.words), rows.live
        )
        self._suggestions = Suggestions(
            {word: titles for word, _, titles in rows.words if titles and is_suggested(word)},
            list(_named(rows.named)),
            rows.pairs,
            self._form,
        )

    def __contains__(self, word: object) -> bool:
        """Whether a live product has this very word, in lower case."""
        return word in self._products

    def __len__(self) -> int:
        return len(self._products)

    def products(self, word: str) -> int:
        """Live products that have the word, in lower case, in any of their texts; 0 where none has."""
        return self._products.get(word, 0)

    def knows(self, word: str) -> bool:
        """Whether the catalogue has the word or another form of it, as singular, plural, -ed or -ing."""
        return word in self._products or singular(word) in self._products or stem(word) in self._stems

    def correct(self, word: str, beside: Sequence[str] = ()) -> str | None:
        """The likeliest word of the catalogue for one that it does not have. beside: what else was typed.

        None where it has the word or a form of it; where nothing is near enough; for fewer than 4 letters, anything
        with a digit in it, and what is not one word. At most one slip (a letter left out, put in or changed, or two
        swapped) in up to 7 letters, two in longer words. Accents, dashes and apostrophes are no slips.
        """
        typed = words_of(word)
        if len(typed) != 1 or not SHORTEST <= len(typed[0]) <= LONGEST_WORD:
            return None
        if self.knows(typed[0]) or typed[0] in self._ordinary:
            return None
        others = [other for other in beside if other != word and self.knows(other)]
        if not others:
            return self._corrections.nearest(typed[0])
        return self._corrections.nearest(typed[0], lambda found: self._suggestions.go_together(found, others))

    def suggest(self, typed: str, limit: int = 8) -> list[Suggestion]:
        """How a query that begins so may go on, what most products have first; see Suggestion.

        The last word is completed, what stands before it is kept, slips in both are put right. Words are joined only
        where a product has both in what it is called.
        """
        return self._suggestions.suggest(typed, limit)

    def _form(self, word: str) -> str | None:
        return word if word in self._products else self.correct(word)


def is_suggested(word: str) -> bool:
    """Whether the word says something by itself: no single letter, number, joining word or article number does."""
    return len(word) > 1 and not word.isdigit() and word not in EDGELESS and not _CODE.search(word)


def _named(rows: Iterable[tuple[str, str, int]]) -> Iterator[Suggestion]:
    """Brands, categories by their own names, titles, and phrases that say something."""
    for kind, phrase, products in rows:
        if kind == Kind.CATEGORY:
            *above, name = phrase.split("/")
            # One that is called like the one above it is that one to whoever searches.
            if not above or above[-1].lower() != name.lower():
                yield Suggestion(name, Kind.CATEGORY, products, phrase)
        elif kind == Kind.BRAND:
            yield Suggestion(phrase, Kind.BRAND, products, phrase)
        elif kind == Kind.TITLE or _says_something(phrase.split(" ")):
            yield Suggestion(phrase, Kind(kind), products)


def _says_something(words: list[str]) -> bool:
    """Not "shirt blue shirts", where a title goes on behind its end, and nothing with an article number."""
    return len({singular(word) for word in words}) == len(words) and not any(map(_CODE.search, words))


def read_vocabulary(connection: psycopg.Connection, ordinary: Container[str] = frozenset()) -> Vocabulary:
    """The vocabulary that the last refresh computed; an empty one of version 0 where there was none."""
    return Vocabulary(read_rows(connection), ordinary)


def read_rows(connection: psycopg.Connection) -> Rows:
    """The vocabulary's rows. The version is read first: what a refresh changes meanwhile is read again later."""
    known = connection.execute(SQL["refreshed"]).fetchone()
    if known is None:
        return Rows()
    words = connection.execute(SQL["words"]).fetchall()
    named = connection.execute(SQL["phrases"]).fetchall()
    pairs = connection.execute(SQL["pairs"]).fetchall()
    version, live = known
    return Rows(version, live, words, named, pairs)
