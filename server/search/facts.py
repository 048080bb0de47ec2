"""What is asked of the catalogue at every search and changes seldom: its currency, brands and categories."""

import time
from typing import Any

from server.db.engine import Database
from server.search.plan import Costs
from server.search.statements import SQL

# How long a fact is remembered.
FACT_SECONDS = 30.0


class CatalogueFacts:
    """Facts of one database, remembered for FACT_SECONDS. Thread-safe: at worst two threads ask at once."""

    def __init__(self, database: Database, currency: str | None) -> None:
        """`currency` is the shop's where somebody chose it; None: that of most products."""
        self._database = database
        self._fixed_currency = currency
        self._known: dict[str, tuple[float, Any]] = {}

    def currency(self) -> str:
        """The shop's currency: the setting's, else the one that most live products have, else USD."""
        if self._fixed_currency is not None:
            return self._fixed_currency
        rows = self._fact("common_currency")
        return str(rows[0][0]) if rows else "USD"

    def costs(self) -> Costs:
        """What the ways of ranking take on this machine."""
        rows = self._fact("costs")
        return Costs(**rows[0][0]) if rows else Costs()

    def brands(self) -> list[tuple[str, int]]:
        """Brands and how many live products each has, the largest first."""
        return [(str(brand), int(count)) for brand, count in self._fact("brands")]

    def categories(self) -> list[tuple[str, int]]:
        """Category paths, their ancestors included, and how many live products lie at or below each."""
        counts: dict[str, int] = {}
        for path, count in self._fact("categories"):
            parts = str(path).split("/")
            for depth in range(1, len(parts) + 1):
                ancestor = "/".join(parts[:depth])
                counts[ancestor] = counts.get(ancestor, 0) + int(count)
        return sorted(counts.items())

    def brands_named(self, name: str) -> tuple[str, ...]:
        """The brands of the catalogue that are called so, whatever the case; as typed where there is none."""
        wanted = " ".join(name.casefold().split())
        return tuple(brand for brand, _ in self.brands() if brand.casefold() == wanted) or (name,)

    def category_named(self, name: str) -> str:
        """The category whose path, its end or one of its parts is called so, whatever the case: the largest of them;
        as typed where there is none. The plural finds the singular and the other way round."""
        wanted = name.strip("/ ").casefold()
        ways = {wanted, wanted.removesuffix("s"), wanted + "s"}
        best = [(path, count) for path, count in self.categories() if path.casefold() in ways]
        best = best or [(path, count) for path, count in self.categories() if _end(path) in ways]
        if not best:
            best = [(path, count) for path, count in self.categories() if path.casefold().endswith("/" + wanted)]
        return max(best, key=lambda found: found[1])[0] if best else name.strip("/ ") or name

    def _fact(self, name: str) -> list[tuple[Any, ...]]:
        known = self._known.get(name)
        if known is not None and known[0] > time.monotonic():
            return list(known[1])
        with self._database.connection() as connection:
            rows = connection.execute(SQL[name]).fetchall()
        self._known[name] = (time.monotonic() + FACT_SECONDS, rows)
        return rows


def _end(path: str) -> str:
    return path.rpartition("/")[2].casefold()
