"""What an administrator meets later: views upon the surface, roles of others, passwords and settings that changed."""

import json
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from server.db.engine import Database
from server.sql_surface.role import DEFAULT
from tests.dumps import copy_by_dump
from tests.integration.sql_surface.conftest import EmbeddedPostgres, Run, forget_role


def password(run: Run) -> str:
    return str(json.loads(run("sql", "dsn", "--json").output)["password"])


def test_it_is_installed_again_beside_views_of_others(run: Run, shop: Database) -> None:
    """What dbt makes upon it stays, and a password can be changed for all that."""
    run("sql", "install")
    with shop.connection() as connection:
        connection.execute("CREATE SCHEMA marts")
        connection.execute("CREATE VIEW marts.cheap AS SELECT sku FROM vitrine_sql.products WHERE price < 50")
    before = password(run)
    again = run("sql", "install", "--new-password")
    assert again.exit_code == 0, again.output
    assert password(run) != before
    with psycopg.connect(run("sql", "dsn", "--url").output.strip()) as connection:
        assert connection.execute("SELECT count(*) FROM products").fetchone() == (1,)
    # Where it has to be made anew, the view is named.
    with shop.connection() as connection:
        connection.execute("UPDATE vitrine_sql_inner.installed SET fingerprint = 'older'")
    stopped = run("sql", "install")
    assert stopped.exit_code != 0
    assert "view marts.cheap" in stopped.output


def test_what_is_temporary_is_said_to_be_so(run: Run, shop: Database) -> None:
    run("sql", "install")
    with psycopg.connect(run("sql", "dsn", "--url").output.strip(), autocommit=True) as analyst:
        analyst.execute("CREATE TEMPORARY VIEW mine AS SELECT sku FROM products")
        assert run("sql", "install").exit_code == 0
        with shop.connection() as connection:
            connection.execute("UPDATE vitrine_sql_inner.installed SET fingerprint = 'older'")
        stopped = run("sql", "install")
    assert "is temporary, and goes with the session that made it" in stopped.output


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("r" * 64, "A role's name has 1 to 63 bytes; this one has 64."),
        ("\u00e4" * 32, "this one has 64."),
        ("", "A role's name has 1 to 63 bytes; this one has 0."),
        ("pg_foo", "Postgres keeps the name pg_foo to itself."),
        ("public", "Postgres keeps the name public to itself."),
    ],
)
def test_names_that_no_role_can_have_are_refused(run: Run, shop: Database, name: str, said: str) -> None:
    result = run("sql", "install", "--role", name)
    assert result.exit_code != 0
    assert said in result.output
    assert "WARNING" not in result.output
    assert "not installed" in run("sql", "status").output


def test_a_role_that_another_takes_the_place_of_is_named(run: Run, shop: Database) -> None:
    run("sql", "install")
    try:
        assert f"The role {DEFAULT} is gone" in run("sql", "install", "--role", "second").output
    finally:
        forget_role(shop, "second")


def test_a_password_that_was_changed_elsewhere_is_told(run: Run, shop: Database) -> None:
    run("sql", "install")
    with closing(psycopg.connect(run("sql", "dsn", "--url").output.strip(), autocommit=True)) as analyst:
        analyst.execute(sql.SQL("ALTER ROLE {} PASSWORD 'of my own'").format(sql.Identifier(DEFAULT)))
    for command in (("sql", "shell", "-c", "SELECT 1"), ("sql", "status")):
        told = run(*command)
        assert told.exit_code != 0
        assert "`vitrine sql install --new-password` gives the role another one." in told.output
    assert run("sql", "install", "--new-password").exit_code == 0
    assert run("sql", "status").exit_code == 0


def test_a_dump_with_create_has_the_settings_of_members(
    run: Run, shop: Database, second_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("sql", "install")
    with shop.connection() as connection:
        name = connection.info.dbname
        connection.execute("CREATE ROLE ann LOGIN")
    try:
        run("sql", "grant", "ann")
        copy_by_dump(shop.url, second_server.url(), "--create")
        monkeypatch.setenv("DATABASE_URL", second_server.url().replace("/vitrine?", f"/{name}?"))
        told = run("sql", "status")
        assert (told.exit_code, "Members: ann\n" in told.output) == (0, True), told.output
    finally:
        forget_role(shop, "ann")


def test_members_are_listed_and_a_dump_that_left_their_settings_behind_is_told(
    run: Run, shop: Database, second_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    run("sql", "install")
    with shop.connection() as connection:
        connection.execute("CREATE ROLE ann LOGIN")
    try:
        run("sql", "grant", "ann")
        well = run("sql", "status")
        assert "Members: ann\n" in well.output
        assert well.exit_code == 0
        copy_by_dump(shop.url, second_server.url())
        monkeypatch.setenv("DATABASE_URL", second_server.url())
        told = run("sql", "status")
        assert "ann has not the analysts' settings in this database. Run `vitrine sql grant ann`." in told.output
        assert told.exit_code == 1
        assert run("sql", "grant", "ann").exit_code == 0
        assert run("sql", "status").exit_code == 0
    finally:
        forget_role(shop, "ann")
