"""The role that the data team logs in as: made, held to the surface alone, and looked at for what else it may do."""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from server.db.named_sql import load
from server.errors import Conflict, DatabaseNotReady, InvalidInput

SQL = load(__file__, "role.sql")

DEFAULT = "vitrine_analyst"
# Of the 100 connections that a server has by default, so many.
CONNECTIONS = 20
LONGEST_NAME = 63
# Functions that count searches for the views of these names.
BELOW_VIEWS = ("queries_by_day", "queries_without_results", "clicks")
# What an analyst may change for a session. An open transaction keeps `product` from a change of the model.
SETTINGS = {
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "15min",
    "hnsw.iterative_scan": "relaxed_order",
}


@dataclass(frozen=True)
class Found:
    """A role of the cluster. goes_too_far: it is more than a reader could be."""

    can_login: bool
    goes_too_far: bool


def find(connection: psycopg.Connection, role: str) -> Found | None:
    """The role of that name; None where there is none."""
    row = connection.execute(SQL["role"], {"role": role}).fetchone()
    return None if row is None else Found(*row)


def check(connection: psycopg.Connection, role: str) -> bool:
    """Whether the role has to be made. Raises Conflict where it must not be used, DatabaseNotReady where it cannot be
    made, InvalidInput where no role can have this name."""
    check_name(role)
    found = find(connection, role)
    if found is not None:
        if found.goes_too_far:
            raise Conflict(f"{too_far(role)} Give another one with --role.")
        return False
    (may_create,) = connection.execute(SQL["may_create_roles"]).fetchone() or (False,)
    if not may_create:
        raise DatabaseNotReady(
            f"There is no role {role}, and the role that Vitrine connects as may not make one. Have an administrator "
            f"run CREATE ROLE {quoted(role)} LOGIN, and install again; or install with --no-role."
        )
    return True


def check_name(role: str) -> None:
    """Raises InvalidInput. Postgres cuts longer names and goes on, so another role than the one that was noted."""
    length = len(role.encode())
    if not role or length > LONGEST_NAME or "\0" in role:
        raise InvalidInput(f"A role's name has 1 to {LONGEST_NAME} bytes; this one has {length}.")
    if role.startswith("pg_") or role in ("public", "none"):
        raise InvalidInput(f"Postgres keeps the name {role} to itself. Give another one with --role.")


def too_far(role: str) -> str:
    """What to say of a role with `Found.goes_too_far`."""
    return (
        f"The role {role} may do more than read: it is a superuser, may make roles, may read or change all tables or "
        "the server's files, or may act as the owner of Vitrine's tables or as a role that may."
    )


def make(connection: psycopg.Connection, role: str, password: str) -> None:
    """Make it, with a password that the server never sees in the clear, as its log might keep it."""
    connection.execute(
        sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT {} PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(CONNECTIONS), sql.Literal(_verifier(connection, role, password))
        )
    )


def set_password(connection: psycopg.Connection, role: str, password: str) -> None:
    """Give it another one."""
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(
            sql.Identifier(role), sql.Literal(_verifier(connection, role, password))
        )
    )


def set_defaults(connection: psycopg.Connection, role: str, vectors: str, everywhere: bool) -> None:
    """What its sessions begin with. everywhere: for the role as such, so that a dump of roles has it; else in this
    database alone, as the role is somebody's own. vectors: the schema of pgvector."""
    where: sql.Composable = sql.SQL("")
    if not everywhere:
        where = sql.SQL("IN DATABASE {} ").format(sql.Identifier(connection.info.dbname))
    connection.execute(SQL["load_vector"])
    statement = sql.SQL("ALTER ROLE {} {}SET {} = {}")
    path: sql.Composable = sql.SQL("vitrine_sql, {}").format(sql.Identifier(vectors))
    connection.execute(statement.format(sql.Identifier(role), where, sql.SQL("search_path"), path))
    for name, value in SETTINGS.items():
        connection.execute(statement.format(sql.Identifier(role), where, _setting(name), sql.Literal(value)))


def forget_defaults(connection: psycopg.Connection, role: str) -> None:
    """In this database its sessions begin as they did before we came."""
    connection.execute(SQL["load_vector"])
    statement = sql.SQL("ALTER ROLE {} IN DATABASE {} RESET {}")
    for name in ("search_path", *SETTINGS):
        database = sql.Identifier(connection.info.dbname)
        connection.execute(statement.format(sql.Identifier(role), database, _setting(name)))


def grant(connection: psycopg.Connection, role: str | None, tables: str, vectors: str) -> None:
    """The surface for this role, and for nobody else. role None: for its owner alone."""
    connection.execute("REVOKE ALL ON ALL ROUTINES IN SCHEMA vitrine_sql, vitrine_sql_inner FROM PUBLIC")
    if role is None:
        return
    for statement in (
        "GRANT USAGE ON SCHEMA vitrine_sql TO {role}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA vitrine_sql TO {role}",
        "GRANT EXECUTE ON ALL ROUTINES IN SCHEMA vitrine_sql TO {role}",
        # Below views: who reads those calls these. By name nobody else can, without a right on their schema.
        *(f"GRANT EXECUTE ON FUNCTION vitrine_sql_inner.{name}() TO {{role}}" for name in BELOW_VIEWS),
        *(() if vectors == tables else ("GRANT USAGE ON SCHEMA {vectors} TO {role}",)),
    ):
        named = sql.SQL(statement).format(role=sql.Identifier(role), vectors=sql.Identifier(vectors))
        connection.execute(named)


def check_makes_nothing(connection: psycopg.Connection, role: str, schemas: list[str]) -> None:
    """Raises Conflict where the role may make functions and operators in these schemas.

    The surface's functions have the owner's rights, and look for theirs there.
    """
    row = connection.execute(SQL["where_it_may_make"], {"role": role, "schemas": schemas}).fetchone()
    if row is not None:
        schema = row[0]
        raise Conflict(
            f"The role {role} may make functions in the schema {schema}, and so get at the owner's rights. Run "
            f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC (or from the role that has it), and install again."
        )


def revoke(connection: psycopg.Connection, role: str) -> None:
    """Nothing of the surface for this role any more."""
    connection.execute(sql.SQL("REVOKE ALL ON SCHEMA vitrine_sql FROM {}").format(sql.Identifier(role)))


def excess(connection: psycopg.Connection, role: str) -> list[str]:
    """What the role may do beside using the surface, each as `make tables in ...`."""
    return [str(what) for (what,) in connection.execute(SQL["excess"], {"role": role})]


def check_drops_nothing(connection: psycopg.Connection, role: str) -> None:
    """Raises Conflict where more would go than the role: what it owns, or the rights of its members."""
    owned = [str(what) for (what,) in connection.execute(SQL["owned"], {"role": role})]
    if owned:
        others = f", and {len(owned) - 5} more" if len(owned) > 5 else ""
        raise Conflict(
            f"The role {role} goes with the surface, and it owns {', '.join(owned[:5])}{others}. Give all of it to "
            f"another role (REASSIGN OWNED BY {quoted(role)} TO ...), or drop it, and run this again. Temporary tables "
            "go with the session that made them."
        )
    members = [str(name) for (name,) in connection.execute(SQL["members"], {"role": role})]
    if members:
        raise Conflict(
            f"The role {role} goes with the surface, and it has members: {', '.join(members)}. Run `vitrine sql "
            "revoke` with each of these names, and run this again."
        )


def drop(connection: psycopg.Connection, role: str) -> bool:
    """Take away its rights in this database, and the role where no other database knows it; whether it is gone.

    Raises Conflict where it owns something, or has members.
    """
    check_drops_nothing(connection, role)
    # It owns nothing, so what this drops are rights.
    connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
    try:
        with connection.transaction():
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    except psycopg.errors.DependentObjectsStillExist:
        return False
    return True


def _verifier(connection: psycopg.Connection, role: str, password: str) -> str:
    made = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    return made.decode()


def _setting(name: str) -> sql.Composable:
    """As SET takes it: the name of an extension's setting is two words with a dot."""
    return sql.SQL(".").join(map(sql.Identifier, name.split(".")))


def quoted(role: str) -> str:
    """As SQL writes it."""
    return sql.Identifier(role).as_string(None)
