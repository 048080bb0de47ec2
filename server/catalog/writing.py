"""The one way into the table `product`: plan, embed, write. Imports and the HTTP API both come through here.

Planning reads what is stored and sends pictures to other threads; embedding runs the towers for what changed; writing
locks the rows, looks again, and writes what differs in one transaction. A row that somebody else changed in between
is planned anew, so no embedding is ever kept for a picture or a title that it was not made from; and where the model
of the database was changed in between, all is planned and embedded anew with the new one.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np
import psycopg

from server.catalog import history
from server.catalog import stored as rows
from server.catalog.active_model import ModelInUse, read_active_model
from server.catalog.change import MEANWHILE, Change, Outcome, Refused, merged
from server.catalog.draft import Draft, Meter
from server.catalog.gallery import write_galleries
from server.catalog.picture import Darkroom
from server.catalog.stored import NewRow, Stored
from server.catalog.version import is_as_seen
from server.db.work_done import Work, note_work
from server.embedding.current import ActiveModel, CurrentEncoder
from server.embedding.encoder import Encoder
from server.errors import ModelError, StorageUnavailable, VitrineError

log = logging.getLogger(__name__)

# Two writers that wait for each other in a circle, or change one row in turns, are sorted out by trying again.
MOST_TRIES = 5


class _ModelMoved(Exception):
    """The database has another active model than the writer."""

    def __init__(self, key: int, model: ActiveModel) -> None:
        super().__init__(key, model)
        self.key, self.model = key, model


@dataclass
class ProductWriter:
    """Makes changes to products. `model` is the key of the active model, None in a dry run before its first use.

    actor: who does it and what, where that is to be written down.
    """

    current: CurrentEncoder
    darkroom: Darkroom
    executor: Executor
    currency: str
    model: int | None
    meter: Meter = field(default_factory=Meter)
    actor: tuple[str, str] | None = None

    @property
    def encoder(self) -> Encoder:
        """The model that this writer embeds with: that of its pictures' preparation."""
        return self.darkroom.encoder

    def plan(self, connection: psycopg.Connection, changes: Sequence[Change]) -> list[Draft]:
        """Look up what is stored and start to prepare the pictures. SKUs must be distinct. Ends the transaction."""
        with connection.transaction():
            stored = rows.read_stored(connection, [change.sku for change in changes])
            outdated = [s.image_sha256 for s in stored.values() if s.image_sha256 and not self._has_image_vector(s)]
            media_types = rows.read_media_types(connection, outdated) if outdated else {}
        return [self._start(Draft(change, stored.get(change.sku), self.model), media_types) for change in changes]

    def embed(self, drafts: Sequence[Draft]) -> None:
        """Wait for the pictures and run the towers. What is wrong with a picture is noted in its draft.

        Drafts that were planned for another model than this writer's are left as they are: `write` plans them anew.
        """
        drafts = [draft for draft in drafts if draft.model == self.model]
        for draft in drafts:
            self._take_picture(draft)
        if self.darkroom.store is None:
            return
        began = time.perf_counter()
        self._embed_pictures([d for d in drafts if d.picture is not None and d.picture.pixels is not None])
        for draft in drafts:
            if draft.text is not None and draft.refused is None:
                draft.vector = self.encoder.place_text(draft.text)
                self.meter.texts += 1
        self.meter.seconds += time.perf_counter() - began

    def write(self, connection: psycopg.Connection, drafts: Sequence[Draft]) -> list[Outcome]:
        """Write what differs, in one transaction; outcomes in the order of the drafts.

        A row that the database refuses does not keep the others out. Raises DatabaseUnavailable and the like.
        """
        outcomes: dict[str, Outcome] = {}
        left = list(drafts)
        for _ in range(MOST_TRIES):
            try:
                stale = self._try_write(connection, left, outcomes)
            except _ModelMoved as moved:
                self._follow(moved)
                stale = [draft for draft in left if draft.change.sku not in outcomes]
            if not stale:
                break
            left = self.plan(connection, [draft.change for draft in stale])
            self.embed(left)
        for draft in left:
            outcomes.setdefault(
                draft.change.sku, Outcome(draft.change.sku, "refused", "sku", "is being changed by somebody else")
            )
        return [outcomes[draft.change.sku] for draft in drafts]

    def judge(self, drafts: Sequence[Draft]) -> list[Outcome]:
        """What `write` would do, without writing."""
        return [self._decide(draft, draft.stored)[0] for draft in drafts]

    def _follow(self, moved: _ModelMoved) -> None:
        """Go on with the database's new model. Raises OtherModel where it is not installed."""
        self.darkroom = replace(self.darkroom, encoder=self.current.follow(moved.model).encoder)
        self.model = moved.key

    # -- planning ----------------------------------------------------------------------------------------------

    def _has_image_vector(self, stored: Stored) -> bool:
        return self.model is not None and stored.model == self.model and stored.source == "image"

    def _start(self, draft: Draft, media_types: dict[str, str]) -> Draft:
        """Decide what the product's vector is made from, and begin with it."""
        stored, picture = draft.stored, draft.change.picture
        if picture is not None:
            known = stored.image_sha256 if stored is not None and self._has_image_vector(stored) else None
            draft.future = self.executor.submit(self.darkroom.develop, picture, known)
        elif stored is not None and stored.image_sha256 is not None and not draft.change.drops_picture:
            if not self._has_image_vector(stored):
                media_type = media_types.get(stored.image_sha256, "")
                draft.future = self.executor.submit(self.darkroom.develop_stored, stored.image_sha256, media_type)
        else:
            draft.text = self._text_to_embed(draft.change, stored)
        return draft

    def _text_to_embed(self, change: Change, stored: Stored | None) -> str | None:
        """The title, unless the stored vector was made from it."""
        if stored is None:
            return change.values.get("title") or change.defaults.get("title")
        title = str(change.values.get("title") or stored.values["title"])
        same = self.model is not None and stored.model == self.model and stored.embedded_text == title
        return None if same else title

    # -- embedding ---------------------------------------------------------------------------------------------

    def _take_picture(self, draft: Draft) -> None:
        """Wait for the draft's picture, where one is being prepared."""
        future, draft.future = draft.future, None
        if future is None:
            return
        try:
            draft.picture = future.result()
        except StorageUnavailable as exc:
            if draft.change.picture is not None:
                raise
            self._refuse_picture(draft, exc.message)
        except VitrineError as exc:
            self._refuse_picture(draft, exc.message)
        except (OSError, ValueError) as exc:
            # Whatever a source stumbles over, it is this row's picture and not the end of the import.
            log.warning("The picture of %s cannot be read", draft.change.sku, exc_info=exc)
            self._refuse_picture(draft, "cannot be read")

    def _refuse_picture(self, draft: Draft, reason: str) -> None:
        """Refuse a change that brings this picture. Where the picture is the stored one, only its vector is missing.

        The product then keeps the vector it has: that of its title, made anew if that changes, or none.
        """
        draft.picture = None
        if draft.change.picture is not None:
            draft.refused = Refused("image", reason)
        elif draft.stored is not None and draft.stored.source == "text":
            draft.text = self._text_to_embed(draft.change, draft.stored)

    def _embed_pictures(self, drafts: Sequence[Draft]) -> None:
        pixels = [d.picture.pixels for d in drafts if d.picture is not None and d.picture.pixels is not None]
        if not pixels:
            return
        try:
            vectors = self.encoder.embed_pixels(pixels)
        except ModelError:
            if len(drafts) == 1:
                self._refuse_picture(drafts[0], "the model makes no vector of this picture")
                return
            for draft in drafts:
                self._embed_pictures([draft])
            return
        self.meter.images += len(pixels)
        for draft, vector in zip(drafts, np.asarray(vectors), strict=True):
            draft.vector = vector

    # -- writing -----------------------------------------------------------------------------------------------

    def _decide(self, draft: Draft, stored: Stored | None) -> tuple[Outcome, NewRow | None]:
        sku = draft.change.sku
        try:
            if draft.refused is not None:
                raise draft.refused
            values = merged(draft.change, stored, self.currency)
        except Refused as exc:
            return Outcome(sku, "refused", exc.field, exc.reason), None
        row = NewRow(sku, values, draft.image_sha256, draft.vector, draft.source, draft.text)
        if stored is None:
            return Outcome(sku, "created"), row
        same = draft.source is None and values == stored.values and row.image_sha256 == stored.image_sha256
        return (Outcome(sku, "unchanged"), None) if same else (Outcome(sku, "updated"), row)

    def _try_write(
        self, connection: psycopg.Connection, drafts: Sequence[Draft], outcomes: dict[str, Outcome]
    ) -> list[Draft]:
        """One try for all; if the database refuses, one for each. Returns the drafts that are out of date."""
        try:
            return self._write_once(connection, drafts, outcomes)
        except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
            return list(drafts)
        except (psycopg.IntegrityError, psycopg.DataError) as exc:
            if len(drafts) > 1:
                return [stale for draft in drafts for stale in self._try_write(connection, [draft], outcomes)]
            constraint = exc.diag.constraint_name or exc.diag.column_name
            reason = f"the database refuses it ({constraint or 'a value that it cannot store'})"
            outcomes[drafts[0].change.sku] = Outcome(drafts[0].change.sku, "refused", "", reason)
            return []

    def _write_once(
        self, connection: psycopg.Connection, drafts: Sequence[Draft], outcomes: dict[str, Outcome]
    ) -> list[Draft]:
        if self.model is None:
            raise ModelError("No model is registered.")
        stale: list[Draft] = []
        found: dict[str, Outcome] = {}
        new, changed, pictures = {}, [], []
        recorded = connection.transaction() if self.actor is None else history.recorded(connection, *self.actor)
        with recorded as begun:
            stored = rows.read_stored(connection, [draft.change.sku for draft in drafts], lock=True)
            # Asked behind the lock: from here on the model cannot be changed before this transaction ends.
            active = read_active_model(connection)
            if active is not None and active[0] != self.model:
                raise _ModelMoved(*active)
            found.update(_changed_meanwhile(connection, drafts, stored))
            for draft in (draft for draft in drafts if draft.change.sku not in found):
                now = stored.get(draft.change.sku)
                if draft.model != self.model or draft.is_outdated(now):
                    stale.append(draft)
                    continue
                found[draft.change.sku], row = self._decide(draft, now)
                if row is None:
                    continue
                if draft.picture is not None:
                    pictures.append(draft.picture)
                if now is None:
                    new[row.sku] = (draft, row)
                else:
                    changed.append(row)
            rows.insert_images(connection, pictures)
            inserted = rows.insert_products(connection, [row for _, row in new.values()], self.model)
            rows.update_products(connection, changed, self.model)
            made_rows = [*changed, *(row for sku, (_, row) in new.items() if sku in inserted)]
            note_work(connection, Work.EMBEDDING, sum(row.vector is not None for row in made_rows))
            made = {sku for sku, outcome in found.items() if outcome.action != "refused"}
            made -= new.keys() - inserted
            write_galleries(connection, [draft for draft in drafts if draft.change.sku in made], stored)
        for sku in new.keys() - inserted:
            stale.append(new[sku][0])
            del found[sku]
        number = begun if isinstance(begun, int) else None
        outcomes.update({sku: replace(outcome, number=number) for sku, outcome in found.items()})
        return stale


def writer_for(
    in_use: ModelInUse | None, current: CurrentEncoder, darkroom: Darkroom, executor: Executor, currency: str
) -> ProductWriter:
    """A writer that begins with the model in use; None in a dry run before a model was used."""
    loaded = current.get() if in_use is None else in_use.loaded
    model = None if in_use is None else in_use.key
    return ProductWriter(current, replace(darkroom, encoder=loaded.encoder), executor, currency, model)


def _changed_meanwhile(
    connection: psycopg.Connection, drafts: Sequence[Draft], stored: Mapping[str, Stored]
) -> dict[str, Outcome]:
    """Refusals of changes that were made for something else than what is there, behind the lock."""
    return {
        sku: Outcome(sku, "refused", "", MEANWHILE)
        for sku, change in ((draft.change.sku, draft.change) for draft in drafts)
        if sku in stored and not is_as_seen(connection, change, stored[sku])
    }
