"""The one round trip of a quick page: what is sent along is right, or not used."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from server.db.engine import Database
from server.embedding.current import ActiveModel
from server.errors import DatabaseUnavailable, VitrineError
from server.search import service as service_module
from server.search import transaction
from server.search.candidates import walk_of_everything
from server.search.plan import USUAL_WALK, Path, Walk
from server.search.query import Mode, Query
from server.search.service import SearchService
from server.search.transaction import Begun, ModelMoved, Statement, Wanted
from tests.factories import DIMENSION, add_model, add_product, unit_vector
from tests.fakes import FakeEncoder

QUERY = Query(mode=Mode.VECTOR, limit=5)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each transaction that began had a walk with it."""
    seen: list[bool] = []

    def begin(
        connection: psycopg.Connection, wanted: Wanted, walk: Walk = USUAL_WALK, ahead: Statement | None = None
    ) -> Begun:
        seen.append(ahead is not None)
        return transaction.begin(connection, wanted, walk, ahead)

    monkeypatch.setattr(service_module, "begin", begin)
    return seen


def fill(database: Database, number: int) -> None:
    with database.connection() as connection:
        row = connection.execute("SELECT id FROM embedding_model").fetchone()
        model = add_model(connection) if row is None else row[0]
        for index in range(number):
            add_product(connection, f"P{index:03}", embedding=unit_vector(index), embedding_model=model)
    database.refresh_statistics()


@pytest.mark.usefixtures("index_only")
def test_the_walk_is_sent_along_once_it_was_right(search: SearchService, database: Database, begun: list[bool]) -> None:
    fill(database, 40)
    first = search.by_text("query", QUERY)
    second = search.by_text("query", QUERY)
    assert begun == [False, True]
    assert [hit.sku for hit in second.hits] == [hit.sku for hit in first.hits]
    assert second.plan.path is first.plan.path is Path.HNSW
    assert second.next_cursor == first.next_cursor


@pytest.mark.usefixtures("index_only")
def test_a_shop_that_shrank_is_searched_again(search: SearchService, database: Database, begun: list[bool]) -> None:
    fill(database, 40)
    search.by_text("query", QUERY)
    with database.connection() as connection:
        connection.execute("DELETE FROM product WHERE sku > 'P002'")
    found = search.by_text("query", QUERY)
    assert {hit.sku for hit in found.hits} == {"P000", "P001", "P002"}
    assert begun == [False, True, False]


@pytest.mark.usefixtures("index_only")
def test_where_statements_do_not_see_what_was_committed_before_them_nothing_is_sent_along(
    database: Database, encoder: FakeEncoder, begun: list[bool]
) -> None:
    fill(database, 40)
    strict = Database(database.url + "&options=-cdefault_transaction_isolation%3Drepeatable%5C%20read", pool_size=1)
    try:
        with strict.turns() as connection:
            assert connection.execute("SHOW default_transaction_isolation").fetchone() == ("repeatable read",)
        with database.connection() as connection:
            connection.execute("UPDATE embedding_model SET digest = %s", [encoder.manifest.digest])
        search = SearchService(strict, encoder, "0123456789abcdef", "USD")
        pages = [search.by_text("query", QUERY) for _ in range(3)]
    finally:
        strict.close()
    # Sent along once, and never again.
    assert begun == [False, True, False, False]
    assert {tuple(hit.sku for hit in page.hits) for page in pages} == {tuple(hit.sku for hit in pages[0].hits)}


@pytest.mark.parametrize("dimension", [DIMENSION, 2 * DIMENSION])
def test_a_walk_with_another_models_vector_is_thrown_away(database: Database, dimension: int) -> None:
    fill(database, 3)
    other = Wanted(QUERY.filters, unit_vector(0, dimension), "another digest")
    with pytest.raises(ModelMoved) as moved, database.turns() as connection:
        transaction.begin(connection, other, ahead=walk_of_everything(other, 6))
    assert isinstance(moved.value.active, ActiveModel)


@pytest.mark.usefixtures("index_only")
@pytest.mark.parametrize("limit", [24, 48, 100])
def test_what_is_sent_along_is_the_walk_that_would_be_made(
    search: SearchService, database: Database, begun: list[bool], limit: int
) -> None:
    fill(database, 130)
    pages = [search.by_text("query", Query(mode=Mode.VECTOR, limit=limit)) for _ in range(3)]
    assert begun == [False, True, True]
    assert len({tuple(hit.sku for hit in page.hits) for page in pages}) == 1
    assert all(len(page.hits) == limit for page in pages)


@contextmanager
def one_connection(database: Database) -> Iterator[Database]:
    one = Database(database.url, pool_size=1)
    try:
        yield one
    finally:
        one.close()


def test_turns_commit_at_the_end_roll_back_on_an_exception_and_leave_the_connection_as_it_was(
    database: Database,
) -> None:
    def go_wrong(one: Database) -> None:
        with one.turns() as connection:
            connection.execute("BEGIN")
            connection.execute("DELETE FROM embedding_model")
            connection.execute("SELECT no_such_column")

    with one_connection(database) as one:
        with one.turns() as connection:
            connection.execute("BEGIN")
            add_model(connection)
        with pytest.raises(VitrineError):
            go_wrong(one)
        with one.connection() as connection:
            assert not connection.autocommit
            row: tuple[Any, ...] | None = connection.execute("SELECT count(*) FROM embedding_model").fetchone()
    assert row == (1,)


def test_a_connection_that_dies_in_a_turn_is_told_and_replaced(database: Database) -> None:
    def die(one: Database) -> None:
        with one.turns() as connection, database.connection() as other:
            other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
            connection.execute("SELECT 1")

    with one_connection(database) as one:
        with pytest.raises(DatabaseUnavailable):
            die(one)
        with one.turns() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
