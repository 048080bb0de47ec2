"""Which model made the embeddings. A write with another one would fill the index with vectors that mean nothing."""

import psycopg

from server.db.named_sql import load
from server.embedding.manifest import Manifest
from server.errors import DatabaseNotReady, ModelError, OtherModel

_SQL = load(__file__, "products.sql")


def find_active_model(connection: psycopg.Connection, manifest: Manifest) -> int | None:
    """Key of the active model, or None where no model was used yet.

    Raises ModelError where the active one is not that of `manifest`, or its vectors do not fit the column.
    """
    row = connection.execute(_SQL["active_model"]).fetchone()
    if row is None:
        raise DatabaseNotReady()
    key, name, revision, digest, dimension = row
    if dimension != manifest.dimension:
        raise OtherModel(
            f"The model {manifest.name} makes vectors of {manifest.dimension} numbers; this database was made for "
            f"{dimension}. Set VITRINE_MODEL to the model it was made with."
        )
    if key is not None and digest != manifest.digest:
        raise OtherModel(
            f"The products of this database were embedded by the model {name} ({revision}); the settings name "
            f"{manifest.name} ({manifest.revision}). Set VITRINE_MODEL to the model of the database."
        )
    return None if key is None else int(key)


def use_model(connection: psycopg.Connection, manifest: Manifest) -> int:
    """Key of the model of `manifest`, which becomes the active one in a database that has none.

    Raises ModelError as `find_active_model` does.
    """
    key = find_active_model(connection, manifest)
    if key is None:
        columns = ("name", "revision", "precision", "dimension", "digest")
        connection.execute(_SQL["register_model"], {column: getattr(manifest, column) for column in columns})
        key = find_active_model(connection, manifest)
    if key is None:
        raise ModelError(
            f"The model {manifest.name} is in this database, but not as the active one. See docs/operations.md."
        )
    return key
