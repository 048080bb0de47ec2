"""The surface is made, made again, and taken away, each in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from server.db.engine import Database
from server.embedding.manifest import Manifest
from server.errors import Conflict, DatabaseNotReady
from server.sql_surface import role as roles
from server.sql_surface import statements, tower
from server.sql_surface.surface_sql import SQL

# Any number that nothing else in the database takes as an advisory lock.
LOCK = 7_346_110_254
SURFACE = ("vitrine_sql", "vitrine_sql_inner")
# Whoever reads a view holds it, and whoever comes later waits behind us.
PATIENCE = "30s"


@dataclass(frozen=True)
class Installed:
    """What is installed. role: None where it is for nobody but the owner. currency: that a setting named for the shop.

    made_role: by us, so that it goes with the surface. views: those that there are. has_role: whether the role is still
    there.
    """

    version: int
    fingerprint: str
    role: str | None
    made_role: bool
    currency: str | None
    views: tuple[str, ...]
    has_role: bool


@dataclass(frozen=True)
class Place:
    """Schemas of Vitrine's tables and of pgvector."""

    tables: str
    vectors: str

    @property
    def path(self) -> str:
        """What functions find their names by."""
        return statements.search_path(self.tables, self.vectors)


@dataclass(frozen=True)
class Wanted:
    """What to install. role: None for none. new_password: given to a role that is there already too.

    keep_password: makes the password and keeps it; called where one is needed. put_up_tower: makes
    `vitrine_sql.embed_text`, in the transaction of the installation. models: all that are installed on this machine.
    """

    role: str | None
    keep_password: Callable[[], str]
    put_up_tower: Callable[[psycopg.Connection], object]
    new_password: bool = False
    currency: str | None = None
    models: tuple[Manifest, ...] = ()


def read_installed(connection: psycopg.Connection) -> Installed | None:
    """What is installed here; None where nothing is."""
    (is_there,) = connection.execute(SQL["is_there"]).fetchone() or (False,)
    row = connection.execute(SQL["installed"]).fetchone() if is_there else None
    if row is None:
        return None
    version, fingerprint, role, made_role, currency, views, has_role = row
    return Installed(version, fingerprint, role, made_role, currency, tuple(views), has_role)


def is_current(connection: psycopg.Connection, installed: Installed) -> bool:
    """Whether it is what this version of Vitrine would make, and all of it is there."""
    is_whole = set(installed.views) == set(statements.VIEWS)
    return is_whole and installed.fingerprint == _fingerprint(find_place(connection))


def find_place(connection: psycopg.Connection) -> Place:
    """Where tables and vectors lie. Raises DatabaseNotReady where there are none."""
    row = connection.execute(SQL["schemas"]).fetchone()
    if row is None:
        raise DatabaseNotReady
    return Place(*row)


def install(database: Database, wanted: Wanted) -> Installed:
    """Make it, or make it again. What is as this version has it stays where others have built upon it.

    Raises ModelError, Conflict, DatabaseNotReady with what to do; nothing was changed then.
    """
    with changing(database) as (connection, place):
        before = read_installed(connection)
        has_to_make = wanted.role is not None and roles.check(connection, wanted.role)
        connection.execute(SQL["make_schemas"])
        connection.execute(statements.TABLES)
        if before is None or not is_current(connection, before) or not _upon(connection, SURFACE, tower.FUNCTIONS):
            _take_down(connection)
            _put_up(connection, place)
        note_scales(connection, wanted.models)
        _leave_role(connection, wanted.role, before)
        wanted.put_up_tower(connection)
        made = _settle_role(connection, wanted, place, before, has_to_make)
        _note(connection, place, wanted.role, made, wanted.currency)
        found = read_installed(connection)
    if found is None:
        raise AssertionError("what was noted is there")
    return found


def renew(database: Database, currency: str | None) -> None:
    """Make it again as this version has it, for the same role. Nothing happens where nothing is installed.

    currency: that a setting names for the shop; None where none does.
    """
    with changing(database) as (connection, place):
        before = read_installed(connection)
        if before is None:
            return
        if not is_current(connection, before):
            _take_down(connection)
            connection.execute(statements.TABLES)
            _put_up(connection, place)
            tower.renew(connection)
            roles.grant(connection, before.role if before.has_role else None, place.tables, place.vectors)
        elif before.currency == currency:
            return
        _note(connection, place, before.role, before.made_role, currency)


def take_down(database: Database) -> None:
    """Away with views and functions, to be made again by `renew`: tables under views do not change.

    Nothing happens where nothing is installed. Raises Conflict where others have built upon them.
    """
    with changing(database) as (connection, _):
        if read_installed(connection) is not None:
            _take_down(connection)
            connection.execute(SQL["note_taken_down"])


def remove(database: Database) -> tuple[Installed, bool]:
    """Take all of it away; what was there, and whether its role is gone too. Raises Conflict, DatabaseNotReady."""
    with changing(database) as (connection, _):
        found = read_installed(connection)
        if found is None:
            raise DatabaseNotReady("The surface for SQL is not installed in this database.")
        _refuse_upon(_upon(connection, [*SURFACE, "vitrine_tower"], kept=()))
        tower.take_down(connection)
        _take_down(connection, kept=())
        connection.execute(SQL["drop_tables"])
        _refuse_upon([str(name) for (name,) in connection.execute(SQL["left_behind"])])
        connection.execute(SQL["drop_schemas"])
        is_gone = found.role is not None and found.has_role and _part_with(connection, found.role, found.made_role)
    return found, is_gone


def note_scales(connection: psycopg.Connection, models: Iterable[Manifest]) -> None:
    """What turns cosines of these models into logits. Nothing happens where the surface is not installed."""
    (is_there,) = connection.execute(SQL["is_there"]).fetchone() or (False,)
    for one in models if is_there else ():
        values = {"digest": one.digest, "logit_scale": one.logit_scale, "logit_bias": one.logit_bias}
        connection.execute(SQL["note_scale"], values)


@contextmanager
def changing(database: Database) -> Iterator[tuple[psycopg.Connection, Place]]:
    """One transaction, in which nobody else changes the surface.

    Raises Conflict where somebody's open transaction holds a part of it.
    """
    with database.connection() as connection:
        place = find_place(connection)
        connection.execute(SQL["lock"], {"key": LOCK})
        connection.execute(SQL["look_there"], {"path": place.path, "patience": PATIENCE})
        try:
            yield connection, place
        except psycopg.errors.LockNotAvailable as exc:
            raise Conflict(
                "An open transaction reads vitrine_sql, which cannot be made anew under it. Try again when that is "
                "over, or end it: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = "
                "'vitrine_analyst'."
            ) from exc
        except psycopg.errors.DependentObjectsStillExist as exc:
            # Somebody was quicker than our look.
            raise Conflict(
                "Others have just built upon the schema vitrine_sql. Run this again, and it names what they made."
            ) from exc


def _upon(connection: psycopg.Connection, schemas: Sequence[str], kept: Iterable[str]) -> list[str]:
    """What others have built upon these schemas, but for the functions that are kept."""
    found = connection.execute(SQL["upon"], {"schemas": list(schemas), "kept": list(kept)})
    return [str(name) for (name,) in found]


def _refuse_upon(found: Sequence[str]) -> None:
    if found:
        others = f", and {len(found) - 5} more" if len(found) > 5 else ""
        temporary = ""
        if any("pg_temp_" in name for name in found):
            temporary = " What lies in a schema pg_temp_... is temporary, and goes with the session that made it."
        raise Conflict(
            f"Others have built upon the schema vitrine_sql: {', '.join(found[:5])}{others}. Drop these, run this "
            f"again, and make them again afterwards.{temporary}"
        )


def _take_down(connection: psycopg.Connection, kept: Iterable[str] = tower.FUNCTIONS) -> None:
    """Views, functions and types, but for the functions that are kept."""
    _refuse_upon(_upon(connection, SURFACE, kept))
    for (statement,) in connection.execute(SQL["parts"], {"tower": list(kept)}).fetchall():
        if statement is not None:
            connection.execute(statement)


def _put_up(connection: psycopg.Connection, place: Place) -> None:
    for statement in statements.parts(place.path):
        connection.execute(statement)


def _settle_role(
    connection: psycopg.Connection, wanted: Wanted, place: Place, before: Installed | None, has_to_make: bool
) -> bool:
    """Rights and defaults of the role; whether it is one that we made."""
    role = wanted.role
    made = has_to_make or (before is not None and before.made_role and before.role == role)
    if role is not None:
        if has_to_make:
            roles.make(connection, role, wanted.keep_password())
        elif wanted.new_password:
            roles.set_password(connection, role, wanted.keep_password())
        roles.check_makes_nothing(connection, role, [place.tables, place.vectors])
        roles.set_defaults(connection, role, place.vectors, everywhere=made)
    roles.grant(connection, role, place.tables, place.vectors)
    return made


def _leave_role(connection: psycopg.Connection, role: str | None, before: Installed | None) -> None:
    """The role before has no more to do here, where now another one has, or none."""
    if before is None or before.role is None or before.role == role or not before.has_role:
        return
    roles.revoke(connection, before.role)
    _part_with(connection, before.role, before.made_role)


def _part_with(connection: psycopg.Connection, role: str, made: bool) -> bool:
    """Drop a role that we made, and leave another one as it was before us; whether it is gone."""
    if made:
        return roles.drop(connection, role)
    roles.forget_defaults(connection, role)
    return False


def _note(
    connection: psycopg.Connection, place: Place, role: str | None, made_role: bool, currency: str | None
) -> None:
    values = {"role": role, "made_role": made_role, "currency": currency, "version": statements.VERSION}
    connection.execute(SQL["note"], {**values, "fingerprint": _fingerprint(place)})


def _fingerprint(place: Place) -> str:
    """Of all that is made here, the text tower's functions among it."""
    return f"{statements.fingerprint(place.path)} {tower.fingerprint()}"
