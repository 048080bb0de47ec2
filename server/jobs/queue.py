"""The queue of a database: which tasks there are, and how to put one in."""

from contextlib import suppress

import psycopg
from procrastinate import App, PsycopgConnector, RetryStrategy

from server.db.engine import Database
from server.db.named_sql import load
from server.jobs import tasks

SQL = load(__file__, "jobs.sql")

QUEUE = "default"
RETRIES = RetryStrategy(max_attempts=tasks.MOST_ATTEMPTS, exponential_wait=2)

EMBED_GAPS = "vitrine:embed_gaps"
IMPORT_FILE = "vitrine:import_file"
FORGET_OLD = "vitrine:forget_old"
TAKE_UP_AGAIN = "vitrine:take_up_again"


def open_queue(database: Database) -> App:
    """The queue as procrastinate sees it, not yet connected."""
    connector = PsycopgConnector(
        conninfo=database.url, min_size=1, max_size=4, kwargs={"application_name": database.name}
    )
    app = App(connector=connector)
    # Of each, one that waits is enough. Where the database's notice of a gap was lost, the clock finds it.
    embed = app.task(name=EMBED_GAPS, queue=QUEUE, queueing_lock=EMBED_GAPS, retry=RETRIES, pass_context=True)
    app.periodic(cron="*/5 * * * *")(embed(tasks.embed_gaps))
    app.task(name=IMPORT_FILE, queue=QUEUE, retry=RETRIES, pass_context=True)(tasks.import_file)
    forget = app.task(name=FORGET_OLD, queue=QUEUE, queueing_lock=FORGET_OLD, retry=RETRIES, pass_context=True)
    app.periodic(cron="17 * * * *")(forget(tasks.forget_old))
    again = app.task(name=TAKE_UP_AGAIN, queue=QUEUE, queueing_lock=TAKE_UP_AGAIN, priority=10, pass_context=True)
    app.periodic(cron="* * * * *")(again(tasks.take_up_again))
    return app


def put_in(connection: psycopg.Connection, name: str) -> bool:
    """Queue a task of which one that waits is enough, in the caller's transaction; False where one waits already."""
    try:
        with connection.transaction():
            connection.execute(SQL["put_in"], {"queue": QUEUE, "name": name})
    except psycopg.errors.UniqueViolation:
        return False
    return True


def queue_import(connection: psycopg.Connection, run: int) -> None:
    """Queue the run of an import, in the caller's transaction."""
    arguments = {"queue": QUEUE, "name": IMPORT_FILE, "lock": f"{IMPORT_FILE}:{run}", "args": f'{{"run": {run:d}}}'}
    with suppress(psycopg.errors.UniqueViolation), connection.transaction():
        connection.execute(SQL["defer"], arguments)
