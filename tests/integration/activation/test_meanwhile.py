"""What others do while an activation runs: things made on the vectors, rows and sessions that are held, or ended."""

import re
import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from server.activation import fill, session
from server.activation.progress import read_progress, tell_progress
from server.activation.run import Summary
from server.errors import Conflict, ModelError
from server.search.query import Query
from tests.fakes import FakeEncoder
from tests.integration.activation.conftest import ALL, Expected, Shop, assert_holds, at, product, run

# -- what hangs on the vectors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "dropped", "sentence"),
    [
        (
            "CREATE FUNCTION bound() RETURNS bigint LANGUAGE sql RETURN (SELECT count(embedding) FROM product)",
            "DROP FUNCTION bound",
            r"function bound\(\)",
        ),
        ("CREATE INDEX mine ON product (sku) WHERE embedding_source = 'text'", "DROP INDEX mine", "index mine"),
        (
            "ALTER TABLE product ADD CONSTRAINT mine CHECK (embedding_source <> 'x')",
            "ALTER TABLE product DROP CONSTRAINT mine",
            "constraint mine",
        ),
        (
            "CREATE STATISTICS mine ON embedding_source, brand FROM product",
            "DROP STATISTICS mine",
            "statistics object mine",
        ),
        (
            "CREATE MATERIALIZED VIEW kept AS SELECT sku, embedding FROM product",
            "DROP MATERIALIZED VIEW kept",
            r"materialized view public\.kept",
        ),
    ],
)
@pytest.mark.parametrize("phase", ["fill", "switch"])
def test_what_is_made_meanwhile_and_could_not_follow_stops_the_switch(
    shop: Shop, expected: Expected, made: str, dropped: str, sentence: str, phase: str
) -> None:
    with pytest.raises(ModelError, match=sentence + r".* Then run the same command again: it goes on"):
        shop.activate(shop.wide, on_progress=at(phase, lambda: run(shop, made)))
    assert shop.states() == {"old": "active", "wide": "candidate"}
    assert shop.search.by_text("Thing T-03", Query()).hits[0].sku == "T-03"
    run(shop, dropped)
    assert shop.activate(shop.wide).filled == 0
    assert_holds(shop, shop.wide, expected)


def test_a_temporary_view_of_another_session_is_named_at_the_start_and_at_the_switch(
    shop: Shop, expected: Expected
) -> None:
    with psycopg.connect(shop.database.url, autocommit=True) as other:
        make = "CREATE TEMP VIEW mine AS SELECT sku, embedding::halfvec FROM product"
        other.execute(make)
        sentence = r"view pg_temp_\d+\.mine over the embedding is a temporary one of another session"
        with pytest.raises(ModelError, match=sentence) as refused:
            shop.activate(shop.wide)
        assert shop.states() == {"old": "active"}
        # As the sentence says.
        run(shop, refused.value.message.rpartition("run ")[2].rstrip("."))
        with pytest.raises(ModelError, match=sentence + ".*Then run the same command again"):
            shop.activate(shop.wide, on_progress=at("switch", lambda: other.execute(make)))
    # The session is ended; its view goes in a moment.
    deadline = time.monotonic() + 60
    while True:
        try:
            assert shop.activate(shop.wide).filled == 0
            break
        except ModelError:
            assert time.monotonic() < deadline
    assert_holds(shop, shop.wide, expected)


# -- rows that are held ----------------------------------------------------------------------------------------


class Background:
    """An activation in a thread; `said` are its sentences."""

    def __init__(self, shop: Shop, encoder: FakeEncoder) -> None:
        self.said: list[str] = []
        self.summary: Summary | None = None
        self.error: Exception | None = None

        def work() -> None:
            try:
                self.summary = shop.activate(encoder, say=self.said.append)
            except Exception as exc:
                self.error = exc

        self.thread = threading.Thread(target=work)
        self.thread.start()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 90
        while not condition():
            assert self.thread.is_alive(), self.error
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_forgotten_row_lock_holds_up_neither_the_other_products_nor_the_writers_to_them(
    shop: Shop, expected: Expected, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "BATCH", 8)
    monkeypatch.setattr(fill, "HELD_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(fill, "HELD_SAY_SECONDS", 0.0)
    # The columns are there before the row is held: making them needs the table for a moment.
    with session.activation_session(shop.database) as connection:
        session.run_locked(connection, lambda: None)
    begun = begin(shop)
    assert begun < ALL
    with psycopg.connect(shop.database.url, application_name="forgotten") as forgotten:
        forgotten.execute("SELECT FROM product WHERE sku IN ('P-20', 'T-04') FOR UPDATE")
        activation = Background(shop, shop.wide)
        try:
            activation.wait_for(lambda: len(shop.vectors("embedding_other")) == ALL - 2 and activation.said != [])
            # All but those two can be written at once.
            shop.catalog.put(product("P-19", brand="New"))
            with shop.database.connection() as connection:
                progress = read_progress(connection)
                assert progress is not None
                sentence = tell_progress(connection, progress, {})
            assert (progress.phase, progress.waits_for, progress.running) == ("fill", 2, True)
            held = rf"process {forgotten.info.backend_pid} of the database \(forgotten, for \d+ seconds\)"
            assert "It waits for 2 products, whose rows are held by process" in sentence
            assert f"pg_terminate_backend({progress.process})" in sentence
            assert len(activation.said) == 1
            assert re.search("Waiting for 2 products, whose rows are held by " + held, activation.said[0])
        finally:
            forgotten.rollback()
            activation.thread.join(90)
    assert activation.error is None
    assert_holds(shop, shop.wide, expected)


def begin(shop: Shop) -> int:
    """An activation that was interrupted after its first batch; returns how many it made."""

    def stop(phase: str, done: int, total: int, rate: float | None) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.activate(shop.wide, on_progress=stop)
    return len(shop.vectors("embedding_other"))


def test_rows_that_are_held_for_too_long_end_it_with_who_holds_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill, "HELD_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(fill, "HELD_GIVE_UP_SECONDS", 0.1)
    begin(shop)
    with psycopg.connect(shop.database.url, application_name="forgotten") as forgotten:
        forgotten.execute("UPDATE product SET stock = 1 WHERE sku = 'P-20'")
        with pytest.raises(Conflict, match=r"rows of 1 products are held for too long, by process \d+ .*\(forgotten"):
            shop.activate(shop.wide)
    assert shop.states() == {"old": "active", "wide": "candidate"}
    shop.activate(shop.wide)
    assert shop.states()["wide"] == "active"


def test_whoever_holds_the_table_at_the_switch_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "GIVE_UP_SECONDS", 0.0)
    monkeypatch.setattr(session, "TRIES_IN_A_ROW", 2)
    with psycopg.connect(shop.database.url, application_name="report") as report:
        hold = at("switch", lambda: report.execute("SELECT count(*) FROM product"))
        with pytest.raises(Conflict, match=rf"too long: process {report.info.backend_pid} of the database \(report"):
            shop.activate(shop.wide, on_progress=hold)


# -- constraints of the shop's own -----------------------------------------------------------------------------


def test_a_constraint_of_the_shops_own_that_old_rows_break_keeps_nobody_from_a_rollback(
    shop: Shop, expected: Expected
) -> None:
    run(shop, "UPDATE product SET stock = 7 WHERE sku = 'P-03'")
    shop.activate(shop.wide)
    run(shop, 'ALTER TABLE product ADD CONSTRAINT "Few, please" CHECK (stock < 5) NOT VALID')
    shop.activate(shop.old)
    assert_holds(shop, shop.old, expected)
    with shop.database.connection() as connection:
        row = connection.execute("SELECT convalidated FROM pg_constraint WHERE conname = 'Few, please'").fetchone()
    assert row == (False,)


def test_a_row_that_breaks_a_constraint_of_the_shops_own_ends_the_fill_with_its_name(shop: Shop) -> None:
    run(
        shop,
        "UPDATE product SET stock = 7 WHERE sku = 'P-03'",
        'ALTER TABLE product ADD CONSTRAINT "Few, please" CHECK (stock < 5) NOT VALID',
    )
    with pytest.raises(ModelError, match=r"One of the products P-00 to T-09 breaks the constraint Few, please"):
        shop.activate(shop.wide)
