"""What a worker does. Each task may be killed at any moment and done twice."""

import logging

from procrastinate import JobContext
from procrastinate.exceptions import JobAborted, UniqueViolation
from procrastinate.jobs import Status

from server.catalog import coverage
from server.services import Services

log = logging.getLogger(__name__)


def embed_gaps(context: JobContext, timestamp: int = 0) -> str:
    """Embed what somebody wrote without a vector. timestamp: of the clock, where it was that which asked."""
    services = services_of(context)
    done = coverage.repair(services.database, services.catalog, go_on=lambda: not context.should_abort())
    if context.should_abort():
        raise JobAborted
    for gap in done.left[:5]:
        log.warning("%s has no vector: %s", gap.sku, gap.reason)
    return f"{done.filled} embedded, {len(done.left)} left"


async def take_up_again(context: JobContext, timestamp: int = 0) -> None:
    """Queue again what a worker that died was at."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        log.warning("Job %s is taken up again: its worker is gone", job.id)
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            # Another one waits, which will do the same.
            await manager.finish_job(job, status=Status.ABORTED, delete_job=True)


def services_of(context: JobContext) -> Services:
    """What the worker was started with."""
    services: Services = context.additional_context["services"]
    return services
