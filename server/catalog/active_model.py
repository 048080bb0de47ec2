"""Which model made the embeddings. A write with another one would fill the index with vectors that mean nothing."""

from dataclasses import dataclass

import psycopg
from sqlalchemy import select

from server.db import tables
from server.db.engine import Database
from server.db.named_sql import load
from server.embedding.current import ActiveModel, CurrentEncoder, Loaded, installed_name
from server.embedding.manifest import Manifest
from server.errors import DatabaseNotReady, ModelError, OtherModel

_SQL = load(__file__, "products.sql")


@dataclass(frozen=True)
class ModelInUse:
    """The active model, its key in the database, and the model itself, opened."""

    key: int
    model: ActiveModel
    loaded: Loaded


def read_active_model(connection: psycopg.Connection) -> tuple[int, ActiveModel] | None:
    """Key and identity of the model that made the embeddings; None where nothing was embedded yet.

    In a transaction that has read or locked a row of `product`, it stays the active one until the transaction ends.
    """
    row = connection.execute(_SQL["active_model"]).fetchone()
    return None if row is None else (int(row[0]), ActiveModel(*row[1:]))


def find_active_model(database: Database) -> ActiveModel | None:
    """Identity of the model that made the embeddings. Raises DatabaseNotReady, DatabaseUnavailable.

    Not on a connection of the pool: who asks may hold the last one.
    """
    with database.session() as session:
        found = session.scalar(select(tables.EmbeddingModel).where(tables.EmbeddingModel.state == "active"))
        return None if found is None else ActiveModel(found.name, found.revision, found.digest)


def find_model_in_use(connection: psycopg.Connection, current: CurrentEncoder) -> ModelInUse | None:
    """The active model, which `current` then holds; None where no model was used yet.

    Raises OtherModel where it is not installed, or where the vectors of the settings' model do not fit an empty
    database's column.
    """
    found = read_active_model(connection)
    if found is None:
        check_dimension(connection, current.get().encoder.manifest)
        return None
    key, model = found
    return ModelInUse(key, model, current.follow(model))


def use_model(connection: psycopg.Connection, current: CurrentEncoder) -> ModelInUse:
    """The active model; that of `current` becomes it in a database that has none.

    Raises ModelError as `find_model_in_use` does.
    """
    found = find_model_in_use(connection, current)
    if found is None:
        manifest = current.get().encoder.manifest
        columns = ("name", "revision", "precision", "dimension", "digest")
        connection.execute(_SQL["register_model"], {column: getattr(manifest, column) for column in columns})
        # Another writer may have been quicker, and with another model.
        found = find_model_in_use(connection, current)
    if found is None:
        manifest = current.get().encoder.manifest
        raise ModelError(
            f"The model {manifest.name} is in this database, but not as the active one. Run `vitrine models activate "
            f"{installed_name(manifest)}`."
        )
    return found


def check_dimension(connection: psycopg.Connection, manifest: Manifest) -> None:
    """Raises OtherModel where the model's vectors do not fit the column of a database that has no vectors yet."""
    row = connection.execute(_SQL["embedding_dimension"]).fetchone()
    if row is None:
        raise DatabaseNotReady()
    if row[0] != manifest.dimension:
        raise OtherModel(
            f"The model {manifest.name} makes vectors of {manifest.dimension} numbers; this database was made for "
            f"{row[0]}. Run `vitrine models activate {installed_name(manifest)}`, or set VITRINE_MODEL to a model of "
            f"{row[0]}."
        )
