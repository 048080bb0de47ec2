"""The analyst logs in with a password, reads the surface, and is refused everything else by Postgres itself."""

from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from server.db.engine import Database
from server.errors import Conflict, DatabaseNotReady
from server.sql_surface import connect, role, surface
from tests.databases import fresh_database
from tests.integration.sql_surface.conftest import ROLE, Team, forget_role


def test_the_password_lets_the_analyst_in_and_nothing_else_does(installed: Team) -> None:
    assert installed.ask("SELECT session_user") == [(ROLE,)]
    for password in (None, "", "wrong"):
        with pytest.raises(psycopg.OperationalError):
            installed.login(password=password)


def test_the_password_is_kept_for_its_owner_alone(installed: Team) -> None:
    path = installed.folder / connect.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().strip()) > 40


def test_the_server_knows_a_verifier_and_not_the_password(installed: Team) -> None:
    with installed.database.connection() as connection:
        row = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [ROLE]).fetchone()
    assert row is not None
    assert row[0].startswith("SCRAM-SHA-256$")


def test_what_a_session_begins_with_is_in_force_after_login(installed: Team) -> None:
    with installed.login() as connection:
        # The library of the extension is loaded by now, and would have thrown out what it does not allow.
        connection.execute("SELECT '[1]'::vector <=> '[1]'::vector")
        told = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            for name in ("search_path", "statement_timeout", "hnsw.iterative_scan")
        }
    assert told == {
        "search_path": ("vitrine_sql, public",),
        "statement_timeout": ("1min",),
        "hnsw.iterative_scan": ("relaxed_order",),
    }


VIEWS = (
    "products", "all_products", "images", "product_images", "searches_by_day", "queries_by_day",
    "queries_without_results", "clicks", "embedding_coverage", "models", "categories", "brands",
)  # fmt: skip


def test_the_analyst_reads_every_view(installed: Team) -> None:
    with installed.login() as connection:
        for view in VIEWS:
            cursor = connection.execute(f"SELECT * FROM {view}")  # noqa: S608
            assert cursor.description, view


def test_the_views_are_those_that_are_documented(installed: Team) -> None:
    rows = installed.ask("SELECT table_name FROM information_schema.views WHERE table_schema = 'vitrine_sql'")
    assert {name for (name,) in rows} == set(VIEWS)


NOT_THEIRS = (
    "SELECT count(*) FROM public.product",
    "SELECT count(*) FROM public.product_search",
    "SELECT * FROM public.staff",
    "SELECT * FROM public.api_key",
    "SELECT * FROM public.import_run",
    "SELECT * FROM public.search_event",
    "SELECT * FROM public.query_embedding",
    "SELECT * FROM public.embedding_coverage()",
    "SELECT * FROM vitrine_sql_inner.installed",
    "SELECT vitrine_sql_inner.shop_currency()",
    "UPDATE products SET title = 'mine'",
    "DELETE FROM products",
    "INSERT INTO products (sku, title, currency) VALUES ('mine', 'Mine', 'USD')",
    "SET ROLE vitrine",
    "SET SESSION AUTHORIZATION vitrine",
    "CREATE TABLE public.mine (n integer)",
    "CREATE TABLE vitrine_sql.mine (n integer)",
    "CREATE FUNCTION vitrine_sql.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine",
    "DROP EXTENSION vector",
    "CREATE ROLE mine",
    "ALTER FUNCTION vitrine_sql.similarity_scale(halfvec) OWNER TO CURRENT_USER",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT lo_import('/etc/passwd')",
    "COPY products TO PROGRAM 'cat'",
    "COPY products TO '/tmp/vitrine-products'",
    "SELECT pg_reload_conf()",
    "SELECT rolpassword FROM pg_authid",
    "ALTER SYSTEM SET fsync = off",
    "SELECT public.product_search_put(ARRAY['A-1'])",
)


def test_what_is_not_the_analysts_is_refused(installed: Team) -> None:
    with installed.login() as connection:
        for statement in NOT_THEIRS:
            # The statement tells which one was let through.
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                assert connection.execute(statement) is None, statement


def test_a_table_of_the_analysts_own_name_is_not_taken_for_ours(installed: Team) -> None:
    """The functions run with the owner's rights, so their names must be ours whatever the analyst's path is."""
    with installed.login() as connection:
        connection.execute("CREATE TEMP TABLE product AS SELECT 'X'::text AS sku")
        connection.execute("CREATE TEMP TABLE embedding_model AS SELECT 1 AS id")
        connection.execute("SET search_path = pg_temp, vitrine_sql, public")
        rows = connection.execute("SELECT sku FROM vitrine_sql.search_products('red shirt', k => 1)").fetchall()
    assert rows == [("A-1",)]


def test_installing_again_changes_nothing(installed: Team) -> None:
    before = installed.address.password
    first = installed.ask("SELECT sku FROM search_products('red', k => 3)")
    installed.install()
    assert installed.address.password == before
    assert installed.ask("SELECT sku FROM search_products('red', k => 3)") == first


def test_another_password_closes_the_door_to_the_old_one(installed: Team) -> None:
    before = installed.address.password
    installed.install(new_password=True, keep_password=lambda: connect.keep_password(installed.folder, new=True))
    assert installed.ask("SELECT 1") == [(1,)]
    with pytest.raises(psycopg.OperationalError):
        installed.login(password=before)


def test_nothing_is_beyond_the_surface(installed: Team) -> None:
    with installed.database.connection() as connection:
        assert role.excess(connection, ROLE) == []
        connection.execute("GRANT SELECT ON product TO PUBLIC")
        connection.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
        found = role.excess(connection, ROLE)
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    assert found == [
        "read or change product (GRANT on it, or to PUBLIC)",
        "make tables in the schema public: REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    ]


def test_a_role_that_may_become_the_owner_is_none_for_analysts(team: Team) -> None:
    with pytest.raises(Conflict, match="The role vitrine may do more than read"):
        team.install(role="vitrine")
    assert not team.address.password


def test_where_everybody_may_make_functions_nothing_is_installed(team: Team) -> None:
    """As in databases older than Postgres 15: a function made there could be called with the owner's rights."""
    with team.database.connection() as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    with pytest.raises(Conflict, match="Run REVOKE CREATE ON SCHEMA public FROM PUBLIC"):
        team.install()
    with team.database.connection() as connection:
        assert surface.read_installed(connection) is None
        assert role.find(connection, ROLE) is None


def test_without_the_right_to_make_roles_a_sentence_says_what_to_do(team: Team, tmp_path: Path) -> None:
    """As on hosts that keep roles to themselves: a role that owns the tables and may make no other."""
    with team.database.connection() as connection:
        connection.execute("CREATE ROLE plain_owner LOGIN PASSWORD 'plain'")
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO plain_owner").format(name))
        connection.execute("GRANT CREATE ON SCHEMA public TO plain_owner")
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            connection.execute(sql.SQL("ALTER TABLE {} OWNER TO plain_owner").format(sql.Identifier(table)))
    url = connect.address_of(team.database.url, "plain_owner", "plain").url
    plain = Database(url, pool_size=2)
    try:
        with pytest.raises(
            DatabaseNotReady, match=r'There is no role .*CREATE ROLE "analyst of tests" LOGIN.*--no-role'
        ):
            surface.install(plain, team.wanted())
        found = surface.install(plain, team.wanted(role=None))
        assert found.role is None
        with plain.connection() as connection:
            assert connection.execute("SELECT count(*) FROM vitrine_sql.products").fetchone() == (0,)
    finally:
        plain.close()
        with team.database.connection() as connection:
            connection.execute("REASSIGN OWNED BY plain_owner TO vitrine")
        forget_role(team.database, "plain_owner")


def test_removing_takes_schema_and_role_away(installed: Team) -> None:
    _, is_gone = surface.remove(installed.database)
    assert is_gone
    with installed.database.connection() as connection:
        assert role.find(connection, ROLE) is None
        assert connection.execute(
            "SELECT to_regnamespace('vitrine_sql'), to_regnamespace('vitrine_sql_inner')"
        ).fetchone() == (None, None)
    with pytest.raises(DatabaseNotReady, match="not installed"):
        surface.remove(installed.database)


def test_a_role_that_another_shop_of_the_server_uses_stays(installed: Team, migrated: Database) -> None:
    with fresh_database(migrated) as other:
        with other.connection() as connection:
            connection.execute("CREATE TABLE theirs (n integer)")
            connection.execute(sql.SQL("GRANT SELECT ON theirs TO {}").format(sql.Identifier(ROLE)))
        _, is_gone = surface.remove(installed.database)
        assert not is_gone
        with other.connection() as connection:
            rows = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchall()
            assert len(rows) == 1
            connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(ROLE)))


def test_a_role_of_somebodys_own_gets_its_defaults_in_this_database_alone(team: Team) -> None:
    with team.database.connection() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'own password'").format(sql.Identifier(ROLE)))
    found = team.install()
    assert not found.made_role
    with team.login(password="own password") as connection:
        assert connection.execute("SHOW search_path").fetchone() == ("vitrine_sql, public",)
    with team.database.connection() as connection:
        row = connection.execute("SELECT rolconfig FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone()
    assert row == (None,)
    _, is_gone = surface.remove(team.database)
    assert not is_gone
