"""People who use the surface under names of their own: members of the analysts' role, with the defaults that it has."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from server.db.engine import Database
from server.errors import Conflict, DatabaseNotReady, NotFound
from server.sql_surface import role as roles
from server.sql_surface import surface
from server.sql_surface.surface import Place


def grant(database: Database, name: str) -> str:
    """Have this role use the surface; returns the one that it is a member of from now on.

    Members inherit rights and no settings: those are set for each, in this database alone. Raises NotFound, Conflict,
    DatabaseNotReady.
    """
    with _with_role(database) as (connection, place, role):
        _check(connection, name, role)
        roles.check_makes_nothing(connection, name, [place.tables, place.vectors])
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(name)))
        roles.set_defaults(connection, name, place.vectors, everywhere=False)
    return role


def revoke(database: Database, name: str) -> str:
    """Take the surface from a member; returns the role that it was a member of. Raises NotFound, DatabaseNotReady."""
    with _with_role(database) as (connection, _, role):
        members = [member for (member,) in connection.execute(roles.SQL["members"], {"role": role})]
        if name not in members:
            raise NotFound(f"{name} is no member of {role}. Its members: {', '.join(members) or 'none'}.")
        connection.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(role), sql.Identifier(name)))
        roles.forget_defaults(connection, name)
    return role


@dataclass(frozen=True)
class Members:
    """Who uses the surface by being a member of its role.

    without_settings: of these and of the role itself, those whose sessions begin without the analysts' settings.
    """

    names: list[str]
    without_settings: list[str]


def read(connection: psycopg.Connection, role: str) -> Members:
    """Of the analysts' role."""
    names = [str(name) for (name,) in connection.execute(roles.SQL["members"], {"role": role})]
    lacking = connection.execute(roles.SQL["without_settings"], {"role": role, "members": names})
    return Members(names, [str(name) for (name,) in lacking])


@contextmanager
def _with_role(database: Database) -> Iterator[tuple[psycopg.Connection, Place, str]]:
    with surface.changing(database) as (connection, place):
        found = surface.read_installed(connection)
        if found is None or found.role is None or not found.has_role:
            raise DatabaseNotReady(
                "The schema vitrine_sql is not installed for a role in this database. Run `vitrine sql install`."
            )
        yield connection, place, found.role


def _check(connection: psycopg.Connection, name: str, role: str) -> None:
    if name == role:
        raise Conflict(f"{name} is the analysts' role itself.")
    found = roles.find(connection, name)
    if found is None:
        raise NotFound(
            f"There is no role {name}. Make it first, in `vitrine db shell`: CREATE ROLE {roles.quoted(name)} LOGIN, "
            "and \\password gives it a password."
        )
    if found.goes_too_far:
        raise Conflict(roles.too_far(name))
    if not found.can_login:
        raise Conflict(f"The role {name} may not log in, and what it is set does not reach its members. Name these.")
