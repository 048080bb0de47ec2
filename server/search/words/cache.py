"""The words that a process works with: those of the database, and newer ones soon after they were computed."""

import logging
import threading
import time
from collections.abc import Callable, Container

from server.db.engine import Database
from server.db.named_sql import load
from server.errors import VitrineError
from server.search.words.synonym_table import read_synonyms
from server.search.words.synonyms import Synonyms
from server.search.words.vocabulary import Vocabulary, read_vocabulary

SQL = load(__file__, "vocabulary.sql")

# How long a process may go on with words that another one has computed anew. A look costs one statement.
CHECK_SECONDS = 30.0

log = logging.getLogger(__name__)


class VocabularyCache:
    """Vocabulary and synonyms in memory. Thread-safe.

    Whoever asks first reads them and the others wait; afterwards nobody waits: a thread looks, at most every
    CHECK_SECONDS, whether the database has newer ones and reads them, while the old ones are served.
    """

    def __init__(
        self,
        database: Database,
        ordinary: Container[str] = frozenset(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """ordinary: words that are never taken for a slip; see Vocabulary."""
        self._database = database
        self._ordinary = ordinary
        self._clock = clock
        # Held by whoever reads, which takes seconds for a large catalogue.
        self._reading = threading.Lock()
        # Held for moments, by whoever decides that it is time to look.
        self._deciding = threading.Lock()
        self._look_at = 0.0
        self._known: tuple[Vocabulary, Synonyms] | None = None

    def vocabulary(self) -> Vocabulary:
        """The catalogue's words. Raises VitrineError where they were never read and cannot be."""
        return self._current()[0]

    def synonyms(self) -> Synonyms:
        """The synonyms. Raises VitrineError where they were never read and cannot be."""
        return self._current()[1]

    def update(self) -> None:
        """Look now, and read what has changed. Raises VitrineError."""
        with self._reading:
            self._read_changed()

    def _current(self) -> tuple[Vocabulary, Synonyms]:
        if self._known is None:
            with self._reading:
                # Another thread may have read them meanwhile.
                return self._known or self._read_changed()
        with self._deciding:
            is_time = self._clock() >= self._look_at
            if is_time:
                self._look_at = self._clock() + CHECK_SECONDS
        if is_time:
            threading.Thread(target=self._look, daemon=True, name="words").start()
        return self._known

    def _look(self) -> None:
        try:
            self.update()
        except VitrineError as exc:
            log.warning("The catalogue's words cannot be looked at, and the old ones are used: %s", exc.message)

    def _read_changed(self) -> tuple[Vocabulary, Synonyms]:
        with self._database.connection() as connection:
            versions = dict(connection.execute(SQL["versions"]).fetchall())
            vocabulary, synonyms = self._known or (None, None)
            if vocabulary is None or vocabulary.version != versions.get("words", 0):
                vocabulary = read_vocabulary(connection, self._ordinary)
            if synonyms is None or synonyms.version != versions.get("synonyms", 0):
                synonyms = read_synonyms(connection)
        self._known = (vocabulary, synonyms)
        with self._deciding:
            self._look_at = self._clock() + CHECK_SECONDS
        return self._known
