"""How much is done behind the scenes: counted by whoever does it, told by the page and the metrics."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from server.catalog.ingest import Importer
from server.catalog.product import ProductInput, ProductPatch
from server.db.engine import Database
from server.db.work_done import Done, Work, forget_work, note_work, read_work
from server.errors import ModelError
from server.jobs import worker
from server.jobs.names import EMBED_GAPS, TAKE_UP_AGAIN
from server.jobs.queue import put_in
from server.jobs.throughput import Throughput, read_throughput
from server.services import Services, open_services
from server.settings import load_settings
from tests.fakes import FakeEncoder


@pytest.fixture
def services(database: Database, encoder: FakeEncoder, tmp_path: Path) -> Services:
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=tmp_path)
    return open_services(settings, database=database, encoder=encoder)


@pytest.fixture
def work(services: Services, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Has a worker do what is queued. The clock's own jobs would come in between."""
    monkeypatch.setattr("server.jobs.worker.os.nice", lambda by: None)
    monkeypatch.setattr("server.jobs.queue.App.periodic", lambda self, **_: lambda task: task)

    def run() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(worker.run_worker, services, wait=False).result()

    return run


def now(database: Database) -> Throughput:
    with database.connection() as connection:
        return read_throughput(connection)


def embedded(database: Database) -> int:
    return now(database).embedded.hour


def queue(database: Database, *tasks: str) -> None:
    with database.connection() as connection:
        for task in tasks:
            put_in(connection, task)


def test_nothing_was_done_yet(database: Database) -> None:
    assert now(database) == Throughput(Done(0, 0), Done(0, 0), 0, 0.0)


def test_jobs_that_succeed_and_what_they_embed_are_counted(services: Services, work: Callable[[], None]) -> None:
    database = services.database
    with database.connection() as connection:
        connection.execute(
            "INSERT INTO product (sku, title, currency) SELECT 'P-' || n, 'Mug', 'USD' FROM generate_series(1, 70) AS n"
        )
    # The look at other workers is no work.
    queue(database, EMBED_GAPS, TAKE_UP_AGAIN)
    work()
    done = len(worker.CHANNELS) - 1  # thumbnails are not counted
    assert now(database).jobs == Done(done, done)
    assert now(database).embedded == Done(70, 70)


def test_a_job_that_fails_is_none_that_is_done(
    services: Services, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str) -> None:
        raise ModelError("The model is broken.")

    monkeypatch.setattr(services.encoder, "place_text", broken)
    with services.database.connection() as connection:
        connection.execute("INSERT INTO product (sku, title, currency) VALUES ('P-1', 'Mug', 'USD')")
    queue(services.database, EMBED_GAPS)
    work()
    others = len(worker.CHANNELS) - 2  # thumbnails are not counted
    assert now(services.database).jobs == Done(others, others)


def test_products_are_counted_where_their_vector_is_made_and_kept(services: Services, tmp_path: Path) -> None:
    database, catalog = services.database, services.catalog
    catalog.put(ProductInput(sku="A-1", title="Mug", price=5))
    assert embedded(database) == 1
    catalog.patch("A-1", ProductPatch(price=6))
    assert embedded(database) == 1
    catalog.patch("A-1", ProductPatch(title="Cup"))
    assert embedded(database) == 2
    path = tmp_path / "shop.csv"
    path.write_text("sku,title,price\nA-1,Cup,7\nB-1,Bowl,8\nB-2,Plate,cheap\nB-3,Jug,9\n")
    importer = Importer(database, services.current, services.images, services.settings)
    assert importer.run(path).created == 2
    assert embedded(database) == 4


def test_what_was_done_long_ago_is_not_told_and_forgotten(database: Database) -> None:
    with database.connection() as connection:
        for age, number in (("30 seconds", 2), ("30 minutes", 30), ("2 hours", 500), ("25 hours", 7000)):
            note_work(connection, Work.EMBEDDING, number)
            connection.execute(
                "UPDATE work_done SET at = now() - %s::interval WHERE number = %s", [age, number], prepare=False
            )
        note_work(connection, Work.JOB, 0)
        assert read_work(connection) == {Work.JOB: Done(0, 0), Work.EMBEDDING: Done(2, 32)}
        assert read_work(connection)[Work.EMBEDDING].per_minute == pytest.approx(32 / 60)
        assert forget_work(connection, 24) == 1


def test_running_imports_tell_their_rows_a_second(database: Database) -> None:
    with database.connection() as connection:
        for state, age, report in (
            ("running", "1 second", {"created": 300, "unchanged": 100, "refused": 100, "seconds": 5.0}),
            ("running", "2 seconds", {"updated": 80, "seconds": 2.0}),
            ("running", "1 second", {}),
            # Its worker is gone.
            ("running", "1 minute", {"created": 900, "seconds": 1.0}),
            ("done", "1 second", {"created": 900, "seconds": 1.0}),
        ):
            connection.execute(
                "INSERT INTO import_run (name, bytes, made_by, state, report, changed_at) "
                "VALUES ('a.csv', 1, 'ann', %s, %s, now() - %s::interval)",
                [state, orjson.dumps(report).decode(), age],
            )
    assert (now(database).imports, now(database).import_rows) == (3, 140.0)
