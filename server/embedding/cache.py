"""Query vectors that were made before: shoppers type the same words all day."""

import hashlib
import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import NamedTuple, Protocol

import numpy as np

from server.embedding.encoder import Encoder, Vector


class QueryVector(NamedTuple):
    """The vector of a query, read-only, and whether it was there without a run of the tower for this call."""

    vector: Vector
    cached: bool


class Shelf(Protocol):
    """Where several processes keep query vectors for each other, in half precision. Neither call raises."""

    def find(self, digest: str, text: str) -> Vector | None: ...

    def keep(self, digest: str, text: str, vector: Vector) -> None: ...


class CachedTextEncoder:
    """Remembers the last `size` query vectors of one encoder (1 KB each at 256 dimensions). Thread-safe.

    Threads that miss the same text at the same time share one run of the tower. A failure is not remembered.
    shelf: asked before the tower is run.
    """

    def __init__(self, encoder: Encoder, size: int, shelf: Shelf | None = None) -> None:
        self.encoder = encoder
        self.size = size
        self.shelf = shelf
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
        return self._compute(text, key, mine)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known.clear()

    def _compute(self, text: str, key: bytes, future: Future[Vector]) -> QueryVector:
        try:
            vector, cached = self._from_shelf_or_tower(text)
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
        return QueryVector(vector, cached)

    def _from_shelf_or_tower(self, text: str) -> QueryVector:
        if self.shelf is None:
            return QueryVector(self.encoder.embed_text(text), cached=False)
        digest = self.encoder.manifest.digest
        known = self.shelf.find(digest, text)
        if known is not None:
            return QueryVector(known, cached=True)
        # In half precision here too: a search has one vector and one cursor, whichever process it comes to.
        vector = self.encoder.embed_text(text).astype(np.float16).astype(np.float32)
        self.shelf.keep(digest, text, vector)
        return QueryVector(vector, cached=False)


def _key(text: str) -> bytes:
    """16 bytes for any text: a pasted page of words must not be what fills the memory."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
