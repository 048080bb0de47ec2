"""The model that a process works with now: that of the database, and another one as soon as the database has another.

`vitrine models activate` changes the model of a database while servers and imports run. Whoever finds in the database
another model than the one that made his vectors calls `follow`, and does his work again with what he gets.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from server import resources
from server.embedding.cache import CachedTextEncoder, QueryVector, Shelf
from server.embedding.clip import ClipEncoder
from server.embedding.encoder import Encoder
from server.embedding.manifest import Manifest
from server.embedding.registry import (
    DEFAULT,
    find_installed,
    find_model,
    list_models,
    load_encoder,
    open_encoder,
    read_complete,
)
from server.errors import ModelError, OtherModel, VitrineError
from server.settings import Settings

# A model that was left is kept open for so long: requests that began with it end with it, and a rollback finds it.
KEEP_SECONDS = 120.0
# One that is about to come is opened before, and kept for as long as its index may take.
EXPECT_SECONDS = 3600.0
# One that could not be opened ahead is tried again after so long: it may be installed meanwhile.
EXPECT_AGAIN_SECONDS = 10.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ActiveModel:
    """The model whose vectors a database holds, as the database names it."""

    name: str
    revision: str
    digest: str

    @property
    def label(self) -> str:
        """Name, revision and as much of the digest as tells it from the others: `vitrine-small 1 (0f3a9b...)`."""
        return f"{self.name} {self.revision} ({self.digest[:12]})"


@dataclass(frozen=True)
class Loaded:
    """An open model and the query vectors that it made before."""

    encoder: Encoder
    queries: CachedTextEncoder

    @property
    def digest(self) -> str:
        """Identity of the model; see `Manifest.digest`."""
        return self.encoder.manifest.digest

    def embed_query(self, text: str) -> QueryVector:
        """The text's vector, and whether it was remembered. Raises ModelError."""
        return self.queries.embed_query(text)


class CurrentEncoder:
    """The model in use. Thread-safe: one thread opens a model, and those that need it wait for it; those that work with
    the one in use do not.

    first: opens the model to begin with, called at the first use. load: opens a model that the database names; raises
    OtherModel where it is not installed. query_cache: query vectors that are remembered of each model.
    shelf: where other processes find them too.
    """

    def __init__(
        self,
        first: Callable[[], Encoder],
        load: Callable[[ActiveModel], Encoder],
        query_cache: int = 0,
        shelf: Shelf | None = None,
    ) -> None:
        self._first = first
        self._load = load
        self._query_cache = query_cache
        self._shelf = shelf
        # Held for moments only, by whoever looks or changes what is below.
        self._lock = threading.Lock()
        # Held by whoever opens a model, which takes seconds.
        self._opening = threading.Lock()
        self._now: Loaded | None = None
        # A model beside it, and until when: the one before, or the one that is about to come.
        self._beside: tuple[Loaded, float] | None = None
        self._expected: str | None = None
        self._expect_again = 0.0

    @classmethod
    def of(cls, encoder: "Encoder | CurrentEncoder", query_cache: int = 0) -> "CurrentEncoder":
        """A single model that is at hand already. Any other one counts as not installed."""
        if isinstance(encoder, CurrentEncoder):
            return encoder

        def load(active: ActiveModel) -> Encoder:
            return encoder if encoder.manifest.digest == active.digest else refuse_other(active)

        return cls(lambda: encoder, load, query_cache)

    def get(self) -> Loaded:
        """The model in use. Raises ModelError."""
        now = self._in_use()
        if now is not None:
            return now
        with self._opening:
            # Another thread may have opened it meanwhile.
            now = self._in_use()
            if now is None:
                now = self._opened(self._first())
                with self._lock:
                    self._now = now
            return now

    def follow(self, active: ActiveModel) -> Loaded:
        """Make the database's model the one in use. Raises OtherModel where it is not installed."""
        found = self._move_to(active.digest)
        if found is not None:
            return found
        with self._opening:
            found = self._move_to(active.digest)
            if found is None:
                found = self._opened(self._load(active))
                with self._lock:
                    self._use(found)
            return found

    def _in_use(self) -> Loaded | None:
        with self._lock:
            if self._beside is not None and self._beside[1] < time.monotonic():
                if self._beside[0].digest == self._expected:
                    self._expected = None
                self._beside = None
            return self._now

    def _move_to(self, digest: str) -> Loaded | None:
        """Make this model the one in use, where it is open; else None."""
        with self._lock:
            if self._now is not None and self._now.digest == digest:
                return self._now
            if self._beside is None or self._beside[0].digest != digest:
                return None
            return self._use(self._beside[0])

    def _use(self, found: Loaded) -> Loaded:
        """The one before is kept beside it. Called with the lock held."""
        self._beside = None if self._now is None else (self._now, time.monotonic() + KEEP_SECONDS)
        self._now = found
        self._expected = None
        return found

    def expect(self, coming: ActiveModel) -> None:
        """Open a model that is about to become the database's, in a thread, so that `follow` waits for nothing."""
        with self._lock:
            if coming.digest == self._expected or time.monotonic() < self._expect_again:
                return
            self._expected = coming.digest
            if self._beside is not None and self._beside[0].digest == coming.digest:
                self._beside = (self._beside[0], time.monotonic() + EXPECT_SECONDS)
                return
        threading.Thread(target=self._open_beside, args=(coming,), daemon=True, name="expect").start()

    def _open_beside(self, coming: ActiveModel) -> None:
        try:
            with self._opening:
                # Somebody may have needed it sooner, and opened it himself.
                if self._is_open(coming.digest):
                    return
                loaded = self._opened(self._load(coming))
                loaded.encoder.embed_text("ready")
                with self._lock:
                    self._beside = (loaded, time.monotonic() + EXPECT_SECONDS)
        except VitrineError as exc:
            # What is wrong is said to whoever searches once it is the active one.
            log.warning("The model that is about to be activated cannot be opened: %s", exc.message)
            with self._lock:
                # It may be installed before it is the active one, so it is tried again after a while.
                if self._expected == coming.digest:
                    self._expected, self._expect_again = None, time.monotonic() + EXPECT_AGAIN_SECONDS

    def _is_open(self, digest: str) -> bool:
        with self._lock:
            beside = None if self._beside is None else self._beside[0]
            return any(one is not None and one.digest == digest for one in (self._now, beside))

    def _opened(self, encoder: Encoder) -> Loaded:
        return Loaded(encoder, CachedTextEncoder(encoder, self._query_cache, self._shelf))


def installed_name(manifest: Manifest) -> str:
    """What `vitrine models activate` calls an installed model: its folder, which may bear another name than it does."""
    return DEFAULT if manifest.folder == resources.DEFAULT_MODEL else manifest.folder.name


def installed_names(settings: Settings) -> dict[str, str]:
    """Digest -> what `vitrine models activate` calls it, of every model that can be used."""
    found = {model.manifest.digest: model.name for model in reversed(list_models(settings)) if model.manifest}
    with suppress(ModelError):
        manifest = read_complete(find_model(settings))
        found.setdefault(manifest.digest, installed_name(manifest))
    return found


def refuse_other(active: ActiveModel, installed: str = DEFAULT) -> NoReturn:
    """Raises OtherModel: the database's model is not here. installed: one that is, for the way on."""
    raise OtherModel(
        f"The products of this database were embedded by the model {active.name} ({active.revision}), which is not "
        f"installed here. Run `vitrine models activate {installed}` to embed them with one that is, or install it with "
        "`vitrine models add`."
    )


def load_model(settings: Settings, active: ActiveModel) -> ClipEncoder:
    """The encoder of the database's model, found by its digest: bundled, in DATA_DIR/models, or where VITRINE_MODEL is.

    Raises OtherModel where it is not installed.
    """
    manifest = find_installed(settings, active.digest)
    if manifest is not None:
        return open_encoder(manifest, settings)
    try:
        read_complete(find_model(settings))
    except ModelError:
        refuse_other(active)
    refuse_other(active, settings.model)


def current_encoder(
    settings: Settings, find_active: Callable[[], ActiveModel | None], shelf: Shelf | None = None
) -> CurrentEncoder:
    """The model that the database names; where it names none yet, that of the settings.

    find_active: reads it from the database, when the model is needed for the first time. shelf: as for CurrentEncoder.
    """

    def first() -> Encoder:
        active = find_active()
        return load_encoder(settings) if active is None else load_model(settings, active)

    return CurrentEncoder(first, lambda active: load_model(settings, active), settings.query_cache, shelf)
