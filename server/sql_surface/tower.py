"""The one place where the surface meets the text tower: `vitrine_sql.embed_text` and `vitrine_sql.remember_text`."""

import psycopg

from server.embedding.manifest import Manifest
from server.errors import ModelError
from server.sql_tower.install import fingerprint, install_tower, remove_tower, renew_functions

__all__ = ["FUNCTIONS", "fingerprint", "put_up", "renew", "take_down"]

# Functions of the schema that are the tower's, and stay when the surface is made again.
FUNCTIONS = ("embed_text", "remember_text")


def put_up(connection: psycopg.Connection, manifest: Manifest | None) -> None:
    """Have `embed_text` compute what this model does.

    manifest: of the active model; None where it is not installed on this machine. Raises ModelError where texts cannot
    be computed in SQL.
    """
    if manifest is None:
        raise ModelError(
            "The model of this database is not installed on this machine, and embed_text is made of its files. "
            "`vitrine doctor` names it; install it with `vitrine models add`, or run this where it is."
        )
    install_tower(connection, manifest)


def renew(connection: psycopg.Connection) -> None:
    """Have the functions as this version has them, over the weights that are there."""
    renew_functions(connection)


def take_down(connection: psycopg.Connection) -> None:
    """Take away what `put_up` made elsewhere than in the schema `vitrine_sql`."""
    remove_tower(connection)
