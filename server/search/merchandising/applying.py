"""Rules over the candidates of one result."""

from collections.abc import Sequence
from dataclasses import replace

from server.search.candidates import Ranker
from server.search.hits import Candidate
from server.search.merchandising.rules import NONE, SQL, Applied, Merchandised, RuleBook, of_query
from server.search.query import Mode, Query
from server.search.statements import SQL as STATEMENTS
from server.search.transaction import Wanted
from server.search.understanding import Understanding

# SKU -> names of the rules that hold for it.
Names = dict[str, tuple[str, ...]]


def of_search(book: RuleBook, query: Query, told: Understanding | None) -> Merchandised:
    """What somebody wants done about what was typed. By the look alone, or beside a product, there are no rules."""
    if told is None or not told.whole or not told.words or not query.merchandise or query.mode is Mode.VECTOR:
        return NONE
    return of_query(book.rules(), told.typed.text, told.typed.words, told.words)


def apply_rules(
    ranker: Ranker, wanted: Wanted, applied: Sequence[Applied], found: dict[str, Candidate]
) -> tuple[Names, dict[str, float]]:
    """Which rules hold for which product, and what each is worth. Pinned products that pass the filter are added."""
    missing = [one.sku for one in applied if one.adds and one.sku is not None and one.sku not in found]
    if missing:
        found.update((candidate.sku, candidate) for candidate in _pinned(ranker, wanted, missing))
    names: Names = {}
    for one in applied:
        for sku in [one.sku] if one.sku is not None else _of_group(ranker, one, found):
            if sku in found:
                names[sku] = (*names.get(sku, ()), one.name)
    return names, {one.name: one.bonus for one in applied}


def _pinned(ranker: Ranker, wanted: Wanted, skus: list[str]) -> list[Candidate]:
    """Those that pass the filter; also what has no vector yet, by which nothing can be told of its look."""
    cursor = ranker.begun.connection.cursor(binary=True)
    parameters = {**wanted.parameters(), "skus": skus}
    passing = [sku for (sku,) in cursor.execute(STATEMENTS["passing"], parameters, prepare=True)]
    seen = ranker.given(wanted, passing)
    unseen = set(passing) - {candidate.sku for candidate in seen}
    return seen + (ranker.given(replace(wanted, vector=None), sorted(unseen)) if unseen else [])


def _of_group(ranker: Ranker, one: Applied, found: dict[str, Candidate]) -> list[str]:
    """The candidates of a brand or a category."""
    parameters = {"skus": list(found), "brand": one.brand, "category": one.category}
    cursor = ranker.begun.connection.cursor(binary=True)
    return [sku for (sku,) in cursor.execute(SQL["boosted"], parameters, prepare=True)]
