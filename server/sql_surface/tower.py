"""The one place where the surface meets the text tower: `vitrine_sql.embed_text` and `vitrine_sql.remember_text`."""

import psycopg

from server.embedding.manifest import Manifest
from server.errors import ModelError
from server.sql_surface.surface_sql import SQL

# Functions of the schema that are the tower's, and stay when the surface is made again.
FUNCTIONS = ("embed_text", "remember_text")


def put_up(connection: psycopg.Connection, manifest: Manifest | None) -> None:
    """Have `embed_text` compute what this model does.

    manifest: of the active model; None where it is not installed on this machine. Raises ModelError where texts cannot
    be computed in SQL.
    """
    (is_there,) = connection.execute(SQL["has_tower"]).fetchone() or (False,)
    if not is_there:
        name = "the active model" if manifest is None else f"the model {manifest.name}"
        raise ModelError(f"The function vitrine_sql.embed_text is not there, which computes texts by {name} in SQL.")


def take_down(connection: psycopg.Connection) -> None:
    """Take away what `put_up` made elsewhere than in the schema `vitrine_sql`."""
