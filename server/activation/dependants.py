"""Views and the like over the vectors: found before the work begins, and made to follow at the switch.

Postgres binds a view to a column's number and not to its name, so a view over `product.embedding` would go on showing
the old model's vectors when the names change places.
"""

from dataclasses import dataclass

import psycopg

from server.activation.session import SQL
from server.errors import ModelError

# What changes places at a switch: the active model's, and the other's.
COLUMNS = (
    ("embedding", "embedding_other"),
    ("embedding_model", "embedding_other_model"),
    ("embedding_source", "embedding_other_source"),
    ("embedded_text", "embedded_other_text"),
)
INDEXES = (
    ("product_embedding_hnsw", "product_embedding_other_hnsw"),
    ("product_embedding_gap", "product_embedding_other_gap"),
)
CONSTRAINTS = (
    ("product_embedding_model_fkey", "product_embedding_other_model_fkey"),
    ("product_embedding_source_check", "product_embedding_other_source_check"),
    ("product_embedding_is_whole", "product_embedding_other_is_whole"),
    ("product_image_embedding_has_image", "product_image_embedding_other_has_image"),
    ("product_embedded_text_is_for_text", "product_embedded_other_text_is_for_text"),
)
ACTIVE = [active for active, _ in COLUMNS]
OTHER = [other for _, other in COLUMNS]


@dataclass(frozen=True)
class Dependant:
    """Something that hangs on a column. `view` is None for what is neither view nor rule."""

    kind: str
    view: int | None
    description: str
    name: str
    owned: bool
    shows_dimension: bool


def find(connection: psycopg.Connection, columns: list[str]) -> list[Dependant]:
    """What hangs on these columns of `product`."""
    return [Dependant(*row) for row in connection.execute(SQL["dependants"], {"columns": columns})]


def check_followable(connection: psycopg.Connection, *, same_dimension: bool) -> None:
    """Raises ModelError, naming what could not follow a switch and what to do about it."""
    known = [name for pair in INDEXES + CONSTRAINTS for name in pair]
    for (description,) in connection.execute(SQL["bound_objects"], {"columns": ACTIVE + OTHER, "known": known}):
        raise ModelError(
            f"This is on a column of the embedding and would stay with the model before: {description}. Drop it, and "
            "make it again afterwards."
        )
    for one in find(connection, ACTIVE + OTHER):
        if one.kind == "m":
            raise ModelError(
                f"The materialized view {one.name} holds vectors of the active model. Drop it, and make it again "
                "afterwards."
            )
        if one.kind != "v":
            raise ModelError(
                f"This is bound to a column of product's embedding and could not follow another model: "
                f"{one.description}. Drop it, or have it look the column up by name."
            )
        if not one.owned:
            raise ModelError(
                f"The view {one.name} shows the embedding and belongs to another role, so it cannot be made to follow. "
                "Run this as its owner, or drop the view."
            )
        if one.shows_dimension and not same_dimension:
            raise ModelError(
                f"The view {one.name} shows an embedding with its fixed length, and the new model's has another. Let "
                "it select embedding::halfvec, and run this again."
            )


def check_droppable(connection: psycopg.Connection) -> None:
    """Raises ModelError where something hangs on the other model's columns, which are made anew for a third model."""
    for one in find(connection, OTHER):
        raise ModelError(
            f"This shows columns of the other model, which are made anew for another one: {one.description}. Drop it, "
            "or leave out embedding_other and the columns that belong to it."
        )


def capture(connection: psycopg.Connection) -> list[str]:
    """Statements that make all that hangs on the columns say the same about the columns that bear the names later.

    Views with their options, rights on single columns, comments. Grants on a view and its owner stay as they are.
    """
    statements = []
    for one in find(connection, ACTIVE + OTHER):
        row = connection.execute(SQL["view_definition"], {"view": one.view}).fetchone()
        if row is not None:
            options = f" WITH ({row[1]})" if row[1] else ""
            statements.append(f"CREATE OR REPLACE VIEW {one.name}{options} AS {row[0]}")
    for (grantee,) in connection.execute(SQL["column_grantees"], {"columns": ACTIVE + OTHER}).fetchall():
        statements.append(f"REVOKE ALL ({', '.join(ACTIVE + OTHER)}) ON product FROM {grantee} CASCADE")
    statements += [str(grant) for (grant,) in connection.execute(SQL["column_rights"], {"columns": ACTIVE + OTHER})]
    for column, comment in connection.execute(SQL["column_comments"], {"columns": ACTIVE + OTHER}).fetchall():
        literal = "NULL" if comment is None else psycopg.sql.Literal(comment).as_string(connection)
        statements.append(f"COMMENT ON COLUMN product.{column} IS {literal}")
    return statements
