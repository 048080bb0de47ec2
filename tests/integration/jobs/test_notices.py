"""Whoever may connect may NOTIFY, a data team's role too. The worker believes the tables alone."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from procrastinate import JobContext
from procrastinate.job_context import AbortReason
from procrastinate.worker import Worker

from server.db.engine import Database
from server.jobs import worker
from server.jobs.failures import cancel
from server.jobs.names import EMBED_GAPS
from server.services import Services
from tests.integration.jobs.conftest import jobs, wait_for

CHANNEL = "procrastinate_any_queue_v1"


def tell(database: Database, *payloads: str) -> None:
    """As somebody who has no right but to connect."""
    with database.connection() as connection:
        connection.execute("CREATE ROLE teller")
        connection.execute("SET ROLE teller")
        for payload in payloads:
            connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])
        connection.execute("RESET ROLE")
        connection.execute("DROP ROLE teller")


def test_what_others_notify_neither_ends_the_worker_nor_stops_a_job(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers: list[Worker] = []
    reasons: list[AbortReason | None] = []
    go_on = threading.Event()

    def busy(context: JobContext, timestamp: int = 0) -> None:
        wait_for(lambda: go_on.is_set() or context.should_abort())
        reasons.append(context.abort_reason())

    def note_worker(call_next: Callable[[], Any], context: JobContext, worker: Worker) -> Any:
        workers.append(worker)
        return call_next()

    monkeypatch.setattr("server.jobs.queue.tasks.embed_gaps", busy)
    monkeypatch.setattr("server.jobs.worker.note_done", note_worker)
    database = services.database
    thread = threading.Thread(target=worker.run_worker, args=[services])
    thread.start()

    def begun(after: int = 0) -> list[int]:
        """The jobs that are worked at and are younger than that one, which may be being written off yet."""
        return [j.id for j in jobs(database) if j.task == "embed_gaps" and j.status == "doing" and j.id > after]

    try:
        assert wait_for(lambda: len(begun()) == 1)
        (job,) = begun()
        tell(database, f'{{"type": "abort_job_requested", "job_id": {job}}}', "not json", "[]", "{}")
        # Longer than a notice takes, and than the queue is not looked at.
        assert not threading.Event().wait(2 * worker.ABORT_SECONDS)
        assert reasons == []
        go_on.set()
        assert wait_for(lambda: reasons == [None])
        # It works on: the next job is done, and stops on the word of somebody who may say so.
        go_on.clear()
        with database.connection() as connection:
            worker.put_in(connection, EMBED_GAPS)
        assert wait_for(lambda: len(begun(after=job)) == 1)
        with database.connection() as connection:
            cancel(connection, *begun(after=job))
        assert wait_for(lambda: reasons == [None, AbortReason.USER_REQUEST])
    finally:
        go_on.set()
        for one in workers[:1]:
            one.stop()
        thread.join(30)
    assert not thread.is_alive()
