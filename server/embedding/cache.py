"""Query vectors that were made before: shoppers type the same words all day."""

import hashlib
import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import NamedTuple

from server.embedding.encoder import Encoder, Vector


class QueryVector(NamedTuple):
    """The vector of a query, read-only, and whether it was there without a run of the tower for this call."""

    vector: Vector
    cached: bool


class CachedTextEncoder:
    """Remembers the last `size` query vectors of one encoder (1 KB each at 256 dimensions). Thread-safe.

    Threads that miss the same text at the same time share one run of the tower. A failure is not remembered.
    """

    def __init__(self, encoder: Encoder, size: int) -> None:
        self.encoder = encoder
        self.size = size
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, Vector] = OrderedDict()
        self._pending: dict[bytes, Future[Vector]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def embed_query(self, text: str) -> QueryVector:
        """`Encoder.embed_text`, remembered. Raises ModelError."""
        key = _key(text)
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
                return QueryVector(known, cached=True)
            pending = self._pending.get(key)
            if pending is None:
                mine: Future[Vector] = Future()
                self._pending[key] = mine
        if pending is not None:
            return QueryVector(pending.result(), cached=True)
        return QueryVector(self._compute(text, key, mine), cached=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known.clear()

    def _compute(self, text: str, key: bytes, future: Future[Vector]) -> Vector:
        try:
            vector = self.encoder.embed_text(text)
        except BaseException as exc:
            # Also on KeyboardInterrupt: the threads that wait must not wait for ever.
            with self._lock:
                del self._pending[key]
            future.set_exception(exc)
            raise
        # Every caller gets the same array.
        vector.setflags(write=False)
        with self._lock:
            del self._pending[key]
            self._known[key] = vector
            while len(self._known) > self.size:
                self._known.popitem(last=False)
        future.set_result(vector)
        return vector


def _key(text: str) -> bytes:
    """16 bytes for any text: a pasted page of words must not be what fills the memory."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
