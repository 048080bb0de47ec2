"""What one process embedded, another one reads from the database."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from pgvector import HalfVector

from server.db.engine import Database
from server.embedding.current import CurrentEncoder
from server.errors import DatabaseUnavailable
from server.search import query_embeddings
from server.search.query import Query
from server.search.query_embeddings import QueryEmbeddings
from server.search.service import SearchService
from tests.factories import DIMENSION, add_model, add_product, unit_vector
from tests.fakes import FakeEncoder, fake_manifest

Process = Callable[[], tuple[SearchService, FakeEncoder, QueryEmbeddings]]


@pytest.fixture
def process(database: Database) -> Process:
    """A process of the same shop, with the same model; what it embeds is written when `write` is called."""
    with database.connection() as connection:
        model = add_model(connection, digest=fake_manifest(DIMENSION).digest)
        for number in range(5):
            add_product(connection, f"P-{number}", embedding=unit_vector(number), embedding_model=model)

    def start() -> tuple[SearchService, FakeEncoder, QueryEmbeddings]:
        encoder, kept = FakeEncoder(fake_manifest(DIMENSION)), QueryEmbeddings(database)
        kept._writes = True
        current = CurrentEncoder(lambda: encoder, lambda _: encoder, 10, kept)
        return SearchService(database, current, "0123456789abcdef", "USD"), encoder, kept

    return start


def count(database: Database) -> int:
    with database.connection() as connection:
        row = connection.execute("SELECT count(*) FROM query_embedding").fetchone()
    assert row is not None
    return int(row[0])


def test_what_one_process_embedded_another_finds(process: Process) -> None:
    (here, embedded_here, kept), (there, embedded_there, _) = process(), process()
    first = here.by_text("blue shirt", Query(limit=2))
    assert kept.write() == 1
    second = there.by_text("blue shirt", Query(limit=2))
    assert (embedded_here.texts_run, embedded_there.texts_run) == (["blue shirt"], [])
    assert (first.timing.embedding_cached, second.timing.embedding_cached) == (False, True)
    assert [(hit.sku, hit.score) for hit in first.hits] == [(hit.sku, hit.score) for hit in second.hits]


def test_a_cursor_of_one_process_goes_on_in_another(process: Process) -> None:
    (here, _, kept), (there, _, _) = process(), process()
    first = here.like_but("P-0", "blue", Query(limit=2))
    kept.write()
    second = there.like_but("P-0", "blue", Query(limit=2, cursor=first.next_cursor))
    assert {hit.sku for hit in (*first.hits, *second.hits)} == {"P-1", "P-2", "P-3", "P-4"}


def test_the_text_itself_is_not_kept(process: Process, database: Database) -> None:
    search, _, kept = process()
    search.by_text("my name is Ann", Query())
    kept.write()
    with database.connection() as connection:
        found = connection.execute(
            "SELECT text_hash = sha256(convert_to('my name is Ann', 'UTF8')), kept::text FROM query_embedding AS kept"
        ).fetchone()
    assert found is not None
    assert found[0]
    assert "Ann" not in found[1]


def test_another_models_vector_is_another_one(process: Process, database: Database) -> None:
    _, encoder, kept = process()
    kept.keep("some-other-model", "red", unit_vector(1))
    kept.write()
    assert count(database) == 0
    kept.keep(encoder.manifest.digest, "red", unit_vector(1))
    kept.write()
    found = kept.find(encoder.manifest.digest, "red")
    assert found is not None
    np.testing.assert_allclose(found, unit_vector(1), atol=1e-3)
    assert kept.find("some-other-model", "red") is None


def test_the_oldest_are_forgotten(process: Process, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_embeddings, "MOST_KEPT", 3)
    monkeypatch.setattr(query_embeddings, "FORGET_EVERY", 1)
    _, encoder, kept = process()
    for number in range(6):
        kept.keep(encoder.manifest.digest, f"text {number}", unit_vector(number))
        kept.write()
    known = [kept.find(encoder.manifest.digest, f"text {number}") is not None for number in range(6)]
    assert known == [False, False, False, True, True, True]
    assert count(database) == 3


def test_a_failure_is_not_the_searchers(process: Process, database: Database) -> None:
    search, encoder, _ = process()
    with database.connection() as connection:
        connection.execute("ALTER TABLE query_embedding RENAME TO elsewhere")
    try:
        assert len(search.by_text("blue", Query()).hits) == 5
        assert encoder.texts_run == ["blue"]
    finally:
        with database.connection() as connection:
            connection.execute("ALTER TABLE elsewhere RENAME TO query_embedding")


def test_a_standby_reads_and_gives_up_writing(process: Process, database: Database) -> None:
    _, encoder, kept = process()
    digest = encoder.manifest.digest
    kept.keep(digest, "blue", unit_vector(1))
    kept.write()
    standby = QueryEmbeddings(Database(database.url + "&options=-c%20default_transaction_read_only%3Don"))
    standby._writes = True
    assert standby.find(digest, "blue") is not None
    standby.keep(digest, "red", unit_vector(2))
    # Nothing is lost, and nothing more is done.
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable, match="takes no changes"):
            standby.write()
    standby._database.close()


def test_only_who_was_started_writes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_embeddings, "WRITE_SECONDS", 0.01)
    with database.connection() as connection:
        add_model(connection, digest="d")
    kept = QueryEmbeddings(database)
    kept.keep("d", "blue", unit_vector(1))
    assert kept.write() == 0
    kept.start()
    kept.keep("d", "blue", unit_vector(1))
    deadline = time.monotonic() + 20
    while not count(database) and time.monotonic() < deadline:
        time.sleep(0.02)
    kept.stop()
    assert count(database) == 1


def test_two_processes_with_the_same_texts_do_not_wait_in_a_circle(process: Process, database: Database) -> None:
    digest = process()[1].manifest.digest
    for turn in range(5):
        both = [process()[2], process()[2]]
        for kept, order in zip(both, (1, -1), strict=True):
            for number in range(200)[::order]:
                kept.keep(digest, f"text {turn} {number}", unit_vector(number))
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(lambda kept: kept.write(), both)) == [200, 200]
    assert count(database) == 1000


def test_a_database_that_does_not_answer_is_left_alone_for_a_while(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = QueryEmbeddings(database)
    asked: list[float | None] = []

    def turns(patience: float | None = None) -> None:
        asked.append(patience)
        raise DatabaseUnavailable

    monkeypatch.setattr(database, "turns", turns)
    assert [kept.find("d", "blue") for _ in range(3)] == [None] * 3
    assert asked == [query_embeddings.PATIENCE_SECONDS]


def test_a_text_in_an_open_transaction_keeps_nobody_waiting(
    process: Process, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As remember_text in an analyst's session that stays open."""
    monkeypatch.setattr(query_embeddings, "LOCK_MS", 50)
    (shop, _, kept), digest = process(), fake_manifest(DIMENSION).digest
    shop.by_text("blue", Query())
    with database.connection() as analyst:
        values = {"digest": digest, "hashes": [query_embeddings._hash("blue")], "vectors": [HalfVector(unit_vector(1))]}
        analyst.execute(query_embeddings.SQL["keep"], values)
        # Would the writer wait, it would be ended here, and say something else.
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(kept.write)
            try:
                assert isinstance(writing.exception(10), DatabaseUnavailable)
            finally:
                analyst.rollback()
    # It was not forgotten.
    assert kept.write() == 1
