"""What a data team has made, and who is in it, goes with no installation, renewal or removal."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from server.errors import Conflict, DatabaseNotReady, NotFound
from server.sql_surface import members, role, surface
from server.sql_surface.statements import VIEWS
from server.sql_surface.upgrade import upgrade
from tests.factories import DIMENSION
from tests.integration.sql_surface.conftest import ROLE, Team, forget_role

ANN = "ann of tests"


def run(team: Team, statement: str, **names: str) -> None:
    """As the owner."""
    with team.database.connection() as connection:
        named = {name: sql.Identifier(value) for name, value in {"role": ROLE, "ann": ANN, **names}.items()}
        connection.execute(sql.SQL(statement).format(**named))  # type: ignore[arg-type]


def one(team: Team, query: str, parameters: Any = None) -> Any:
    with team.database.connection() as connection:
        row = connection.execute(query, parameters).fetchone()
    return None if row is None else row[0]


@pytest.fixture
def ann(installed: Team) -> Iterator[Team]:
    """Somebody with a role of her own."""
    run(installed, "CREATE ROLE {ann} LOGIN PASSWORD 'of ann'")
    yield installed
    forget_role(installed.database, ANN)


def test_what_the_role_owns_is_named_and_kept(installed: Team) -> None:
    run(installed, "CREATE SCHEMA team AUTHORIZATION {role}")
    run(installed, "CREATE TABLE team.sales AS SELECT 1 AS n")
    run(installed, "ALTER TABLE team.sales OWNER TO {role}")
    for act in (lambda: surface.remove(installed.database), lambda: installed.install(role=None)):
        with pytest.raises(Conflict, match=r"it owns schema team, table team\.sales\. Give all of it to another role"):
            act()
    assert installed.ask("SELECT n FROM team.sales") == [(1,)]
    assert len(installed.ask("SELECT sku FROM products")) == 3
    with installed.database.connection() as connection:
        found = role.excess(connection, ROLE)
    assert "do as it likes with table team.sales, which it owns" in found


def test_members_are_named_and_stay_members(ann: Team) -> None:
    members.grant(ann.database, ANN)
    for act in (lambda: surface.remove(ann.database), lambda: ann.install(role=None)):
        with pytest.raises(Conflict, match=f"it has members: {ANN}. Run `vitrine sql revoke`"):
            act()
    ann.install()
    assert one(ann, "SELECT pg_has_role(%s, %s, 'MEMBER')", [ANN, ROLE])
    members.revoke(ann.database, ANN)
    assert surface.remove(ann.database)[1]


def test_a_member_has_the_settings_too(ann: Team) -> None:
    members.grant(ann.database, ANN)
    with ann.login(user=ANN, password="of ann") as connection:
        assert connection.execute("SHOW hnsw.iterative_scan").fetchone() == ("relaxed_order",)
        assert connection.execute("SHOW statement_timeout").fetchone() == ("1min",)
        assert len(connection.execute("SELECT sku FROM search_products('red shirt', k => 2)").fetchall()) == 2
        assert connection.execute("SELECT count(*) FROM queries_by_day").fetchone() == (0,)
    members.revoke(ann.database, ANN)
    with ann.login(user=ANN, password="of ann") as connection:
        assert connection.execute("SHOW search_path").fetchone() == ('"$user", public',)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT sku FROM vitrine_sql.products")


def test_who_cannot_be_a_member_is_told_why(ann: Team) -> None:
    with pytest.raises(NotFound, match=r"There is no role bob\. Make it first"):
        members.grant(ann.database, "bob")
    with pytest.raises(NotFound, match=rf"{ANN} is no member of {ROLE}\. Its members: none\."):
        members.revoke(ann.database, ANN)
    with pytest.raises(Conflict, match="is the analysts' role itself"):
        members.grant(ann.database, ROLE)
    with pytest.raises(Conflict, match="may do more than read"):
        members.grant(ann.database, "vitrine")
    run(ann, "ALTER ROLE {ann} NOLOGIN")
    with pytest.raises(Conflict, match="may not log in"):
        members.grant(ann.database, ANN)
    surface.remove(ann.database)
    with pytest.raises(DatabaseNotReady, match="not installed for a role"):
        members.grant(ann.database, ANN)


def test_a_role_that_is_left_has_its_settings_as_before(ann: Team) -> None:
    ann.install(role=ANN)
    held = "SELECT count(*) FROM pg_db_role_setting WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = %s)"
    assert one(ann, held, [ANN]) == 1
    ann.install(role=None)
    assert one(ann, held, [ANN]) == 0
    ann.install(role=ANN)
    _, is_gone = surface.remove(ann.database)
    assert not is_gone
    assert one(ann, held, [ANN]) == 0


BUILT = (
    ("CREATE VIEW built AS SELECT * FROM vitrine_sql.similarity_scale('[1]')", "view built", "VIEW built"),
    ("CREATE MATERIALIZED VIEW built AS SELECT sku FROM vitrine_sql.products", "view built", "MATERIALIZED VIEW built"),
    ("CREATE TABLE built (hit vitrine_sql.product_hit)", "column hit of table built", "TABLE built"),
    ("CREATE TABLE built (hits vitrine_sql.product_hit[])", "column hits of table built", "TABLE built"),
    ("CREATE TABLE built (n real DEFAULT vitrine_sql.built_upon())", "table built", "TABLE built"),
    (
        "CREATE FUNCTION built() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM vitrine_sql.brands; END",
        "function built",
        "FUNCTION built",
    ),
)


@pytest.mark.parametrize(("made", "named", "gone"), BUILT)
def test_whatever_is_built_upon_the_surface_is_named_and_kept(
    installed: Team, made: str, named: str, gone: str
) -> None:
    run(installed, "CREATE FUNCTION vitrine_sql.built_upon() RETURNS real LANGUAGE sql AS 'SELECT 1::real'")
    run(installed, made)
    run(installed, "UPDATE vitrine_sql_inner.installed SET fingerprint = 'of another version'")
    for act in (lambda: upgrade(installed.database, DIMENSION, None), lambda: surface.remove(installed.database)):
        with pytest.raises(Conflict, match=f"{named}.* Drop these, run this again"):
            act()
    run(installed, f"DROP {gone}")
    upgrade(installed.database, DIMENSION, None)
    with installed.database.connection() as connection:
        found = surface.read_installed(connection)
    assert found is not None
    assert set(found.views) == set(VIEWS)


def test_what_stands_in_the_schema_itself_does_not_go_with_it(installed: Team) -> None:
    run(installed, "CREATE TABLE vitrine_sql.budget AS SELECT 7 AS euros")
    with pytest.raises(Conflict, match=r"table vitrine_sql\.budget"):
        surface.remove(installed.database)
    assert one(installed, "SELECT euros FROM vitrine_sql.budget") == 7
    run(installed, "DROP TABLE vitrine_sql.budget")
    assert surface.remove(installed.database)[1]


def test_a_view_upon_embed_text_keeps_nobody_from_an_upgrade_and_is_kept(installed: Team) -> None:
    """The function stays when the surface is made anew, and goes with it when that is removed."""
    run(installed, "CREATE VIEW reds AS SELECT vitrine_sql.embed_text('red') AS look")
    run(installed, "UPDATE vitrine_sql_inner.installed SET fingerprint = 'of another version'")
    upgrade(installed.database, DIMENSION, None)
    assert one(installed, "SELECT count(look) FROM reds") == 1
    with pytest.raises(Conflict, match="view reds"):
        surface.remove(installed.database)


PREDEFINED = (
    "pg_execute_server_program", "pg_read_server_files", "pg_write_server_files", "pg_read_all_data",
    "pg_write_all_data",
)  # fmt: skip


@pytest.mark.parametrize("power", PREDEFINED)
def test_a_role_with_powers_over_all_data_is_none_for_analysts(ann: Team, power: str) -> None:
    run(ann, "GRANT {power} TO {ann}", power=power)
    with pytest.raises(Conflict, match=f"The role {ANN} may do more than read"):
        ann.install(role=ANN)


TABLE = "read or change more (GRANT on it, or to PUBLIC)"
EXCESS = (
    ("CREATE TABLE more (n integer); GRANT DELETE ON more TO {role}", TABLE),
    ("CREATE TABLE more (n integer); GRANT TRUNCATE ON more TO {role}", TABLE),
    ("CREATE TABLE more (n integer); GRANT TRIGGER ON more TO PUBLIC", TABLE),
    ("CREATE TABLE more (n integer); GRANT REFERENCES ON more TO {role}", TABLE),
    (
        "CREATE SEQUENCE more; GRANT USAGE ON SEQUENCE more TO {role}",
        "use the sequence more (GRANT on it, or to PUBLIC)",
    ),
    (
        "CREATE FUNCTION more() RETURNS integer LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "call more() with the rights of vitrine: REVOKE EXECUTE ON ROUTINE more() FROM PUBLIC",
    ),
    (
        "SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO {role}",
        "read or change the large object 4711 (GRANT on it, or to PUBLIC)",
    ),
)


@pytest.mark.parametrize(("given", "said"), EXCESS)
def test_what_the_role_may_beside_the_surface_is_told(installed: Team, given: str, said: str) -> None:
    run(installed, given)
    with installed.database.connection() as connection:
        assert role.excess(connection, ROLE) == [said]
