"""A worker does what is queued, says why something failed, and takes up what a dead one was at."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.db.engine import Database
from server.errors import Conflict, ModelError, NotFound
from server.jobs import worker
from server.jobs.failures import Job, cancel, list_jobs, retry
from server.jobs.queue import EMBED_GAPS, TAKE_UP_AGAIN, put_in
from server.jobs.worker import GapListener
from server.services import Services, open_services
from server.settings import load_settings
from tests.fakes import FakeEncoder


@pytest.fixture
def services(database: Database, encoder: FakeEncoder, tmp_path: Path) -> Services:
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=tmp_path)
    return open_services(settings, database=database, encoder=encoder)


@pytest.fixture(autouse=True)
def as_nice_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.jobs.worker.os.nice", lambda by: None)


@pytest.fixture(autouse=True)
def without_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the clock queues at each full minute would come in between."""
    monkeypatch.setattr("server.jobs.queue.App.periodic", lambda self, **_: lambda task: task)


def run_worker(services: Services) -> None:
    """Until nothing is left. In a thread of its own: in this one, a browser's event loop may be running."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(worker.run_worker, services, wait=False).result()


def write(database: Database, sku: str = "P-1") -> None:
    with database.connection() as connection:
        connection.execute("INSERT INTO product (sku, title, currency) VALUES (%s, 'Mug', 'USD')", [sku])


def jobs(database: Database) -> list[Job]:
    with database.connection() as connection:
        return list_jobs(connection)


def gaps(database: Database) -> list[Job]:
    """Jobs that embed what lacks a vector."""
    return [job for job in jobs(database) if job.task == "embed_gaps"]


def has_vector(database: Database, sku: str = "P-1") -> bool:
    with database.connection() as connection:
        row = connection.execute("SELECT embedding IS NOT NULL FROM product WHERE sku = %s", [sku]).fetchone()
    return row == (True,)


def wait_for(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not what() and time.monotonic() < deadline:
        time.sleep(0.02)
    return what()


def test_a_worker_embeds_what_sql_wrote(services: Services) -> None:
    write(services.database)
    run_worker(services)
    assert has_vector(services.database)
    assert [job for job in jobs(services.database) if "embed" in job.task] == []


def test_one_job_that_waits_is_enough(database: Database) -> None:
    with database.connection() as connection:
        assert put_in(connection, EMBED_GAPS)
        assert not put_in(connection, EMBED_GAPS)
        # The transaction is as good as before.
        assert len(list_jobs(connection)) == 1


def test_a_failure_is_told_and_the_job_tried_again(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str) -> None:
        raise ModelError("The model is broken.")

    with monkeypatch.context() as patch:
        patch.setattr(services.encoder, "place_text", broken)
        write(services.database)
        run_worker(services)
    (job,) = (job for job in jobs(services.database) if job.task == "embed_gaps")
    assert (job.status, job.attempts, job.reason) == ("todo", 1, "The model is broken.")
    assert job.scheduled_at is not None
    with services.database.connection() as connection:
        connection.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    run_worker(services)
    assert has_vector(services.database)


def test_what_fails_too_often_is_given_up_until_somebody_asks(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str) -> None:
        raise RuntimeError("nobody thought of this")

    write(services.database)
    with services.database.connection() as connection:
        put_in(connection, EMBED_GAPS)
        connection.execute("UPDATE procrastinate_jobs SET attempts = 10")
    with monkeypatch.context() as patch:
        patch.setattr(services.encoder, "place_text", broken)
        run_worker(services)
    job = jobs(services.database)[0]
    assert (job.task, job.status) == ("embed_gaps", "failed")
    assert job.reason == "Something unexpected (RuntimeError); see the log."
    with services.database.connection() as connection:
        retry(connection, job.id)
    run_worker(services)
    assert has_vector(services.database)
    assert job.id not in {one.id for one in jobs(services.database)}


@pytest.mark.parametrize("another_waits", [True, False])
def test_what_a_dead_worker_was_at_is_taken_up(
    services: Services, another_waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not another_waits:
        monkeypatch.setattr("server.jobs.worker.put_in", lambda *_: False)
    write(services.database)
    with services.database.connection() as connection:
        put_in(connection, EMBED_GAPS)
        connection.execute(
            "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '5 minutes') "
            "RETURNING id) UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead"
        )
        put_in(connection, TAKE_UP_AGAIN)
    run_worker(services)
    assert [job for job in jobs(services.database) if job.status == "doing"] == []
    with services.database.connection() as connection:
        connection.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    run_worker(services)
    assert has_vector(services.database)
    assert jobs(services.database) == []


def test_a_job_can_be_cancelled_while_it_waits(database: Database) -> None:
    with database.connection() as connection:
        put_in(connection, EMBED_GAPS)
        (job,) = list_jobs(connection)
        cancel(connection, job.id)
        assert [one.status for one in list_jobs(connection)] == ["cancelled"]
        with pytest.raises(Conflict, match=f"Job {job.id} is cancelled"):
            cancel(connection, job.id)
        with pytest.raises(Conflict, match="cancelled"):
            retry(connection, job.id)
        with pytest.raises(NotFound, match="no job 77"):
            retry(connection, 77)


def test_the_database_tells_of_a_gap(database: Database) -> None:
    listener = GapListener(database)
    listener.start()
    try:
        assert wait_for(lambda: len(gaps(database)) == 1)
        with database.connection() as connection:
            connection.execute("DELETE FROM procrastinate_jobs")
        write(database)
        assert wait_for(lambda: len(gaps(database)) == 1)
        with database.connection() as connection:
            connection.execute("DELETE FROM procrastinate_jobs")
            # What gets no vector is nobody's concern.
            connection.execute("UPDATE product SET status = 'hidden'")
        time.sleep(0.3)
        assert gaps(database) == []
        with database.connection() as connection:
            connection.execute("UPDATE product SET status = 'live'")
        assert wait_for(lambda: len(gaps(database)) == 1)
    finally:
        listener.stop()


def test_a_product_with_a_vector_tells_nothing(services: Services) -> None:
    write(services.database)
    services.catalog.embed_again(["P-1"])
    listener = GapListener(services.database)
    listener.start()
    try:
        assert wait_for(lambda: len(gaps(services.database)) == 1)
        with services.database.connection() as connection:
            connection.execute("DELETE FROM procrastinate_jobs")
            connection.execute("UPDATE product SET price = 7")
        time.sleep(0.3)
        assert gaps(services.database) == []
    finally:
        listener.stop()


def test_a_listener_has_dead_workers_looked_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.0)
    listener = GapListener(database)
    listener.start()
    try:
        assert wait_for(lambda: any(job.task == "take_up_again" for job in jobs(database)))
        with database.connection() as connection:
            connection.execute("DELETE FROM procrastinate_jobs")
        assert wait_for(lambda: any(job.task == "take_up_again" for job in jobs(database)))
    finally:
        listener.stop()
