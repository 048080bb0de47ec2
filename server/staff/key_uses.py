"""When each key was last used. A request only notes it; a thread writes it, so that no read waits for a write."""

import datetime
import logging
import threading

from server.db.engine import Database
from server.errors import VitrineError
from server.staff.keys import SQL, ApiKey

# At most so often for each key.
EVERY_SECONDS = 60
WRITE_SECONDS = 2.0
# After failures, as on a standby, the pauses double up to this.
LONGEST_PAUSE_SECONDS = 600.0

log = logging.getLogger(__name__)


class KeyUses:
    """Notes always, and writes once `start` was called. Thread-safe; failures are not the caller's."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._waiting: set[int] = set()
        self._stop = threading.Event()

    def start(self) -> None:
        """Begin to write. The thread ends with the process, or at `stop`."""
        threading.Thread(target=self._run, daemon=True, name="key-uses").start()

    def stop(self) -> None:
        """Write no more."""
        self._stop.set()

    def note(self, key: ApiKey) -> None:
        """It was used just now. Asks nothing of the database."""
        now = datetime.datetime.now(datetime.UTC)
        if key.last_used_at is None or (now - key.last_used_at).total_seconds() > EVERY_SECONDS:
            with self._lock:
                self._waiting.add(key.id)

    def write(self) -> int:
        """Write what was noted; of how many keys that changed the time. Raises VitrineError; then it stays noted."""
        with self._lock:
            noted, self._waiting = self._waiting, set()
        if not noted:
            return 0
        try:
            # In one order, so that two processes with the same keys never wait for each other in a circle.
            with self._database.connection() as connection:
                asked = {"ids": sorted(noted), "seconds": EVERY_SECONDS}
                return connection.execute(SQL["used"], asked).rowcount
        except VitrineError:
            with self._lock:
                self._waiting |= noted
            raise

    def _run(self) -> None:
        pause = WRITE_SECONDS
        while not self._stop.wait(pause):
            try:
                self.write()
                pause = WRITE_SECONDS
            except VitrineError as exc:
                log.warning("When keys were used is not kept for now: %s", exc.message)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
