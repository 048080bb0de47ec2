"""The vectors of queries, kept in the database: what one process embedded, the others and later ones only read.

A search reads; it never writes, so it works on a standby. What it embedded is written by a thread, many at once.
"""

import hashlib
import logging
import threading
import time
from collections import defaultdict

import numpy as np
from pgvector import HalfVector

from server.db.engine import Database
from server.db.named_sql import load
from server.embedding.encoder import Vector
from server.errors import VitrineError

SQL = load(__file__, "query_embeddings.sql")
# So many are kept, 0.6 to 1.6 KB each; the oldest are forgotten.
MOST_KEPT = 50_000
# How many may wait to be written. Beyond, they are embedded again another time.
MOST_WAITING = 1_000
WRITE_SECONDS = 2.0
# After failures, as on a standby, the pauses double up to this.
LONGEST_PAUSE_SECONDS = 600.0
# A search does not wait longer than this for a connection only to save itself an embedding, and after a failure does
# not ask at all for a while.
PATIENCE_SECONDS = 0.3
SKIP_SECONDS = 5.0
# So long a text is waited for that somebody's open transaction remembers (`remember_text`); then all wait a turn.
LOCK_MS = 1_000
# The oldest are looked for whenever so many were written.
FORGET_EVERY = 1_000

log = logging.getLogger(__name__)


class QueryEmbeddings:
    """Reads always, and writes once `start` was called. Thread-safe; failures are not the searcher's."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, bytes], Vector] = {}
        self._writes = False
        self._stop = threading.Event()
        # The first write looks for the oldest ones, so that processes that end early do so too.
        self._written = FORGET_EVERY
        self._skip_until = 0.0

    def start(self) -> None:
        """Begin to write. The thread ends with the process, or at `stop`."""
        self._writes = True
        threading.Thread(target=self._run, daemon=True, name="query-embeddings").start()

    def stop(self) -> None:
        """Write no more."""
        self._writes = False
        self._stop.set()

    def find(self, digest: str, text: str) -> Vector | None:
        """What the model of this digest made of the text; None where that is not known."""
        if time.monotonic() < self._skip_until:
            return None
        try:
            with self._database.turns(PATIENCE_SECONDS) as connection, connection.cursor(binary=True) as cursor:
                asked = {"digest": digest, "text_hash": _hash(text)}
                row = cursor.execute(SQL["find"], asked, prepare=True).fetchone()
        except VitrineError:
            self._skip_until = time.monotonic() + SKIP_SECONDS
            return None
        return None if row is None else np.asarray(row[0].to_numpy(), dtype=np.float32)

    def keep(self, digest: str, text: str, vector: Vector) -> None:
        """Have it written, some time."""
        with self._lock:
            if self._writes and len(self._waiting) < MOST_WAITING:
                self._waiting[digest, _hash(text)] = vector

    def write(self) -> int:
        """Write what waits; how many that were. Raises VitrineError, and then it waits on."""
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        if not waiting:
            return 0
        try:
            self._write(waiting)
        except VitrineError:
            with self._lock:
                self._waiting = {**waiting, **self._waiting}
            raise
        return len(waiting)

    def _write(self, waiting: dict[tuple[str, bytes], Vector]) -> None:
        by_model: dict[str, dict[bytes, Vector]] = defaultdict(dict)
        # In one order, so that two processes with the same texts never wait for each other in a circle.
        for digest, text_hash in sorted(waiting):
            by_model[digest][text_hash] = waiting[digest, text_hash]
        with self._database.connection() as connection:
            connection.execute(SQL["be_patient"], {"wait": f"{LOCK_MS}ms"})
            for digest, made in by_model.items():
                vectors = [HalfVector(vector) for vector in made.values()]
                connection.execute(SQL["keep"], {"digest": digest, "hashes": list(made), "vectors": vectors})
            self._written += len(waiting)
            if self._written >= FORGET_EVERY:
                self._written = 0
                connection.execute(SQL["forget"], {"most": MOST_KEPT})

    def _run(self) -> None:
        pause = WRITE_SECONDS
        while not self._stop.wait(pause):
            try:
                self.write()
                pause = WRITE_SECONDS
            except VitrineError as exc:
                log.warning("Query embeddings are not kept for now: %s", exc.message)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
