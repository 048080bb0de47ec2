"""What was typed, as the full-text index understands it: groups of words, each with what counts as the same.

A group is one word, with its corrected spelling and its synonyms as alternatives. What it tells is its inverse document
frequency t = ln(1 + N / n) (Spärck Jones 1972). How much of the groups a product has is the text score:

    text = (sum of w * worth) ^ SHARPNESS * (1 - TITLE_SHARE + TITLE_SHARE * words of the title that were asked / all)

`w` is the root of t over the sum of all groups' roots, so that a product called by all groups and nothing else has 1.
How much that counts beside the look is `weight`, TEXT_WEIGHT * sum of t^2: the squared length of the query as a tf-idf
vector. One rare word or a whole title tells a product better than its look, two common words do not. MANY_WORDS or more
are a title rather than a description, and count MANY_TIMES as much. docs/benchmarks.md has what was measured.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import psycopg

from server.search.statements import SQL

# Beyond so many groups the commonest are left out of the choice of products, not out of the score.
MOST_GROUPS = 8
# Words beyond these are for the vector alone.
MOST_WORDS = 32
_LEXEME = re.compile(r"'(?:[^']|'')*'(?::\w+)?")


# What a group tells, where it stands: not at all, in the description, in category or attributes, in title or brand.
WORTH = (0.0, 0.4, 0.9, 1.0)
IN_TITLE = 3
# So much of the score a title loses that says nothing of what was asked.
TITLE_SHARE = 0.4
# What has half of the words is worth next to nothing: its look tells more.
SHARPNESS = 6
TEXT_WEIGHT = 0.4
# A description has three words, a title five or six.
MANY_WORDS = 4
MANY_TIMES = 3.0
# A whole title is as telling as the rule for one.
MOST_WEIGHT = 100.0
# Where nobody has counted the catalogue yet.
FEW_PRODUCTS = 30


@dataclass(frozen=True)
class Group:
    """words: as typed. weak: a tsquery that holds where the product has them; strong: where title or brand have.

    weight: the group's part of the text score; all groups' make 1.
    """

    words: str
    weak: str
    strong: str
    weight: float

    @property
    def named(self) -> str:
        """A tsquery that holds where title, brand, category or attributes have the group."""
        return self.strong.replace(":AB", ":ABC")


class Worded(NamedTuple):
    """How much of the words a product has, 0 to 1, and whether it has all of them somewhere."""

    text: float
    has_all: bool


NO_WORDS = Worded(0.0, False)


@dataclass(frozen=True)
class TextQuery:
    """The groups that were typed, and what a product must have (phrases) or must not have (-words) in any case.

    must: a tsquery of word stems. exact: one of words as they are written. weight: what a text score of 1 is worth, in
    standard deviations of the look.
    """

    groups: tuple[Group, ...] = ()
    must: str | None = None
    exact: str | None = None
    weight: float = 0.0

    def at_least(self, number: int) -> str:
        """A tsquery of products that have so many of the groups, or more."""
        chosen = sorted(self.groups, key=lambda group: -group.weight)[:MOST_GROUPS]
        return _at_least([f"({group.weak})" for group in chosen], number)

    @property
    def size(self) -> int:
        """How many groups `at_least` knows."""
        return min(len(self.groups), MOST_GROUPS)

    def worded(self, found: Sequence[int], title_words: int) -> Worded:
        """The text score of a product. `found` is what `coverage` in text.sql tells of it."""
        covered = sum(group.weight * WORTH[where] for group, where in zip(self.groups, found, strict=True))
        in_title = sum(1 for where in found if where == IN_TITLE)
        asked = min(1.0, in_title / max(title_words, 1))
        return Worded(covered**SHARPNESS * (1.0 - TITLE_SHARE + TITLE_SHARE * asked), all(found))


def _at_least(some: Sequence[str], number: int) -> str:
    """The first and all but one of the others, or all of them without it: the index compares each row with less than
    half of what a list of all combinations has.
    """
    if number == 1:
        return " | ".join(some)
    if number == len(some):
        return " & ".join(some)
    return f"({some[0]} & ({_at_least(some[1:], number - 1)}) | {_at_least(some[1:], number)})"


@dataclass(frozen=True)
class Alternatives:
    """Words that count as one: the first is what was typed. products: how many have it; None where nobody knows."""

    words: tuple[str, ...]
    products: int | None


def build_text_query(
    connection: psycopg.Connection,
    alternatives: Sequence[Alternatives],
    phrases: Sequence[str],
    excluded: Sequence[str],
    excluded_phrases: Sequence[str],
    products: int,
) -> TextQuery:
    """The groups and conditions, with words brought to the forms that the index has. Stop words drop out.

    products: in the catalogue; 0 where nobody knows.
    """
    told = [word for group in alternatives[:MOST_WORDS] for word in group.words]
    forms = _forms(connection, [*told, *phrases, *excluded, *excluded_phrases])
    groups = list(_groups(alternatives[:MOST_WORDS], lambda word: forms[word].stems, products or FEW_PRODUCTS))
    total = sum(math.sqrt(group.weight) for group in groups) or 1.0
    times = MANY_TIMES if len(groups) >= MANY_WORDS else 1.0
    # A word is left out with all its endings, one of several parts also as it stands, as is one too common for a stem.
    without = [forms[word] for word in excluded]
    must = [f"!({form.stems})" for form in without if form.stems]
    exact = [f"({forms[phrase].exact})" for phrase in phrases if forms[phrase].exact]
    exact += [f"!({form.exact})" for form in without if form.exact and not form.is_stem]
    exact += [f"!({forms[phrase].exact})" for phrase in excluded_phrases if forms[phrase].exact]
    return TextQuery(
        tuple(replace(group, weight=math.sqrt(group.weight) / total) for group in groups),
        " & ".join(must) or None,
        " & ".join(exact) or None,
        min(MOST_WEIGHT, times * TEXT_WEIGHT * sum(group.weight**2 for group in groups)),
    )


def _groups(alternatives: Iterable[Alternatives], lexemes: Callable[[str], str], products: int) -> Iterable[Group]:
    """Groups whose weight is still what they tell."""
    seen = set()
    for group in alternatives:
        weak = " | ".join(dict.fromkeys(f"({lexemes(word)})" for word in group.words if lexemes(word)))
        if not weak or weak in seen:
            continue
        seen.add(weak)
        known = max(group.products if group.products is not None else 1, 1)
        weight = math.log(1.0 + max(products, known) / known)
        yield Group(group.words[0], weak, _LEXEME.sub(_in_title, weak), weight)


def _in_title(lexeme: re.Match[str]) -> str:
    return lexeme[0].partition("':")[0].rstrip("'") + "':AB" if "':" in lexeme[0] else lexeme[0] + ":AB"


class _Form(NamedTuple):
    """What words are to the full-text index: their stems, and themselves; each empty where there is nothing."""

    stems: str
    exact: str

    @property
    def is_stem(self) -> bool:
        """Whether it is one word, and one that the index knows by its stem."""
        return bool(self.stems) and "<" not in self.exact


def _forms(connection: psycopg.Connection, words: list[str]) -> dict[str, _Form]:
    if not words:
        return {}
    rows = connection.execute(SQL["lexemes"], {"words": words}, prepare=True).fetchall()
    return {word: _Form(stems, exact) for word, (_, stems, exact) in zip(words, rows, strict=True)}
