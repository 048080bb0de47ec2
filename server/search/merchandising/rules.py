"""Which rules hold for a query, and what they do to the scores of its products.

A rule is a bonus on a score, as a SKU that was typed is one (server/search/scoring.py): nothing depends on which other
products were found, so that a cursor goes on behind a score. Pins stand before all else in the order of their places,
buried products behind all else, a boost moves by so many standard deviations of the look.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from server.db.engine import Database
from server.db.named_sql import load

SQL = load(__file__, "rules.sql")

# How long a process goes by what it knows: whoever makes a rule sees it at once in the preview, and soon in the shop.
RULE_SECONDS = 2.0
# Beyond whatever a score can reach, a place of pins from the next one too.
PINNED = 1e9
A_PLACE = 1e6
BURIED = -1e9


class Kind(StrEnum):
    """What a rule does."""

    PIN = "pin"
    BURY = "bury"
    BOOST = "boost"
    REDIRECT = "redirect"


@dataclass(frozen=True)
class Rule:
    """One rule that holds now. whole: the query has to be just these words, else it has to have them all."""

    id: int
    kind: Kind
    query: str
    whole: bool
    sku: str | None
    brand: str | None
    category: str | None
    place: int | None
    points: float | None
    target: str | None

    def holds_for(self, query: str) -> bool:
        """query: normalised."""
        if self.whole:
            return query == self.query
        return set(self.query.split()) <= set(query.split())

    @property
    def name(self) -> str:
        """As an answer's `explain` says it."""
        return f"{self.kind} {self.id}"

    @property
    def bonus(self) -> float:
        """What it adds to a score."""
        if self.kind is Kind.PIN:
            return PINNED - A_PLACE * (self.place or 0)
        return BURIED if self.kind is Kind.BURY else self.points or 0.0


@dataclass(frozen=True)
class Applied:
    """A rule as the first page of a result applied it, for a cursor to carry. sku None: of a brand or a category."""

    name: str
    bonus: float
    sku: str | None = None
    brand: str | None = None
    category: str | None = None
    adds: bool = False  # the product belongs to the result even if neither look nor words found it


@dataclass(frozen=True)
class Merchandised:
    """What is done about one query."""

    applied: tuple[Applied, ...] = ()
    redirect: str | None = None


NONE = Merchandised()


def normalised(words: str) -> str:
    """Words as rules compare them."""
    return " ".join(words.casefold().split())


def of_query(rules: Iterable[Rule], *queries: str) -> Merchandised:
    """What the rules do about a query, that was typed in these ways (as it stands, its words alone, as corrected)."""
    asked = {normalised(query) for query in queries} - {""}
    held = [rule for rule in rules if any(rule.holds_for(query) for query in asked)]
    applied = [
        Applied(rule.name, rule.bonus, rule.sku, rule.brand, rule.category, rule.kind is Kind.PIN)
        for rule in held
        if rule.kind is not Kind.REDIRECT
    ]
    redirect = next((rule.target for rule in held if rule.kind is Kind.REDIRECT), None)
    return Merchandised(tuple(applied), redirect)


class RuleBook:
    """The rules of one database, remembered for RULE_SECONDS. Thread-safe: at worst two threads ask at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: tuple[float, list[Rule]] | None = None

    def rules(self) -> list[Rule]:
        """Those that hold now."""
        known = self._known
        if known is not None and known[0] + RULE_SECONDS > time.monotonic():
            return known[1]
        with self._database.connection() as connection:
            rows = connection.execute(SQL["active"], prepare=True).fetchall()
        rules = [Rule(row[0], Kind(row[1]), *row[2:]) for row in rows]
        self._known = (time.monotonic(), rules)
        return rules

    def forget(self) -> None:
        """Ask again at the next search."""
        self._known = None
