"""Why jobs failed, in words for people; and what became of the queue."""

import datetime
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from procrastinate import JobContext
from procrastinate.exceptions import JobAborted
from procrastinate.worker import Worker

from server.db.named_sql import load
from server.db.work_done import Work, note_work
from server.errors import Conflict, NotFound, VitrineError
from server.jobs.names import MAKE_THUMBNAILS, TAKE_UP_AGAIN
from server.jobs.tasks import services_of

SQL = load(__file__, "jobs.sql")
log = logging.getLogger(__name__)

# The worker's own look at other workers, every few seconds, and at thumbnails, behind each batch of an import, would be
# most of what is counted.
UNCOUNTED = frozenset({TAKE_UP_AGAIN, MAKE_THUMBNAILS})


@dataclass(frozen=True)
class Job:
    """A job that waits, runs or was given up. reason: why its last try failed."""

    id: int
    task: str
    status: str
    attempts: int
    scheduled_at: datetime.datetime | None
    reason: str | None


def note_failure(call_next: Callable[[], Any], context: JobContext, worker: Worker) -> Any:
    """Around each task: what stops it is kept beside the job. A middleware of procrastinate."""
    try:
        return call_next()
    except JobAborted:
        raise
    except Exception as exc:
        said = (
            exc.message
            if isinstance(exc, VitrineError)
            else f"Something unexpected ({type(exc).__name__}); see the log."
        )
        try:
            with services_of(context).database.connection() as connection:
                job = context.job
                connection.execute(SQL["note"], {"job": job.id, "attempt": job.attempts + 1, "reason": said})
        except VitrineError:
            # The database itself is what fails. The job is tried again all the same.
            log.warning("The reason of a failure could not be kept: %s", said)
        raise


def note_done(call_next: Callable[[], Any], context: JobContext, worker: Worker) -> Any:
    """Around each task: one that succeeds is counted, since it leaves the queue. A middleware of procrastinate."""
    result = call_next()
    if context.job.task_name not in UNCOUNTED:
        try:
            with services_of(context).database.connection() as connection:
                note_work(connection, Work.JOB, 1)
        except VitrineError:
            # It is done all the same.
            log.warning("A job that is done could not be counted")
    return result


def list_jobs(connection: psycopg.Connection) -> list[Job]:
    """What is not done, the failed ones first."""
    return [Job(*row) for row in connection.execute(SQL["list"])]


def retry(connection: psycopg.Connection, job: int) -> None:
    """Queue a failed job again. Raises NotFound, Conflict where it did not fail or another one like it waits."""
    _require(connection, job, "failed")
    try:
        with connection.transaction():
            connection.execute(SQL["retry"], {"job": job})
    except psycopg.errors.UniqueViolation:
        raise Conflict(f"Another job like job {job} waits already, and will do the same.") from None


def task_of(connection: psycopg.Connection, job: int) -> str | None:
    """What a job is, without the prefix that all have; None where there is none."""
    row = connection.execute(SQL["task"], {"job": job}).fetchone()
    return None if row is None else str(row[0])


def cancel(connection: psycopg.Connection, job: int) -> None:
    """Take a job out of the queue, or have it stop where it runs. Raises NotFound, Conflict where it is over."""
    _require(connection, job, "todo", "doing")
    connection.execute(SQL["cancel"], {"job": job})


def _require(connection: psycopg.Connection, job: int, *statuses: str) -> None:
    row = connection.execute(SQL["status"], {"job": job}).fetchone()
    if row is None:
        raise NotFound(f"There is no job {job}. `vitrine jobs list` prints those that there are.")
    if row[0] not in statuses:
        raise Conflict(f"Job {job} is {TOLD.get(row[0], row[0])}.")


TOLD = {"todo": "waiting", "doing": "running", "failed": "given up", "cancelled": "cancelled", "aborted": "stopped"}
