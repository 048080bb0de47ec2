"""That no job stays `doing` for ever: it would keep others out that have its lock, and no page could help it.

Procrastinate writes the end of a job after the job, and where that fails its worker goes on without it: alive, so that
nobody takes the job for a dead worker's.
"""

import asyncio
import datetime
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from procrastinate import JobContext
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from procrastinate.worker import Worker

# A job that is taken from the queue in this moment is `doing` a little before its worker knows of it.
LOOK_AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)


class SettlingManager(JobManager):
    """Procrastinate's own, but a job that cannot wait again is forgotten: one like it waits, and does the same."""

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime.datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Let a job wait for another try."""
        try:
            await super().retry_job(job, retry_at, priority, queue, lock)
        except UniqueViolation:
            log.info("Job %s is not tried again: another %s waits, and will do the same", job.id, job.task_name)
            await self.finish_job(job, status=Status.ABORTED, delete_job=True)


class UnderWay:
    """What a worker is at, until the end of each job is written. A middleware of procrastinate, around every job."""

    def __init__(self) -> None:
        self._jobs: dict[asyncio.Task[Any], int | None] = {}

    @property
    def is_any(self) -> bool:
        """Whether the worker is at a job."""
        return bool(self._jobs)

    async def __call__(self, call_next: Callable[[], Awaitable[Any]], context: JobContext, worker: Worker) -> Any:
        task = asyncio.current_task()
        if task is not None:
            self._jobs[task] = context.job.id
            # The task goes on behind this call: it writes down what came of the job.
            task.add_done_callback(self._jobs.pop)
        return await call_next()

    async def lost_jobs(self, context: JobContext) -> list[Job]:
        """Jobs that this worker has in the database, and is not at. context: of a job that it is at."""
        lost = await self._unknown(context)
        if not lost:
            return []
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        again = {job.id for job in await self._unknown(context)}
        return [job for job in lost if job.id in again]

    async def _unknown(self, context: JobContext) -> list[Job]:
        worker = context.job.worker_id
        if worker is None:
            return []
        doing = await context.app.job_manager.list_jobs_async(status=Status.DOING.value, worker_id=worker)
        return [job for job in doing if job.id not in self._jobs.values()]
