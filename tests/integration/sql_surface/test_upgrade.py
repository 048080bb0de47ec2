"""An upgrade that cannot be, or that fails, leaves the analysts what they had; one that works brings all of it."""

import pytest

from server.db import migrate
from server.errors import DatabaseNotReady
from server.sql_surface import surface
from server.sql_surface.statements import VIEWS
from server.sql_surface.upgrade import keep_in_step, upgrade
from server.sql_tower import install as tower
from tests.factories import DIMENSION
from tests.integration.sql_surface.conftest import Team
from tests.integration.sql_surface.test_lifecycle import views


def test_a_database_that_is_newer_keeps_its_surface(installed: Team) -> None:
    with installed.database.connection() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNotReady, match="newer than this Vitrine, which does not know its revision 9999"):
        upgrade(installed.database, DIMENSION, None)
    assert views(installed.database) == set(VIEWS)


def test_migrations_that_fail_leave_the_surface_as_it_was(installed: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DatabaseNotReady("The disk is full.")

    older = migrate.MigrationStatus("0001", "0002")
    monkeypatch.setattr(migrate, "status", lambda _: older)
    monkeypatch.setattr(migrate, "upgrade", fail)
    with pytest.raises(DatabaseNotReady, match="The disk is full"):
        upgrade(installed.database, DIMENSION, None)
    assert views(installed.database) == set(VIEWS)
    assert installed.ask("SELECT count(*) FROM search_products('red shirt')") == [(3,)]


def test_the_functions_of_the_tower_are_renewed_without_its_files(
    installed: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed.database.connection() as connection:
        # In the place of the stand-in, and with no weights.
        connection.execute("DROP FUNCTION vitrine_sql.embed_text")
        connection.execute(tower.TABLES["schema"])
        connection.execute(tower.TABLES["tables"])
        tower.renew_functions(connection)
    changed = tower.FUNCTIONS["remember_text"].replace("kept for whoever asks again", "kept, as a fix has it")
    monkeypatch.setitem(tower.FUNCTIONS, "remember_text", changed)
    with installed.database.connection() as connection:
        before = surface.read_installed(connection)
        assert before is not None
        assert not surface.is_current(connection, before)
    upgrade(installed.database, DIMENSION, None)
    rows = installed.ask("SELECT obj_description('vitrine_sql.remember_text(text)'::regprocedure, 'pg_proc')")
    assert "kept, as a fix has it" in rows[0][0]
    assert installed.ask("SELECT has_function_privilege('vitrine_sql.remember_text(text)', 'EXECUTE')") == [(True,)]


def test_the_currency_of_price_bounds_follows_the_setting(installed: Team) -> None:
    installed.add("E-1", "red shirt", price=1, currency="EUR")
    cheap = "SELECT sku FROM search_products('red shirt', max_price => 100, k => 10) ORDER BY 1"
    assert installed.ask(cheap) == [("A-1",), ("A-2",), ("B-1",)]
    upgrade(installed.database, DIMENSION, "EUR")
    assert installed.ask(cheap) == [("E-1",)]
    upgrade(installed.database, DIMENSION, None)
    assert installed.ask(cheap) == [("A-1",), ("A-2",), ("B-1",)]


def test_a_start_brings_an_older_surface_in_step(installed: Team, caplog: pytest.LogCaptureFixture) -> None:
    """Where no migration came with a new version. An embedded server does so whenever Vitrine starts."""

    def make_older() -> None:
        with installed.database.connection() as connection:
            connection.execute("UPDATE vitrine_sql_inner.installed SET fingerprint = 'of another version'")

    make_older()
    with installed.database.connection() as connection:
        connection.execute("DROP VIEW vitrine_sql.brands")
    keep_in_step(installed.database, None)
    assert views(installed.database) == set(VIEWS)
    make_older()
    with installed.database.connection() as connection:
        connection.execute("CREATE VIEW reds AS SELECT sku FROM vitrine_sql.products WHERE title LIKE '%red%'")
    keep_in_step(installed.database, None)
    assert "The schema vitrine_sql stays as another version made it" in caplog.text
    assert "view reds" in caplog.text
    assert views(installed.database) == set(VIEWS)
