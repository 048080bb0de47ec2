"""What was typed, as the full-text index understands it: groups of words, each with what counts as the same.

A group is one word, with its corrected spelling and its synonyms as alternatives. `weight` says how much the group
tells: its inverse document frequency ln(1 + N / n) (Spärck Jones 1972), over the sum of all groups', so that a product
with all groups in its title has a text score of 1.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import psycopg

from server.search.statements import SQL

# Beyond so many groups the commonest are left out of the choice of products, not out of the score.
MOST_GROUPS = 8
# Words beyond these are for the vector alone.
MOST_WORDS = 32
_LEXEME = re.compile(r"'(?:[^']|'')*'(?::\w+)?")


@dataclass(frozen=True)
class Group:
    """words: as typed. weak: a tsquery that holds where the product has them; strong: where title or brand have."""

    words: str
    weak: str
    strong: str
    weight: float


@dataclass(frozen=True)
class TextQuery:
    """The groups that were typed, and what a product must have (phrases) or must not have (-words) in any case."""

    groups: tuple[Group, ...] = ()
    must: str | None = None

    def at_least(self, number: int) -> str:
        """A tsquery of products that have so many of the groups, or more."""
        chosen = sorted(self.groups, key=lambda group: -group.weight)[:MOST_GROUPS]
        together = (" & ".join(f"({group.weak})" for group in some) for some in combinations(chosen, number))
        return " | ".join(f"({part})" for part in together)

    @property
    def size(self) -> int:
        """How many groups `at_least` knows."""
        return min(len(self.groups), MOST_GROUPS)

    def text_score(self, found: Sequence[int], title_words: int) -> float:
        """How much of the groups a product has, 0 to 1. `found` is what `coverage` in text.sql tells of it.

        A word outside title and brand counts ELSEWHERE; what else stands in the title takes away up to TITLE_SHARE.
        """
        covered = sum(g.weight * _WORTH[where] for g, where in zip(self.groups, found, strict=True))
        in_title = sum(1 for where in found if where == 2)
        return covered * (1.0 - TITLE_SHARE + TITLE_SHARE * min(1.0, in_title / max(title_words, 1)))


ELSEWHERE = 0.6
TITLE_SHARE = 0.2
_WORTH = (0.0, ELSEWHERE, 1.0)


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
    products: int,
) -> TextQuery:
    """The groups and conditions, with words brought to the forms that the index has. Stop words drop out."""
    told = [word for group in alternatives[:MOST_WORDS] for word in group.words]
    quoted = [f'"{phrase}"' for phrase in phrases]
    lexemes = dict(zip([*told, *quoted, *excluded], _lexemes(connection, [*told, *quoted, *excluded]), strict=True))
    groups = list(_groups(alternatives[:MOST_WORDS], lexemes.__getitem__, products))
    total = sum(group.weight for group in groups) or 1.0
    must = [f"({lexemes[word]})" for word in quoted if lexemes[word]]
    must += [f"!({lexemes[word]})" for word in excluded if lexemes[word]]
    return TextQuery(
        tuple(Group(group.words, group.weak, group.strong, group.weight / total) for group in groups),
        " & ".join(must) or None,
    )


def _groups(alternatives: Iterable[Alternatives], lexemes: Callable[[str], str], products: int) -> Iterable[Group]:
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


def _lexemes(connection: psycopg.Connection, words: list[str]) -> list[str]:
    if not words:
        return []
    rows = connection.execute(SQL["lexemes"], {"words": words}, prepare=True).fetchall()
    return [lexeme for _, lexeme in rows]
