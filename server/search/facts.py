"""What is asked of the catalogue at every search and changes seldom: its currency, brands and categories."""

import time
from collections.abc import Callable
from typing import Any

from server.db.engine import Database
from server.search.plan import Costs
from server.search.statements import SQL

# How long a fact is remembered.
FACT_SECONDS = 30.0
# How old it may be where another spelling would take the place of what was asked for.
SURE_SECONDS = 2.0


class CatalogueFacts:
    """Facts of one database, remembered for FACT_SECONDS. Thread-safe: at worst two threads ask at once."""

    def __init__(self, database: Database, currency: str | None) -> None:
        """`currency` is the shop's where somebody chose it; None: that of most products."""
        self._database = database
        self._fixed_currency = currency
        self._known: dict[str, tuple[float, Any]] = {}
        self._made: dict[str, tuple[object, Any]] = {}

    def currency(self) -> str:
        """The shop's currency: the setting's, else the one that most live products have, else USD."""
        if self._fixed_currency is not None:
            return self._fixed_currency
        rows = self._fact("common_currency")
        return str(rows[0][0]) if rows else "USD"

    def has_further_pictures(self) -> bool:
        """Whether any product has more than one picture."""
        return bool(self._fact("further_pictures")[0][0])

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
        return self._made_of("brands", self._brands_by_name).get(" ".join(name.casefold().split())) or (name,)

    def brands_meant(self, name: str) -> tuple[str, ...]:
        """This very brand; where it is not known, also those that are called so whatever the case."""
        named = self.brands_named(name)
        return (name,) if name in named else (name, *named)

    def brands_shown(self, name: str) -> tuple[str, ...]:
        """The same as the shop writes them; as typed where there is none."""
        named = self.brands_named(name)
        return (name,) if name in named else named

    def category_meant(self, path: str) -> str:
        """This very path; where there is none, the largest that is called so whatever the case."""
        named: list[str] = []
        for at_most in (FACT_SECONDS, SURE_SECONDS):
            by_name = self._made_of("categories", self._categories_by_name, at_most)
            named = by_name.get(path.casefold(), [])
            if path in named or not named:
                return path
        return named[0]

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

    def names_another_kind(self, words: str, chosen: str | None, category: str) -> bool:
        """Whether words or a chosen category lead out of a category: "dress" leads out of Apparel/Shirts."""
        if chosen is not None and category != chosen and not category.startswith(chosen + "/"):
            return True
        own = {way for part in category.split("/") for way in _ways(part)}
        kinds = self._made_of("categories", self._categories_by_end, of="ends")
        return any(word in kinds and word not in own for word in words.casefold().split())

    def _categories_by_end(self) -> set[str]:
        """What the last parts of all categories are called, singular and plural."""
        return {way for path, _ in self.categories() for way in _ways(_end(path))}

    def _brands_by_name(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for brand, _ in self.brands():
            name = " ".join(brand.casefold().split())
            found[name] = (*found.get(name, ()), brand)
        return found

    def _categories_by_name(self) -> dict[str, list[str]]:
        """The largest first."""
        found: dict[str, list[str]] = {}
        for path, _ in sorted(self.categories(), key=lambda one: -one[1]):
            found.setdefault(path.casefold(), []).append(path)
        return found

    def _made_of(self, name: str, make: Callable[[], Any], at_most: float = FACT_SECONDS, of: str = "") -> Any:
        """What `make` makes of a fact, made again when the fact was asked for again.

        at_most: how old it may be. of: tells several that are made of one fact apart.
        """
        fact = self._fact(name, at_most)
        made = self._made.get(name + of)
        if made is None or made[0] is not fact:
            made = self._made[name + of] = (fact, make())
        return made[1]

    def _fact(self, name: str, at_most: float = FACT_SECONDS) -> list[tuple[Any, ...]]:
        """Not to be changed by the caller. at_most: how many seconds old it may be."""
        known = self._known.get(name)
        if known is not None and known[0] + at_most > time.monotonic():
            return known[1]  # type: ignore[no-any-return]
        with self._database.connection() as connection:
            rows = connection.execute(SQL[name]).fetchall()
        self._known[name] = (time.monotonic(), rows)
        return rows


def _ways(name: str) -> set[str]:
    """A name as one and as many."""
    name = name.casefold()
    return {name, name.removesuffix("s"), name.removesuffix("es"), name + "s"}


def _end(path: str) -> str:
    return path.rpartition("/")[2].casefold()
