"""Which SKUs an import has met: to report one that stands twice, and to know what a whole catalogue lacks.

They live in a temporary table of the import's own connection, so that a million of them take no memory here.
"""

import datetime
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg

from server.db.named_sql import load

_SQL = load(__file__, "products.sql")

HIDE_AT_ONCE = 1_000


class SeenSkus:
    """The SKUs of one import. `began` is when it started, by the database's clock."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        with connection.transaction():
            connection.execute(_SQL["drop_seen"])
            connection.execute(_SQL["create_seen"])
            row = connection.execute("SELECT now()").fetchone()
        if row is None:
            raise AssertionError("a SELECT without FROM has a row")
        self.began: datetime.datetime = row[0]

    def see(self, places: Mapping[str, str]) -> dict[str, str]:
        """SKU -> place where it stood first; that is the one given where it is new."""
        with self._connection.transaction():
            rows = self._connection.execute(_SQL["see"], {"sku": list(places), "place": list(places.values())})
            return dict(rows.fetchall())

    def count_missing(self) -> tuple[int, int]:
        """(live products that were not met, all live products), of those that were there when the import began."""
        with self._connection.transaction():
            self._connection.execute("ANALYZE pg_temp.seen_sku")
            row = self._connection.execute(_SQL["count_missing"], {"began": self.began}).fetchone()
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    def hide_missing(self) -> Iterator[int]:
        """Hide them, some at a time; yields how many each time."""
        while True:
            with self._connection.transaction():
                parameters = {"began": self.began, "limit": HIDE_AT_ONCE}
                hidden = self._connection.execute(_SQL["hide_missing"], parameters).rowcount
            if hidden == 0:
                return
            yield hidden


@contextmanager
def seen_skus(connection: psycopg.Connection) -> Iterator[SeenSkus]:
    """The SKUs of one import, forgotten at the end, so that the connection can go back to its pool."""
    try:
        yield SeenSkus(connection)
    finally:
        if not connection.broken:
            connection.rollback()
            connection.execute(_SQL["drop_seen"])
            connection.commit()
