"""Does every live product have a vector of what it is now? Counted in SQL, and repaired.

Products that come through an import or the API have one. Those that somebody writes in SQL do not, until this has gone
over them.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import psycopg

from server.catalog.change import Outcome
from server.catalog.products import Catalog
from server.db.engine import Database
from server.db.named_sql import load
from server.db.pace import FULL_SPEED, Pace

SQL = load(__file__, "coverage.sql")
BATCH = 64
# For pages that look again and again: a million pictures are counted in seconds.
SOON = 60.0
# Database -> when its further pictures were counted, how many there are, and how many lack a vector.
_counted: dict[tuple[str, int, str], tuple[float, tuple[int, int]]] = {}


@dataclass(frozen=True)
class Coverage:
    """Live products, and how many of them words find as they are now. outdated: their title was changed since.

    pictures: of products, beside the first one of each; pictures_missing: those without a vector of their own.
    """

    live: int
    covered: int
    without_vector: int
    outdated: int
    pictures: int = 0
    pictures_missing: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing lacks a vector."""
        return self.covered == self.live and not self.pictures_missing

    @property
    def share(self) -> float:
        """The part that is covered, 0 to 1; 1 in an empty shop."""
        return self.covered / self.live if self.live else 1.0


@dataclass(frozen=True)
class Gap:
    """A product that is not covered, and why."""

    sku: str
    reason: str


@dataclass
class Repair:
    """What a repair did. left: products that it could not help, and why. pictures: further ones that were embedded."""

    filled: int = 0
    pictures: int = 0
    left: list[Gap] = field(default_factory=list)


def read_coverage(connection: psycopg.Connection, pictures_at_most: float = 0.0) -> Coverage:
    """Counted now. pictures_at_most: so many seconds old the count of further pictures may be, which takes longest."""
    live, covered, without_vector, outdated = connection.execute(SQL["coverage"]).fetchone() or (0, 0, 0, 0)
    key = (connection.info.host, connection.info.port, connection.info.dbname)
    counted = _counted.get(key)
    if counted is None or counted[0] + pictures_at_most <= time.monotonic():
        pictures = connection.execute(SQL["pictures"]).fetchone() or (0, 0)
        counted = _counted[key] = (time.monotonic(), (pictures[0], pictures[1]))
    return Coverage(live, covered, without_vector, outdated, *counted[1])


def find_gaps(connection: psycopg.Connection, limit: int, after: str = "") -> list[Gap]:
    """The first gaps behind a SKU."""
    return [Gap(*row) for row in connection.execute(SQL["gaps"], {"after": after, "limit": limit})]


def repair(
    database: Database, catalog: Catalog, go_on: Callable[[], bool] = lambda: True, batch: int = BATCH
) -> Repair:
    """Embed what lacks a vector, in batches of a transaction each; killed at any moment it is done again from there.

    go_on: asked before each batch. Raises ModelError and the like, where it says nothing of a single product.
    """
    done = Repair()
    for gaps in _batches(database, batch):
        if not go_on():
            break
        outcomes = catalog.embed_again([gap.sku for gap in gaps])
        with database.connection() as connection:
            rows = connection.execute(SQL["still"], {"skus": [gap.sku for gap in gaps]}).fetchall()
        still = {sku for (sku,) in rows}
        done.filled += sum(gap.sku not in still for gap in gaps)
        done.left += [Gap(gap.sku, _why(gap, outcomes)) for gap in gaps if gap.sku in still]
    return done


def repair_pictures(catalog: Catalog, go_on: Callable[[], bool] = lambda: True, pace: Pace = FULL_SPEED) -> Repair:
    """The same for the further pictures of products."""
    made = catalog.embed_pictures(go_on, pace)
    left = [Gap(gap.sku, f"a further picture: {gap.reason}") for gap in made.left]
    return Repair(pictures=made.pictures, left=left)


def _batches(database: Database, batch: int) -> Iterator[list[Gap]]:
    after = ""
    while True:
        with database.connection() as connection:
            gaps = find_gaps(connection, batch, after)
        if not gaps:
            return
        yield gaps
        after = gaps[-1].sku


def _why(gap: Gap, outcomes: dict[str, Outcome]) -> str:
    outcome = outcomes.get(gap.sku)
    if outcome is None or outcome.action == "refused":
        return "is being changed by somebody else" if outcome is None else f"{outcome.field} {outcome.reason}".strip()
    return "its picture cannot be read"
