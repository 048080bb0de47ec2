"""A worker that ends by itself when nothing is left that it could do."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from procrastinate import App
from procrastinate.exceptions import ProcrastinateException

from server.db.named_sql import load

SQL = load(__file__, "jobs.sql")
LOOK_SECONDS = 0.1

log = logging.getLogger(__name__)


async def run_until_done(queue: App, is_at_work: Callable[[], bool], **options: Any) -> None:
    """Run a worker until it is at no job and none waits that it could take now, or until a signal.

    Procrastinate's own way, a worker that does not wait, ends when the queue is empty, whatever it is at: what takes
    longer than a stop may take would be broken off, and other workers would take it for a dead one's.

    is_at_work: whether the worker has a job under way. options: of `App.run_worker_async`.
    """
    async with queue.open_async():
        working = asyncio.create_task(queue.run_worker_async(**options))
        # A job that was just taken from the queue is known to neither for a moment, so nothing has to be seen twice.
        quiet = 0
        while quiet < 2 and not working.done():
            await asyncio.wait({working}, timeout=LOOK_SECONDS)
            quiet = 0 if is_at_work() or await _waits(queue) else quiet + 1
        # It takes this for the wish to stop, and ends in good order.
        if working.cancel():
            with suppress(asyncio.CancelledError):
                await working
        else:
            working.result()


async def _waits(queue: App) -> bool:
    try:
        row = await queue.connector.execute_query_one_async(SQL["at_hand"])
    except (ProcrastinateException, psycopg.Error) as exc:
        log.warning("Whether jobs wait is not known: %s", exc)
        return True
    return bool(row["at_hand"])
