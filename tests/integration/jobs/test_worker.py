"""A worker does what is queued, says why something failed, and takes up what a dead one was at."""

import time

import pytest
from procrastinate import JobContext

from server.db.engine import Database
from server.errors import Conflict, ModelError, NotFound
from server.jobs import worker
from server.jobs.failures import Job, cancel, list_jobs, retry
from server.jobs.names import EMBED_GAPS, TAKE_UP_AGAIN
from server.jobs.queue import put_in
from server.jobs.worker import CHANNELS, GapListener
from server.services import Services
from tests.integration.jobs.conftest import jobs, run_worker, wait_for


def write(database: Database, sku: str = "P-1") -> None:
    with database.connection() as connection:
        connection.execute("INSERT INTO product (sku, title, currency) VALUES (%s, 'Mug', 'USD')", [sku])


def gaps(database: Database) -> list[Job]:
    """Jobs that embed what lacks a vector."""
    return [job for job in jobs(database) if job.task == "embed_gaps"]


def has_vector(database: Database, sku: str = "P-1") -> bool:
    with database.connection() as connection:
        row = connection.execute("SELECT embedding IS NOT NULL FROM product WHERE sku = %s", [sku]).fetchone()
    return row == (True,)


def test_a_worker_embeds_what_sql_wrote(services: Services) -> None:
    write(services.database)
    run_worker(services)
    assert has_vector(services.database)
    assert [job for job in jobs(services.database) if "embed" in job.task] == []


def test_a_worker_that_ends_by_itself_ends_what_it_is_at(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long that takes: it is no worker that was told to stop. What is queued meanwhile is done too."""
    done: list[bool] = []

    def slow(context: JobContext, timestamp: int = 0) -> None:
        if not done:
            with services.database.connection() as connection:
                put_in(connection, EMBED_GAPS)
        deadline = time.monotonic() + 10 * worker.STOP_SECONDS
        while time.monotonic() < deadline and not context.should_abort():
            time.sleep(0.01)
        done.append(not context.should_abort())

    monkeypatch.setattr(worker, "STOP_SECONDS", 0.1)
    monkeypatch.setattr("server.jobs.queue.tasks.embed_gaps", slow)
    run_worker(services)
    assert done == [True, True]
    assert jobs(services.database) == []


def test_a_worker_does_not_wait_for_what_another_one_is_at(services: Services) -> None:
    """A job that is locked by another worker's is no reason to stay."""
    with services.database.connection() as connection:
        connection.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
        for task in CHANNELS.values():
            put_in(connection, task)
        connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT min(id) FROM procrastinate_workers)"
        )
    run_worker(services)
    assert {(job.task, job.status) for job in jobs(services.database)} == {
        (task.removeprefix("vitrine:"), status) for task in CHANNELS.values() for status in ("todo", "doing")
    }


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


def test_one_that_failed_does_not_come_beside_another_that_waits(database: Database) -> None:
    with database.connection() as connection:
        put_in(connection, EMBED_GAPS)
        (failed,) = list_jobs(connection)
        connection.execute("UPDATE procrastinate_jobs SET status = 'failed'")
        put_in(connection, EMBED_GAPS)
        with pytest.raises(Conflict, match=f"Another job like job {failed.id} waits already"):
            retry(connection, failed.id)
        # The transaction is as good as before.
        assert sorted(job.status for job in list_jobs(connection)) == ["failed", "todo"]


def test_the_reason_told_is_that_of_the_last_try(database: Database) -> None:
    with database.connection() as connection:
        put_in(connection, EMBED_GAPS)
        (job,) = list_jobs(connection)
        connection.execute(
            "INSERT INTO job_failure VALUES (%(job)s, 11, 'before it was tried again', now() - interval '1 hour'), "
            "(%(job)s, 1, 'afterwards', now())",
            {"job": job.id},
        )
        assert list_jobs(connection)[0].reason == "afterwards"


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
