"""Searches and clicks on their way into the database: noted in memory, written by a thread, many at once.

A search never waits for this and never fails by it. What the memory cannot hold, or the database does not take, is
dropped and counted.
"""

import logging
import threading
import time
import uuid
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

import psycopg

from server.db.engine import Database
from server.db.named_sql import load
from server.errors import DatabaseUnavailable, VitrineError
from server.events.event import Click, SearchEvent

SQL = load(__file__, "events.sql")
WRITE_SECONDS = 2.0
# After failures the pauses double up to this.
LONGEST_PAUSE_SECONDS = 300.0
# How many may wait to be written. Beyond, they are dropped.
MOST_WAITING = 2_000
# A click may come before its search is written, by another process; so long it is looked for.
SEARCH_WAIT_SECONDS = 15.0
# So long after a search its products can be clicked, and so many of them.
CLICKABLE_SECONDS = 24 * 3600
MOST_CLICKS = 100

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Pending:
    """A click, and until when its search is waited for."""

    click: Click
    until: float


class EventLog:
    """Notes nothing before `start`, and never where `days` is 0. Thread-safe."""

    def __init__(self, database: Database, days: int) -> None:
        """days: how long searches are kept."""
        self._database = database
        self._days = days
        self._lock = threading.Lock()
        self._searches: deque[SearchEvent] = deque()
        self._clicks: deque[_Pending] = deque()
        self._stop = threading.Event()
        self.is_recording = False
        self.dropped = 0
        """How many searches and clicks this process has lost since it started."""

    def start(self, in_thread: bool = True) -> None:
        """Begin to note. The thread that writes ends with the process, or at `stop`; without it the caller writes."""
        self.is_recording = self._days > 0
        if in_thread and self.is_recording:
            threading.Thread(target=self._run, daemon=True, name="search-events").start()

    def stop(self) -> None:
        """Note no more, and write what waits as far as the database takes it."""
        self.is_recording = False
        self._stop.set()
        with suppress(VitrineError):
            self.write()

    def new_id(self) -> uuid.UUID | None:
        """The id of a search that is to be noted; None where nothing is."""
        return uuid.uuid4() if self.is_recording else None

    def note_search(self, event: SearchEvent) -> None:
        """Have it written, some time."""
        with self._lock:
            if self.is_recording and not self._is_full(len(self._searches)):
                self._searches.append(event)

    def note_click(self, click: Click) -> None:
        """Have it written, some time, if its search is known by then."""
        with self._lock:
            if self.is_recording and not self._is_full(len(self._clicks)):
                self._clicks.append(_Pending(click, time.monotonic() + SEARCH_WAIT_SECONDS))

    def write(self) -> int:
        """Write what waits; how many that were. Raises VitrineError.

        What a database does not take that is away, or a standby, waits on. What it refuses for other reasons is
        dropped, as it would be refused again.
        """
        with self._lock:
            searches, self._searches = self._searches, deque()
            clicks, self._clicks = self._clicks, deque()
        if not searches and not clicks:
            return 0
        try:
            with self._database.connection() as connection:
                self._write_searches(connection, searches)
                early = self._write_clicks(connection, clicks)
        except DatabaseUnavailable:
            self._put_back(searches, clicks)
            raise
        except Exception:
            with self._lock:
                self.dropped += len(searches) + len(clicks)
            raise
        self._put_back(deque(), early)
        return len(searches) + len(clicks) - len(early)

    def _write_searches(self, connection: psycopg.Connection, searches: deque[SearchEvent]) -> None:
        if searches:
            with connection.cursor() as cursor:
                cursor.executemany(SQL["keep_search"], [event.row() for event in searches])

    def _write_clicks(self, connection: psycopg.Connection, clicks: deque[_Pending]) -> deque[_Pending]:
        """Those of known searches; returns those whose search may still come."""
        if not clicks:
            return deque()
        asked = {"searches": list({one.click.search for one in clicks}), "seconds": CLICKABLE_SECONDS}
        known = {row[0] for row in connection.execute(SQL["known"], asked)}
        some = [one.click for one in clicks if one.click.search in known]
        if some:
            columns = {
                "searches": [click.search for click in some],
                "skus": [click.sku for click in some],
                "positions": [click.position for click in some],
                "times": [click.at for click in some],
            }
            connection.execute(SQL["keep_clicks"], {**columns, "most": MOST_CLICKS})
        now = time.monotonic()
        return deque(one for one in clicks if one.click.search not in known and now < one.until)

    def _put_back(self, searches: deque[SearchEvent], clicks: deque[_Pending]) -> None:
        """Before what came meanwhile; of what is too much, the newest goes."""
        with self._lock:
            self._searches.extendleft(reversed(searches))
            self._clicks.extendleft(reversed(clicks))
            for waiting in (self._searches, self._clicks):
                while len(waiting) > MOST_WAITING:
                    waiting.pop()
                    self.dropped += 1

    def _is_full(self, waiting: int) -> bool:
        self.dropped += waiting >= MOST_WAITING
        return waiting >= MOST_WAITING

    def _run(self) -> None:
        pause, told = WRITE_SECONDS, 0
        while not self._stop.wait(pause):
            try:
                self.write()
                pause = WRITE_SECONDS
            except VitrineError as exc:
                log.warning("Searches are not recorded for now: %s", exc.message)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            except Exception:
                log.exception("Searches could not be recorded")
            if self.dropped > told:
                log.warning("%s searches and clicks were not recorded", self.dropped - told)
                told = self.dropped
