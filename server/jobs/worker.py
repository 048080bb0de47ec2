"""The worker: does what is queued, a few jobs at a time, and listens for products and pictures that need it."""

import asyncio
import logging
import os
import threading
import time
from contextlib import suppress
from typing import Any

import psycopg

from server.db.engine import Database
from server.errors import VitrineError
from server.jobs.failures import note_done, note_failure
from server.jobs.names import EMBED_GAPS, EMBED_PICTURES, MAKE_THUMBNAILS, TAKE_UP_AGAIN
from server.jobs.once import run_until_done
from server.jobs.queue import open_queue, put_in
from server.jobs.settling import UnderWay
from server.jobs.tasks import DEAD_SECONDS
from server.services import Services

# What triggers tell, and what is then to be done: a product lacks its vector, a further picture
# its own, a picture its thumbnails.
CHANNELS = {
    "vitrine_gaps": EMBED_GAPS,
    "vitrine_further_pictures": EMBED_PICTURES,
    "vitrine_pictures": MAKE_THUMBNAILS,
}
# So soon it is noticed that the worker ends; and so long until a lost database is tried again.
LISTEN_SECONDS = 1.0
AGAIN_SECONDS = 5.0
LOOK_SECONDS = 10.0
# So often the queue is looked at for jobs, and for those that are to stop.
FETCH_SECONDS = 0.5
ABORT_SECONDS = 1.0
# Two people's imports, thumbnails, a change of the model, and what is short beside them.
AT_ONCE = 6
# Searches come first.
NICENESS = 10
HEARTBEAT_SECONDS = 5.0
# So long a job that is under way may take to stop.
STOP_SECONDS = 8.0

log = logging.getLogger(__name__)


class GapListener:
    """A thread that queues what is to be done when the database tells of a product without a vector or of a new
    picture, and has a look for jobs of dead workers now and then: the queue's own clock strikes once a minute."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="gap-listener")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(2 * AGAIN_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except (psycopg.Error, VitrineError) as exc:
                log.warning("The database is not heard: %s", exc)
                self._stop.wait(AGAIN_SECONDS)

    def _listen(self) -> None:
        with psycopg.connect(self._database.url, autocommit=True, application_name=self._database.name) as connection:
            for channel, task in CHANNELS.items():
                connection.execute(f"LISTEN {channel}")
                # What was told while nobody listened.
                self._queue(task)
            looked = float("-inf")
            while not self._stop.is_set():
                if time.monotonic() - looked > LOOK_SECONDS:
                    looked = time.monotonic()
                    self._queue(TAKE_UP_AGAIN)
                # This connection does nothing else: what is told meanwhile waits in it.
                told = connection.notifies(timeout=LISTEN_SECONDS, stop_after=1)
                for task in {CHANNELS[one.channel] for one in told}:
                    self._queue(task)

    def _queue(self, task: str) -> None:
        with self._database.connection() as connection:
            put_in(connection, task)


def run_worker(services: Services, wait: bool = True) -> None:
    """Work until a signal; with wait=False until nothing is left that could be done now."""
    with suppress(OSError):
        os.nice(NICENESS)
    queue, under_way = open_queue(services.database), UnderWay()
    options = _options(services, under_way)
    if not wait:
        with services.database.connection() as connection:
            for task in (TAKE_UP_AGAIN, *CHANNELS.values()):
                put_in(connection, task)
        asyncio.run(run_until_done(queue, lambda: under_way.is_any, **options))
        return
    listener = GapListener(services.database)
    listener.start()
    try:
        queue.run_worker(**options)
    finally:
        listener.stop()


def _options(services: Services, under_way: UnderWay) -> dict[str, Any]:
    return {
        "concurrency": AT_ONCE,
        # Whoever may connect may NOTIFY, and the library believes it: what is no JSON ends the worker, and a job stops
        # on anybody's word. The tables alone are believed.
        "listen_notify": False,
        "fetch_job_polling_interval": FETCH_SECONDS,
        "abort_job_polling_interval": ABORT_SECONDS,
        "delete_jobs": "successful",
        "shutdown_graceful_timeout": STOP_SECONDS,
        "update_heartbeat_interval": HEARTBEAT_SECONDS,
        "stalled_worker_timeout": DEAD_SECONDS,
        "additional_context": {"services": services, "under_way": under_way},
        "task_middleware": [note_failure, note_done],
        "worker_middleware": [under_way],
        "install_signal_handlers": threading.current_thread() is threading.main_thread(),
    }
