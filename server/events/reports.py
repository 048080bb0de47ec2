"""What people searched for in some days, and what came of it."""

import datetime
from collections import defaultdict
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row

from server.db.named_sql import load

SQL = load(__file__, "reports.sql")
MOST_SHOWN = 20
# The slowest twentieth of a query's searches takes so long, or the query is none to look after.
SLOW_MS = 100.0


@dataclass(frozen=True)
class Day:
    """A day's searches from one origin. clicked: those in which something was."""

    day: datetime.date
    origin: str
    searches: int
    without_results: int
    clicked: int
    median_ms: float


@dataclass(frozen=True)
class QueryLine:
    """A query. found: the most products that it found. slow_ms: the slowest twentieth took so long or longer."""

    list: str
    query: str
    searches: int
    clicked: int
    mean_position: float | None
    found: int
    is_exact: bool
    slow_ms: float
    path: str

    @property
    def clicked_share(self) -> float:
        """Of its searches, those in which something was clicked."""
        return self.clicked / self.searches


@dataclass(frozen=True)
class Fruitless:
    """A query that found nothing. narrowed: how often beside filters, which may be why."""

    query: str
    searches: int
    narrowed: int
    last_at: datetime.datetime


@dataclass(frozen=True)
class Clicked:
    """A product that was clicked. title: None where there is no such product any more."""

    sku: str
    title: str | None
    is_live: bool
    clicks: int
    mean_position: float
    query: str | None


@dataclass(frozen=True)
class Report:
    """All of it, each list with what matters most first."""

    days: list[Day]
    top: list[QueryLine]
    slow: list[QueryLine]
    unclicked: list[QueryLine]
    fruitless: list[Fruitless]
    products: list[Clicked]

    @property
    def searches(self) -> int:
        return sum(day.searches for day in self.days)

    @property
    def clicked(self) -> int:
        return sum(day.clicked for day in self.days)

    @property
    def without_results(self) -> int:
        return sum(day.without_results for day in self.days)

    def from_origin(self, origin: str) -> int:
        """How many searches came from there."""
        return sum(day.searches for day in self.days if day.origin == origin)


def read_report(connection: psycopg.Connection, days: int) -> Report:
    """The report of so many days up to now."""
    asked = {"days": days, "most": MOST_SHOWN, "slow": SLOW_MS}
    lists: dict[str, list[QueryLine]] = defaultdict(list)
    with connection.cursor(row_factory=class_row(QueryLine)) as lines:
        for line in lines.execute(SQL["queries"], asked):
            lists[line.list].append(line)
    with connection.cursor(row_factory=class_row(Day)) as by_day:
        told = by_day.execute(SQL["by_day"], asked).fetchall()
    with connection.cursor(row_factory=class_row(Fruitless)) as fruitless:
        without = fruitless.execute(SQL["without_results"], asked).fetchall()
    with connection.cursor(row_factory=class_row(Clicked)) as clicked:
        products = clicked.execute(SQL["clicks_by_product"], asked).fetchall()
    return Report(told, lists["top"], lists["slow"], lists["unclicked"], without, products)
