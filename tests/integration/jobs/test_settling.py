"""No job stays `doing` under a worker that lives and is not at it."""

from typing import Any

import pytest
from procrastinate import JobContext
from procrastinate.manager import JobManager

from server.errors import StorageUnavailable
from server.jobs import tasks
from server.jobs.names import EMBED_GAPS, FORGET_OLD, MAKE_THUMBNAILS, TAKE_UP_AGAIN
from server.jobs.queue import put_in
from server.services import Services
from tests.integration.jobs.conftest import jobs, run_worker, wait_for


@pytest.mark.parametrize("name", [EMBED_GAPS, MAKE_THUMBNAILS, FORGET_OLD])
def test_what_fails_while_another_waits_leaves_it_to_that(
    services: Services, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[int | None] = []

    def fail_first(context: JobContext, timestamp: int = 0) -> None:
        runs.append(context.job.id)
        if len(runs) == 1:
            with services.database.connection() as connection:
                assert put_in(connection, name)
                connection.execute(
                    "UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour' WHERE status = 'todo'"
                )
            raise StorageUnavailable("The disk is full.")

    task = name.removeprefix("vitrine:")
    monkeypatch.setattr(tasks, task, fail_first)
    with services.database.connection() as connection:
        put_in(connection, name)
    run_worker(services)
    (waiting,) = jobs(services.database, task)
    assert (waiting.status, waiting.id in runs) == ("todo", False)
    with services.database.connection() as connection:
        connection.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL")
    run_worker(services)
    assert runs[1:] == [waiting.id]
    assert jobs(services.database) == []


def test_what_its_own_worker_lost_is_taken_up_and_what_it_is_at_is_not(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []
    register = JobManager.register_worker

    async def register_and_lose(self: JobManager) -> int:
        worker = await register(self)
        with services.database.connection() as connection:
            # As if the database had been away when the end of it was to be written.
            connection.execute(
                "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s WHERE task_name = %s",
                [worker, FORGET_OLD],
            )
        return worker

    def is_lost() -> bool:
        return any(job.status == "doing" for job in jobs(services.database, "forget_old"))

    def embed(context: JobContext, timestamp: int = 0) -> None:
        runs.append("embed")
        assert wait_for(lambda: not is_lost())

    def forget(context: JobContext, **_: Any) -> None:
        runs.append("forget")

    monkeypatch.setattr(tasks, "embed_gaps", embed)
    monkeypatch.setattr(tasks, "forget_old", forget)
    with services.database.connection() as connection:
        for name in (EMBED_GAPS, FORGET_OLD, TAKE_UP_AGAIN):
            put_in(connection, name)
    with monkeypatch.context() as patch:
        patch.setattr(JobManager, "register_worker", register_and_lose)
        run_worker(services)
    assert runs.count("embed") == 1
    run_worker(services)
    assert runs.count("forget") == 1
    assert jobs(services.database) == []
