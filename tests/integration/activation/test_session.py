"""The session that does the work: its limits, who else has it, how it ends, and what it tells of the time it takes."""

import threading
import time
from contextlib import suppress

import psycopg
import pytest

from server.activation import index, session
from server.activation.progress import read_progress, tell_progress
from server.activation.run import check
from server.errors import Conflict, DatabaseUnavailable, ModelError
from tests.integration.activation.conftest import Expected, Shop, assert_holds, at, run


def test_limits_of_the_role_do_not_end_it(shop: Shop, expected: Expected) -> None:
    with shop.database.connection() as connection:
        row = connection.execute("SELECT current_database()").fetchone()
    assert row is not None
    limits = ("statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout")
    run(shop, *(f"ALTER DATABASE {row[0]} SET {limit} = '150ms'" for limit in limits))
    slow = at("fill", lambda: time.sleep(0.4))
    try:
        with psycopg.connect(shop.database.url) as limited, pytest.raises(psycopg.Error):
            limited.execute("SELECT pg_sleep(1)")
        shop.activate(shop.wide, on_progress=slow)
    finally:
        with psycopg.connect(shop.database.url, autocommit=True) as connection:
            for limit in limits:
                connection.execute(f"ALTER DATABASE {row[0]} RESET {limit}")
    assert shop.states()["wide"] == "active"


def test_its_lock_is_free_as_soon_as_it_is_over(shop: Shop) -> None:
    with psycopg.connect(shop.database.url, autocommit=True) as watching:
        for failing in (False, True) * 10:
            with suppress(ModelError), session.activation_session(shop.database):
                assert watching.execute(session.SQL["lock_holder"], session.LOCK_KEYS).fetchone() is not None
                if failing:
                    raise ModelError
            assert watching.execute(session.SQL["lock_holder"], session.LOCK_KEYS).fetchone() is None


@pytest.mark.parametrize("how", ["pg_terminate_backend", "pg_cancel_backend"])
def test_one_that_the_database_ends_says_how_to_go_on(shop: Shop, expected: Expected, how: str) -> None:
    with psycopg.connect(shop.database.url) as blocking:
        # The index waits for this, so that the end falls into it.
        over, held = threading.Event(), threading.Event()

        def lock() -> None:
            blocking.execute("LOCK TABLE product IN SHARE UPDATE EXCLUSIVE MODE")
            held.set()

        hold = at("index", lock)

        def end() -> None:
            # It may wait for a moment before, for a vacuum or the like.
            held.wait(60)
            with psycopg.connect(shop.database.url, autocommit=True) as other:
                while not over.wait(0.05):
                    other.execute(
                        psycopg.sql.SQL(
                            "SELECT {}(pid) FROM pg_stat_activity WHERE application_name = 'vitrine activate' "
                            "AND datname = current_database() AND wait_event_type = 'Lock'"
                        ).format(psycopg.sql.Identifier(how))
                    )

        ending = threading.Thread(target=end)
        ending.start()
        try:
            with pytest.raises(DatabaseUnavailable, match="What was done is kept: run the same command again"):
                shop.activate(shop.wide, on_progress=hold)
        finally:
            over.set()
            ending.join()
    assert shop.activate(shop.wide).filled == 0
    assert_holds(shop, shop.wide, expected)


def test_another_one_under_way_is_said_at_once_with_how_to_end_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "TAKE_OVER_SECONDS", 0.3)
    said: list[str] = []
    with session.activation_session(shop.database) as first:
        process = first.info.backend_pid
        ends = rf"pg_terminate_backend\({process}\)"
        with pytest.raises(Conflict, match=r"Another activation is under way.*" + ends):
            shop.activate(shop.wide, say=said.append)
    assert len(said) == 1
    assert said[0].startswith(f"Another activation is under way (process {process} of the database).")


def test_only_the_owner_of_the_table_may_begin(shop: Shop) -> None:
    run(
        shop,
        "CREATE ROLE clerk LOGIN",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO clerk",
        "CREATE ROLE proprietor",
        "ALTER TABLE product OWNER TO proprietor",
    )
    try:
        with session.activation_session(shop.database) as connection:
            connection.execute("SET ROLE clerk")
            with pytest.raises(ModelError, match=r"belongs to the role proprietor.*GRANT proprietor TO clerk"):
                check(connection, shop.wide.manifest)
    finally:
        run(shop, "ALTER TABLE product OWNER TO CURRENT_USER", "DROP OWNED BY clerk", "DROP ROLE clerk, proprietor")


def test_the_share_of_the_index_is_told_while_it_is_built(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "WATCH_SECONDS", 0.02)
    shares: list[float] = []
    with psycopg.connect(shop.database.url) as old:
        old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        # An index that is built beside writers waits in the end for whoever still sees the time before it.
        hold = at("index", lambda: old.execute("SELECT 1"))

        def tell(share: float) -> None:
            shares.append(share)
            old.rollback()

        shop.activate(shop.wide, on_progress=hold, on_index=tell)
    assert shares
    assert all(0 <= share <= 1 for share in shares)


def test_whoever_keeps_the_index_from_being_finished_is_named(shop: Shop) -> None:
    told: list[str] = []
    over = threading.Event()
    with psycopg.connect(shop.database.url) as writer:
        hold = at("index", lambda: writer.execute("UPDATE product SET stock = 1 WHERE sku = 'P-03'"))

        def watch() -> None:
            while not over.wait(0.05):
                with shop.database.connection() as connection:
                    progress = read_progress(connection)
                    if progress is not None and progress.index_waits_for is not None:
                        told.append(tell_progress(connection, progress, {}))
                        writer.rollback()
                        return

        watching = threading.Thread(target=watch)
        watching.start()
        process = writer.info.backend_pid
        try:
            shop.activate(shop.wide, on_progress=hold)
        finally:
            over.set()
            watching.join()
    assert f"The index waits for the transaction of process {process} of the database." in told[0]
    assert "pg_terminate_backend" in told[0]


def test_the_time_that_searches_waited_counts_the_tries_that_failed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = psycopg.connect(shop.database.url)

    def hold() -> None:
        reader.execute("SELECT count(*) FROM product")
        threading.Timer(0.4, reader.rollback).start()

    try:
        summary = shop.activate(shop.wide, on_progress=at("switch", hold))
    finally:
        reader.close()
    assert summary.seconds["locked"] >= session.LOCK_TIMEOUT_MS / 1000
