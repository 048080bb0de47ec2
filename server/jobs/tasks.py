"""What a worker does. Each task may be killed at any moment and done twice."""

import logging
import time

from procrastinate import JobContext
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import AbortReason

from server.catalog import bulk, coverage, history, picture_vectors, thumbnails
from server.db.pace import Pace
from server.db.work_done import forget_work
from server.errors import VitrineError
from server.events.forgetting import forget_older
from server.imports import running
from server.jobs import activating, picturing
from server.jobs.settling import UnderWay
from server.services import Services

# Pauses of 2, 4, 8 ... seconds, half an hour in all. What fails then is given up, and stands among the failed jobs.
MOST_ATTEMPTS = 10
# A worker that was not heard of for so long is taken for dead; its jobs may be done twice, and need not mind.
DEAD_SECONDS = 20.0
# Files that were imported are kept so long after the last look at them, to be run again.
IMPORTS_KEPT_DAYS = 14
TRASH_KEPT_DAYS = 30
HISTORY_KEPT_DAYS = 365
WORK_KEPT_HOURS = 24
# So soon a pause hears that it is to end.
REST_SECONDS = 0.5

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


def embed_pictures(context: JobContext, timestamp: int = 0) -> str:
    """Embed further pictures of products. timestamp: of the clock."""
    services = services_of(context)
    with Pace.of(services.database) as pace:
        done = coverage.repair_pictures(services.catalog, lambda: not context.should_abort(), pace)
    if context.should_abort():
        raise JobAborted
    for gap in done.left[:5]:
        log.warning("%s: %s", gap.sku, gap.reason)
    return f"{done.pictures} further pictures embedded, {len(done.left)} left"


def import_file(context: JobContext, run: int) -> str:
    """Run an import that was sent by a browser."""
    services = services_of(context)
    try:
        return running.run_import(services, run, is_stopping=context.should_abort)
    except running.Interrupted:
        if context.abort_reason() is AbortReason.USER_REQUEST:
            running.give_up(services, run, "Its job was cancelled.")
            raise JobAborted from None
        if context.job.attempts + 1 >= MOST_ATTEMPTS:
            running.give_up(services, run, f"Workers were stopped {MOST_ATTEMPTS} times while at it. Start it again.")
        # Another worker takes it up.
        raise
    except Exception as exc:
        if context.job.attempts + 1 >= MOST_ATTEMPTS:
            said = exc.message if isinstance(exc, VitrineError) else "Something unexpected; see the worker's log."
            running.give_up(services, run, f"{said} It was tried {MOST_ATTEMPTS} times.")
        raise


def make_thumbnails(context: JobContext, timestamp: int = 0) -> str:
    """Make the thumbnails of pictures that came in. timestamp: of the clock."""

    def rest(seconds: float) -> None:
        until = time.monotonic() + seconds
        while not context.should_abort() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, REST_SECONDS))

    made = picturing.make_missing(services_of(context), lambda: not context.should_abort(), rest)
    if context.should_abort():
        raise JobAborted
    return f"{made.pictures} pictures have their thumbnails, {made.unreadable} cannot be read"


def thumbnails_of(context: JobContext, sha256: str) -> None:
    """Make those of one picture, which could not be made before."""
    services = services_of(context)
    thumbnails.make_again(services.database, services.images, sha256)


def tidy_thumbnails(context: JobContext, timestamp: int = 0) -> str:
    """Take away thumbnails whose picture is gone."""
    removed = picturing.tidy(services_of(context), lambda: not context.should_abort())
    if context.should_abort():
        raise JobAborted
    return f"{removed} files removed"


def activate_model(context: JobContext, name: str, digest: str, by: str, lost_by_title: bool = False) -> str:
    """Embed all products with another model, then search with it. What was done before is kept."""
    try:
        return activating.activate(services_of(context), name, digest, by, lost_by_title, context.should_abort)
    except activating.Interrupted:
        if context.abort_reason() is AbortReason.USER_REQUEST:
            raise JobAborted from None
        # Another worker goes on with it.
        raise


def forget_old(context: JobContext, timestamp: int = 0) -> str:
    """Take away what is kept for a time only."""
    services = services_of(context)
    imports = running.forget_old(services, IMPORTS_KEPT_DAYS)
    with services.database.connection() as connection:
        with history.recorded(connection, "worker", "empty the trash"):
            deleted = bulk.empty_trash(connection, TRASH_KEPT_DAYS)
        forgotten = history.forget(connection, HISTORY_KEPT_DAYS)
        forget_work(connection, WORK_KEPT_HOURS)
        searches = forget_older(connection, services.settings.search_events_days)
    with picture_vectors.session_of(services.database) as alone:
        picture_vectors.forget_retired(alone)
    return f"{imports} imports, {deleted} products of the trash, {forgotten} changes and {searches} searches forgotten"


async def take_up_again(context: JobContext, timestamp: int = 0) -> None:
    """Queue again what a worker that died was at, and what this one lost: their end could not be written."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_SECONDS):
        log.warning("Job %s is taken up again: its worker is gone", job.id)
        # Where another one waits, which will do the same, the manager forgets this one.
        await manager.retry_job(job)
    under_way: UnderWay | None = context.additional_context.get("under_way")
    if under_way is not None:
        for job in await under_way.lost_jobs(context):
            log.warning("Job %s is taken up again: its end could not be written down", job.id)
            await manager.retry_job(job)


def services_of(context: JobContext) -> Services:
    """What the worker was started with."""
    services: Services = context.additional_context["services"]
    return services
