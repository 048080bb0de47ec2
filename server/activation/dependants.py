"""Views and the like over the vectors: found before the work begins, and made to follow at the switch.

Postgres binds a view to a column's number and not to its name, so a view over `product.embedding` would go on showing
the old model's vectors when the names change places.
"""

from dataclasses import dataclass

import psycopg

from server.db.named_sql import load
from server.errors import ModelError

SQL = load(__file__, "dependants.sql")

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
    """Something that hangs on a column. `view` is None for what is neither view nor rule.

    kind: as in pg_class, of the view; rule: of a view or table, written by somebody; else empty. elsewhere: it is
    temporary, in another session.
    """

    kind: str
    view: int | None
    description: str
    name: str
    owned: bool
    owner: str
    elsewhere: bool
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
    found = find(connection, ACTIVE + OTHER)
    for one in found:
        why = _why_not(one, same_dimension)
        if why is not None:
            raise ModelError(why)
    views = [one.view for one in found]
    for (name,) in connection.execute(SQL["views_upon"], {"views": views}):
        raise ModelError(
            f"The materialized view {name} is filled from a view over the vectors of the active model. Drop it, and "
            "make it again afterwards."
        )


def _why_not(one: Dependant, same_dimension: bool) -> str | None:
    """Why this one cannot follow, and what to do about it; None where it can."""
    if one.kind == "m":
        return (
            f"The materialized view {one.name} holds vectors of the active model. Drop it, and make it again "
            "afterwards."
        )
    if one.kind == "rule":
        return (
            f"This names a column of the embedding and would stay with the model before: {one.description}. Drop the "
            "rule, and make it again afterwards."
        )
    if one.kind != "v":
        return (
            f"This is bound to a column of product's embedding and could not follow another model: "
            f"{one.description}. Drop it, or have it look the column up by name."
        )
    if one.elsewhere:
        return (
            f"The view {one.name} over the embedding is a temporary one of another session, which alone could make it "
            f"follow. End that session, or run DROP VIEW {one.name}."
        )
    if not one.owned:
        return (
            f"The view {one.name} shows the embedding and belongs to the role {one.owner}, so it cannot be made to "
            f"follow. As an administrator, run GRANT {one.owner} TO the role that Vitrine connects as, or ALTER VIEW "
            f"{one.name} OWNER TO it; or drop the view."
        )
    if one.shows_dimension and not same_dimension:
        return (
            f"The view {one.name} shows an embedding with its fixed length, and the new model's has another. Let it "
            "select embedding::halfvec."
        )
    return None


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
    return statements + capture_rights(connection, ACTIVE + OTHER)


def capture_rights(connection: psycopg.Connection, columns: list[str]) -> list[str]:
    """Statements that give the columns of these names the rights and comments that they have now."""
    statements = [str(grant) for (grant,) in connection.execute(SQL["column_rights"], {"columns": columns})]
    for column, comment in connection.execute(SQL["column_comments"], {"columns": columns}).fetchall():
        literal = "NULL" if comment is None else psycopg.sql.Literal(comment).as_string(connection)
        statements.append(f"COMMENT ON COLUMN product.{column} IS {literal}")
    return statements
