"""The queue of a database: which tasks there are, and how to put one in."""

from contextlib import suppress

import orjson
import psycopg
from procrastinate import App, PsycopgConnector, RetryStrategy
from procrastinate.jobs import Job
from procrastinate.retry import RetryDecision

from server.activation.progress import read_progress
from server.db.engine import Database
from server.db.named_sql import load
from server.embedding.manifest import Manifest
from server.errors import Conflict, ModelError
from server.jobs import tasks
from server.jobs.activating import find_job
from server.jobs.names import (
    ACTIVATE_MODEL,
    EMBED_GAPS,
    EMBED_PICTURES,
    FORGET_OLD,
    IMPORT_FILE,
    MAKE_THUMBNAILS,
    QUEUE,
    TAKE_UP_AGAIN,
    THUMBNAILS_OF,
    TIDY_THUMBNAILS,
)
from server.jobs.settling import SettlingManager

SQL = load(__file__, "jobs.sql")

RETRIES = RetryStrategy(max_attempts=tasks.MOST_ATTEMPTS, exponential_wait=2)
# Of these one at a time: a second one would do the same work beside the first, in a place that an import may need.
ALONE = frozenset({EMBED_GAPS, EMBED_PICTURES, MAKE_THUMBNAILS})


class Retries(RetryStrategy):
    """Growing pauses for what may be better at another try; what somebody has to mend is given up at once.

    A Conflict may be better: who is in the way, another activation or a long transaction, goes by itself.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """None: it is given up."""
        if isinstance(exception, ModelError):
            return None
        return super().get_retry_decision(exception=exception, job=job)


def open_queue(database: Database) -> App:
    """The queue as procrastinate sees it, not yet connected."""
    connector = PsycopgConnector(
        conninfo=database.url, min_size=1, max_size=4, kwargs={"application_name": database.name}
    )
    app = App(connector=connector)
    app.job_manager = SettlingManager(connector)
    # Of each, one that waits is enough. Where the database's notice of a gap was lost, the clock finds it.
    for name, cron, task in (
        (EMBED_GAPS, "*/5 * * * *", tasks.embed_gaps),
        (EMBED_PICTURES, "2-59/5 * * * *", tasks.embed_pictures),
    ):
        embed = app.task(name=name, queue=QUEUE, lock=name, queueing_lock=name, retry=RETRIES, pass_context=True)
        app.periodic(cron=cron)(embed(task))
    app.task(name=IMPORT_FILE, queue=QUEUE, retry=RETRIES, pass_context=True)(tasks.import_file)
    make = app.task(
        name=MAKE_THUMBNAILS, queue=QUEUE, lock=MAKE_THUMBNAILS, queueing_lock=MAKE_THUMBNAILS, retry=RETRIES,
        pass_context=True,
    )  # fmt: skip
    app.periodic(cron="3-59/5 * * * *")(make(tasks.make_thumbnails))
    # Put in when it has failed already: a second try is somebody's wish.
    app.task(name=THUMBNAILS_OF, queue=QUEUE, pass_context=True)(tasks.thumbnails_of)
    tidy = app.task(name=TIDY_THUMBNAILS, queue=QUEUE, queueing_lock=TIDY_THUMBNAILS, retry=RETRIES, pass_context=True)
    app.periodic(cron="41 4 * * *")(tidy(tasks.tidy_thumbnails))
    patient = Retries(max_attempts=tasks.MOST_ATTEMPTS, exponential_wait=2)
    app.task(name=ACTIVATE_MODEL, queue=QUEUE, retry=patient, pass_context=True)(tasks.activate_model)
    forget = app.task(name=FORGET_OLD, queue=QUEUE, queueing_lock=FORGET_OLD, retry=RETRIES, pass_context=True)
    app.periodic(cron="17 * * * *")(forget(tasks.forget_old))
    again = app.task(name=TAKE_UP_AGAIN, queue=QUEUE, queueing_lock=TAKE_UP_AGAIN, priority=10, pass_context=True)
    app.periodic(cron="* * * * *")(again(tasks.take_up_again))
    return app


def put_in(connection: psycopg.Connection, name: str) -> bool:
    """Queue a task of which one that waits is enough, in the caller's transaction; False where one waits already."""
    try:
        with connection.transaction():
            alone = name if name in ALONE else None
            connection.execute(SQL["put_in"], {"queue": QUEUE, "name": name, "lock": alone})
    except psycopg.errors.UniqueViolation:
        return False
    return True


def queue_import(connection: psycopg.Connection, run: int) -> None:
    """Queue the run of an import, in the caller's transaction."""
    with suppress(psycopg.errors.UniqueViolation), connection.transaction():
        _defer(connection, IMPORT_FILE, f"{IMPORT_FILE}:{run}", {"run": run})


def queue_activation(
    connection: psycopg.Connection, manifest: Manifest, name: str, by: str, lost_by_title: bool = False
) -> None:
    """Queue that a model becomes the active one, in the caller's transaction. name: that it is installed under.

    Raises Conflict where another activation waits or is under way, here or in a terminal.
    """
    job, progress = find_job(connection), read_progress(connection)
    if (job is not None and job.is_under_way) or (progress is not None and progress.running):
        raise Conflict("Another activation is under way. Wait for its end, or stop it.")
    connection.execute(SQL["settle_activations"], {"name": ACTIVATE_MODEL})
    arguments = {"name": name, "digest": manifest.digest, "by": by, "lost_by_title": lost_by_title}
    try:
        with connection.transaction():
            _defer(connection, ACTIVATE_MODEL, ACTIVATE_MODEL, arguments, alone=ACTIVATE_MODEL)
    except psycopg.errors.UniqueViolation:
        # Somebody else pressed the button in the same moment.
        raise Conflict("Another activation is under way. Wait for its end, or stop it.") from None


def _defer(
    connection: psycopg.Connection, name: str, lock: str, arguments: dict[str, object], alone: str | None = None
) -> None:
    told = {"args": orjson.dumps(arguments).decode(), "alone": alone}
    connection.execute(SQL["defer"], {"queue": QUEUE, "name": name, "lock": lock, **told})
