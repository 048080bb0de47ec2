"""Products one by one, for the HTTP API and whoever else changes a few of them."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import replace
from typing import Any

import psycopg
from sqlalchemy.orm import Session

from server.catalog import history, picture_vectors
from server.catalog import sku as sku_rule
from server.catalog.active_model import find_model_in_use, use_model
from server.catalog.change import Change, Outcome, require
from server.catalog.image_store import ImageStore
from server.catalog.picture import Darkroom
from server.catalog.picture_vectors import Filled, Filling
from server.catalog.product import Product, ProductInput, ProductPatch
from server.catalog.writing import ProductWriter, writer_for
from server.db import tables
from server.db.engine import Database
from server.db.named_sql import load
from server.db.pace import FULL_SPEED, Pace
from server.embedding.current import CurrentEncoder
from server.embedding.encoder import Encoder
from server.errors import Conflict, InvalidInput, NotFound
from server.settings import Settings

_SQL = load(__file__, "products.sql")

BATCH = 64


class Catalog:
    """Reads and writes products. Thread-safe; every call is a transaction of its own."""

    def __init__(
        self, database: Database, encoder: Encoder | CurrentEncoder, images: ImageStore, settings: Settings
    ) -> None:
        self._database = database
        self._current = CurrentEncoder.of(encoder)
        self._images = images
        self._settings = settings
        self._actor: tuple[str, str] | None = None

    def acting(self, actor: str, action: str) -> "Catalog":
        """The same, with what it changes written down as done by somebody: who, and in a word or two what."""
        other = copy(self)
        other._actor = (actor, action)
        return other

    def get(self, sku: str) -> Product:
        """The product of whatever status. Raises NotFound."""
        with self._database.session() as session:
            return Product.model_validate(_find(session, sku))

    def put(self, record: ProductInput, picture: bytes | None = None) -> tuple[Product, bool]:
        """Make or replace a product; returns it, and whether it is new. Without a picture it keeps the one it has.

        Raises InvalidImage, BadRequest.
        """
        outcome = self._write([_replacement(record, picture)])[0]
        require(outcome)
        return self.get(record.sku), outcome.action == "created"

    def make(
        self, record: ProductInput, picture: bytes | None = None, pictures: Sequence[tuple[str, str]] | None = None
    ) -> Product:
        """Make a product that is not there yet. Raises Conflict where it is, InvalidImage, BadRequest.

        pictures: (digest, alt) of all of them, stored already, `picture` the first.
        """
        require(self._write([replace(_replacement(record, picture), must_create=True, pictures=pictures)])[0])
        return self.get(record.sku)

    def patch(
        self,
        sku: str,
        patch: ProductPatch,
        picture: bytes | None = None,
        replaces_attributes: bool = False,
        **more: Any,
    ) -> Product:
        """Change what `patch` has set. Raises NotFound, InvalidImage, BadRequest, ChangedMeanwhile.

        replaces_attributes: they are all that there are, rather than merged into those that are stored.
        more: seen, version, pictures, drops_picture of the Change.
        """
        self.edit(sku, patch, picture, replaces_attributes, **more)
        return self.get(sku)

    def edit(
        self,
        sku: str,
        patch: ProductPatch,
        picture: bytes | None = None,
        replaces_attributes: bool = False,
        **more: Any,
    ) -> Outcome:
        """The same as `patch`, for whoever may want to undo it: what became of it, with the number of the change."""
        values = patch.model_dump(include=patch.model_fields_set - {"attributes"})
        if values.get("description", "") is None:
            values["description"] = ""
        attributes: dict[str, Any] = patch.attributes or {}
        if "attributes" in patch.model_fields_set and (patch.attributes is None or replaces_attributes):
            values["attributes"], attributes = attributes, {}
        self.get(sku)
        change = Change(sku, values, attributes=attributes, picture=_giver(picture), may_create=False, **more)
        outcome = self._write([change])[0]
        require(outcome)
        return outcome

    def with_picture(self, sku: str, picture: bytes) -> Product:
        """Give a product another picture. Raises NotFound, InvalidImage."""
        return self.patch(sku, ProductPatch(), picture)

    def without_picture(self, sku: str) -> Product:
        """Take a product's picture away: it is found by its title from now on. Raises NotFound."""
        self.get(sku)
        require(self._write([Change(sku, {}, may_create=False, drops_picture=True)])[0])
        return self.get(sku)

    def upsert_many(self, records: Sequence[tuple[ProductInput, bytes | None]]) -> list[Outcome]:
        """Make or replace many, each with its picture; outcomes in the same order.

        One that is refused, or whose SKU stands twice, does not keep the others out.
        """
        changes: dict[str, Change] = {}
        outcomes: list[Outcome | None] = []
        for record, picture in records:
            twice = record.sku in changes
            outcomes.append(Outcome(record.sku, "refused", "sku", "stands twice in this list") if twice else None)
            changes.setdefault(record.sku, _replacement(record, picture))
        written = iter(self._write(list(changes.values())))
        return [outcome or next(written) for outcome in outcomes]

    def embed_again(self, skus: Sequence[str]) -> dict[str, Outcome]:
        """Give products the vector that they lack. One that needs none, or is gone, is left as it is."""
        changes = [Change(sku, {}, may_create=False) for sku in skus]
        return {outcome.sku: outcome for outcome in self._write(changes)}

    def embed_pictures(self, go_on: Callable[[], bool] = lambda: True, pace: Pace = FULL_SPEED) -> Filled:
        """Give the further pictures of products the vectors that they lack. go_on: asked now and then."""
        with self._database.connection() as connection:
            in_use = find_model_in_use(connection, self._current)
        if in_use is None:
            return Filled()
        darkroom = Darkroom(in_use.loaded.encoder, self._images, self._settings)
        threads = self._settings.prepare_threads
        filling = Filling(in_use.key, darkroom, go_on, pace=pace, threads=threads)
        with picture_vectors.session_of(self._database) as connection:
            return picture_vectors.fill(connection, filling)

    def delete(self, sku: str) -> None:
        """Remove a product; its picture stays in the store. Raises NotFound."""
        with self._database.connection() as connection, self._recorded(connection):
            if connection.execute(_SQL["delete_product"], {"sku": sku}).fetchone() is None:
                raise NotFound(f"There is no product {sku}.")

    def rename(self, old: str, new: str) -> Product:
        """Give a product another SKU; what refers to it follows. Raises NotFound, InvalidInput, Conflict."""
        if not sku_rule.is_valid(new):
            raise InvalidInput(f"sku: {sku_rule.SENTENCE}")
        self.get(old)
        if old != new and self._is_there(new):
            raise Conflict(f"There is a product {new} already. Choose another SKU.")
        with self._database.connection() as connection, self._recorded(connection) as change:
            if old != new and connection.execute(_SQL["rename_product"], {"old": old, "new": new}).fetchone() is None:
                raise NotFound(f"There is no product {old}.")
            if old != new:
                history.rename(connection, old, new, change)
        return self.get(new)

    def _is_there(self, sku: str) -> bool:
        with self._database.session() as session:
            return session.get(tables.Product, sku) is not None

    def _recorded(self, connection: psycopg.Connection) -> AbstractContextManager[Any]:
        return nullcontext() if self._actor is None else history.recorded(connection, *self._actor)

    def _write(self, changes: Sequence[Change]) -> list[Outcome]:
        """In batches, so that a long list does not hold all its pictures in memory, decoded."""
        written = (self._write_batch(changes[at : at + BATCH]) for at in range(0, len(changes), BATCH))
        return [outcome for batch in written for outcome in batch]

    def _write_batch(self, changes: Sequence[Change]) -> list[Outcome]:
        with self._database.connection() as connection:
            writer = self._writer(connection)
            drafts = writer.plan(connection, changes)
        # Nobody waits for this connection while the tower runs.
        writer.embed(drafts)
        with self._database.connection() as connection:
            return writer.write(connection, drafts)

    def _writer(self, connection: psycopg.Connection) -> ProductWriter:
        with connection.transaction():
            in_use = use_model(connection, self._current)
        darkroom = Darkroom(in_use.loaded.encoder, self._images, self._settings)
        writer = writer_for(in_use, self._current, darkroom, InlineExecutor(), self._settings.currency)
        return replace(writer, actor=self._actor)


class InlineExecutor(Executor):
    """Runs what it is given at once, in the caller's thread: a request has one already."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call `fn` now; its result or exception waits in the future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as exc:
            future.set_exception(exc)
        return future


def _replacement(record: ProductInput, picture: bytes | None) -> Change:
    values = record.model_dump(exclude={"sku"})
    return Change(record.sku, values, picture=_giver(picture))


def _giver(picture: bytes | None) -> Any:
    return None if picture is None else lambda: picture


def _find(session: Session, sku: str) -> tables.Product:
    product = session.get(tables.Product, sku) if "\0" not in sku else None
    if product is None:
        raise NotFound(f"There is no product {sku}.")
    return product
