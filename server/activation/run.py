"""An activation from beginning to end. Its state is in the database, so one that was killed goes on when run again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from server.activation import dependants, index
from server.activation.fill import Filler
from server.activation.session import SQL, Waits, activation_session, ended_when
from server.activation.slots import Slots, StoredModel, check_fits, check_owner, read_slots, take_slot, what_is_lost
from server.activation.switch import switch
from server.catalog import picture_vectors
from server.catalog.image_store import ImageStore
from server.catalog.picture import Darkroom
from server.catalog.picture_vectors import Filling
from server.db.engine import Database
from server.embedding.encoder import Encoder
from server.embedding.manifest import Manifest
from server.errors import ModelError
from server.search.basis import refresh_basis
from server.settings import Settings
from server.sql_surface.surface import note_scales
from server.sql_tower.install import forget_towers, prepare_tower
from server.staff import audit
from server.staff.accounts import COMMAND_LINE

# The rate that is told is one of the last batches.
RATE_WEIGHT = 0.2


@dataclass
class Summary:
    """What an activation did. Seconds by part; `locked`: no search was kept from the table for longer at a time.

    given_up: the model whose activation was given up for the active one. without_vector, not_live: products whose
    picture is lost and that stay without a vector; words found the first before no more than now, the second are not
    in the shop. previous_digest: of the model that a rollback goes back to.
    """

    name: str
    revision: str
    digest: str
    previous: str | None = None
    previous_digest: str | None = None
    was_active: bool = False
    given_up: str | None = None
    products: int = 0
    filled: int = 0
    by_title: list[str] = field(default_factory=list)
    without_vector: list[str] = field(default_factory=list)
    not_live: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("fill", "index", "switch", "locked"), 0.0))


class Activation:
    """Makes a model the active one of a database whose shop is open.

    on_progress(phase, filled, total, per_second) is called after every batch and at every new phase, on_index(share)
    now and then while the index is built, by another thread. say(sentence) is called before any work, where vectors of
    another model make room, and where somebody is waited for. actor: who wants it, for the audit log. is_stopping:
    asked by another thread twice a second; the work then ends with DatabaseUnavailable, as if somebody had ended its
    session. For the active model itself there is nothing to do but to give up what was begun.
    """

    def __init__(
        self,
        database: Database,
        encoder: Encoder,
        images: ImageStore,
        settings: Settings,
        *,
        lost_by_title: bool = False,
        on_progress: Callable[[str, int, int, float | None], None] = lambda *told: None,
        on_index: Callable[[float], None] | None = None,
        say: Callable[[str], None] = lambda sentence: None,
        actor: str = COMMAND_LINE,
        is_stopping: Callable[[], bool] | None = None,
    ) -> None:
        self._database = database
        self._encoder = encoder
        self._images = images
        self._settings = settings
        self._lost_by_title = lost_by_title
        self._on_progress = on_progress
        self._on_index = on_index
        self._say = say
        self._actor = actor
        self._is_stopping = is_stopping
        manifest = encoder.manifest
        self.summary = Summary(manifest.name, manifest.revision, manifest.digest)
        self._rate: float | None = None
        self._done = self._total = 0

    def run(self) -> Summary:
        """Do it, or go on with it. Raises ModelError, Conflict, DatabaseUnavailable with what to do."""
        waits = Waits()
        with (
            activation_session(self._database, self._say) as connection,
            ended_when(self._database, connection, self._is_stopping),
        ):
            if check(connection, self._encoder.manifest):
                self.summary.was_active = True
                self.summary.given_up = self._give_up(connection)
                # One that was stopped just behind the switch may have left this undone.
                self._tidy()
                return self.summary
            slots = read_slots(connection)
            lost = what_is_lost(slots, self._encoder.manifest)
            if lost is not None:
                self._say(lost)
            if slots.active is not None:
                self.summary.previous, self.summary.previous_digest = slots.active.name, slots.active.digest
            model = take_slot(connection, slots, self._encoder.manifest, waits)
            filler = self._filler(connection, model)
            self._fill(connection, filler)
            self._pictures(connection, model)
            self._index(connection)
            self._prepare_tower(connection)
            note_scales(connection, [self._encoder.manifest])
            began = time.perf_counter()
            self._tell(connection, "switch")
            switch(
                connection, model, filler, lambda: check_followable(connection, self._encoder.manifest), waits,
                lambda: self._note(connection, slots),
            )  # fmt: skip
            self.summary.seconds["switch"] = time.perf_counter() - began
            self.summary.seconds["locked"] = waits.longest
            self._tell(connection, "done")
            forget_towers(connection)
        self._tidy()
        self.summary.filled = filler.filled
        self.summary.by_title = sorted(filler.by_title)
        self.summary.without_vector = sorted(sku for sku, gap in filler.lost.items() if gap.live)
        self.summary.not_live = sorted(sku for sku, gap in filler.lost.items() if not gap.live)
        self.summary.products = self._total
        return self.summary

    def _tidy(self) -> None:
        """Sketches by the active model's axes, without which searches are slower; then away with what is nobody's."""
        refresh_basis(self._database)
        with picture_vectors.session_of(self._database) as connection:
            picture_vectors.forget_retired(connection)

    def _note(self, connection: psycopg.Connection, slots: Slots) -> None:
        """Who changed the model, from which one to which."""
        manifest = self._encoder.manifest
        before = None if slots.active is None else _told(slots.active)
        audit.record(connection, self._actor, "activate", f"model/{manifest.name}", before, _told(manifest))

    def _give_up(self, connection: psycopg.Connection) -> str | None:
        name = give_up(connection)
        if name is not None:
            audit.record(connection, self._actor, "give up", f"model/{name}")
        return name

    def _filler(self, connection: psycopg.Connection, model: int) -> Filler:
        darkroom, note = Darkroom(self._encoder, self._images, self._settings), self._noting(connection)
        threads = self._settings.prepare_threads
        return Filler(connection, model, self._encoder, darkroom, threads, note, self._lost_by_title, self._say)

    def _noting(self, connection: psycopg.Connection) -> Callable[[int, float], None]:
        """What is called with how many vectors were made in how many seconds."""

        def on_filled(filled: int, seconds: float) -> None:
            rate = filled / max(seconds, 1e-6)
            self._rate = rate if self._rate is None else self._rate + RATE_WEIGHT * (rate - self._rate)
            self._done += filled
            connection.execute(SQL["add_filled"], {"filled": filled, "per_second": self._rate})
            self._on_progress("fill", self._done, self._total, self._rate)

        return on_filled

    def _fill(self, connection: psycopg.Connection, filler: Filler) -> None:
        began = time.perf_counter()
        index.drop_unfinished(connection)
        index.build_gap(connection)
        row = connection.execute(SQL["set_totals"]).fetchone()
        self._done, self._total = (0, 0) if row is None else (int(row[0]), int(row[1]))
        self._on_progress("fill", self._done, self._total, None)
        filler.fill()
        ours = {"names": [name for pair in dependants.CONSTRAINTS for name in pair]}
        for (constraint,) in connection.execute(SQL["unvalidated"], ours).fetchall():
            connection.execute(f"ALTER TABLE product VALIDATE CONSTRAINT {constraint}")
        self.summary.seconds["fill"] = time.perf_counter() - began
        # Counting what a filter leaves stays in the index only where all may see a page, and all pages were written.
        if filler.filled:
            self._database.refresh_statistics()

    def _pictures(self, connection: psycopg.Connection, model: int) -> None:
        """The further pictures of products. What is put in from here on is left to the worker."""
        missing = picture_vectors.count_missing(connection, model)
        connection.execute(SQL["add_total"], {"pictures": missing})
        self._total += missing
        darkroom, threads = Darkroom(self._encoder, self._images, self._settings), self._settings.prepare_threads
        note = self._noting(connection)
        picture_vectors.fill(connection, Filling(model, darkroom, on_filled=note, threads=threads))

    def _index(self, connection: psycopg.Connection) -> None:
        self._tell(connection, "index")
        began = time.perf_counter()
        with index.watched(self._database, self._on_index):
            index.build_hnsw(connection)
        self.summary.seconds["index"] = time.perf_counter() - began

    def _prepare_tower(self, connection: psycopg.Connection) -> None:
        """Where analysts embed texts in SQL, the new tower is there before the switch, and counts from it on."""
        refusal = prepare_tower(connection, self._encoder.manifest)
        if refusal is not None:
            self._say(f"{refusal} Analysts' embed_text will say so; the shop is not concerned.")

    def _tell(self, connection: psycopg.Connection, phase: str) -> None:
        """Everybody who watches sees the phase; the seconds of the one before are kept."""
        seconds = {f"{part}_seconds": 0.0 for part in ("fill", "index")}
        before = {"index": "fill", "switch": "index"}.get(phase)
        if before is not None:
            seconds[f"{before}_seconds"] = self.summary.seconds[before]
            connection.execute(SQL["set_phase"], {"phase": phase, **seconds})
        self._on_progress(phase, self._done, self._total, self._rate)


def _told(model: StoredModel | Manifest) -> dict[str, Any]:
    return {"model": model.name, "revision": model.revision, "digest": model.digest, "dimension": model.dimension}


def check(connection: psycopg.Connection, manifest: Manifest) -> bool:
    """Whether the model is active already. Raises ModelError for what keeps it from becoming so, before any work."""
    slots = read_slots(connection)
    if slots.active is not None and slots.active.digest == manifest.digest:
        return True
    check_owner(connection)
    check_fits(slots, manifest)
    check_followable(connection, manifest)
    if not slots.holds(manifest):
        dependants.check_droppable(connection)
    return False


def check_followable(connection: psycopg.Connection, manifest: Manifest) -> None:
    """Raises ModelError, naming what hangs on the vectors and could not follow a change to this model."""
    slots = read_slots(connection)
    same = slots.active is not None and slots.active.dimension == manifest.dimension
    dependants.check_followable(connection, same_dimension=same and slots.other_dimension == manifest.dimension)


def give_up(connection: psycopg.Connection) -> str | None:
    """Give up the activation that was begun, where there is one; returns its model's name."""
    row = connection.execute(SQL["leave_begun"]).fetchone()
    if row is None:
        return None
    name, is_retired = row
    if is_retired:
        index.drop_all(connection)
    return str(name)


def previous_model(connection: psycopg.Connection) -> StoredModel:
    """The model that a rollback goes back to. Raises ModelError where there is none."""
    other = read_slots(connection).other
    if other is None or other.state != "previous":
        begun = "" if other is None else f" Its vectors made room when the activation of {other.name} began."
        raise ModelError(f"There is no previous model to go back to.{begun}")
    return other


def describe(summary: Summary) -> dict[str, Any]:
    """For --json."""
    return {**vars(summary), "seconds": {part: round(took, 4) for part, took in summary.seconds.items()}}
