"""Keeps sketches and words up to date while a server runs, for what is added otherwise than by an import."""

import logging
import threading
import time
from dataclasses import dataclass

from server.db.engine import Database
from server.errors import VitrineError
from server.search.refresh import refresh_search
from server.search.statements import SQL

CHECK_SECONDS = 60.0
# Of so large a part of the catalogue that came or went, searches are told at once; of less, after a while.
LARGE_PART = 0.02
PATIENCE_SECONDS = 1800.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Changes:
    """products: in the shop. moved: how many came or went since Postgres counts."""

    products: int
    moved: int


class Housekeeper:
    """A thread that looks once a minute whether a refresh pays. Of several servers one does it, by a lock."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = threading.Event()
        self._done: tuple[Changes, float] | None = None

    def start(self) -> None:
        """Begin. The thread ends with the process, or at `stop`."""
        threading.Thread(target=self._run, daemon=True, name="housekeeper").start()

    def stop(self) -> None:
        """End after what is under way."""
        self._stop.set()

    def look(self) -> bool:
        """Refresh if it pays; whether it did. Raises VitrineError."""
        with self._database.connection() as connection:
            row = connection.execute(SQL["changes"]).fetchone()
        now = Changes(0, 0) if row is None else Changes(*row[:2])
        is_behind = row is not None and bool(row[2])
        if self._done is None and not is_behind:
            self._done = (now, time.monotonic())
        if not is_behind and self._done is not None:
            moved = now.moved - self._done[0].moved
            waited = time.monotonic() - self._done[1]
            if moved <= LARGE_PART * now.products and not (moved and waited > PATIENCE_SECONDS):
                return False
        refresh_search(self._database)
        self._done = (now, time.monotonic())
        return True

    def _run(self) -> None:
        while not self._stop.wait(CHECK_SECONDS):
            try:
                self.look()
            except VitrineError as exc:
                log.warning("Sketches and words could not be brought up to date: %s", exc.message)
