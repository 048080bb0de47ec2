"""An activation that was asked for in a browser, in a real worker: stopped, and ended or killed with its worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from server.db.engine import Database
from server.embedding.manifest import read_manifest
from server.jobs.failures import cancel, list_jobs
from server.jobs.queue import queue_activation
from server.search.query import Query
from server.services import Services
from tests.two_models import FILLED, PRODUCTS, active_model, ask, held, two_model_shop


@pytest.fixture
def shop(migrated: Database, tmp_path: Path) -> Iterator[Services]:
    with two_model_shop(migrated, tmp_path) as opened:
        yield opened


@contextmanager
def worker(shop: Services) -> Iterator[subprocess.Popen[bytes]]:
    """`vitrine worker`, ended with the block if it has not ended before."""
    assert shop.settings.database_url is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VITRINE_", "DATABASE_"))}
    environment |= {
        "DATABASE_URL": shop.settings.database_url.get_secret_value(),
        "VITRINE_DATA_DIR": str(shop.settings.data_dir),
        "VITRINE_MODEL": "tiny",
    }
    process = subprocess.Popen([sys.executable, "-m", "server.cli", "worker"], env=environment)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def queue(shop: Services) -> None:
    with shop.database.connection() as connection:
        queue_activation(connection, read_manifest(shop.settings.models_dir / "other"), "other", "ann")


def status(shop: Services) -> str | None:
    """Of the activation's job; None where it is done."""
    with shop.database.connection() as connection:
        return next((job.status for job in list_jobs(connection) if job.task == "activate_model"), None)


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def is_waiting_for_the_row(shop: Services) -> bool:
    return ask(shop, FILLED) == PRODUCTS - 1


def test_stopped_it_keeps_what_it_did_and_goes_on_from_there(shop: Services) -> None:
    queue(shop)
    with worker(shop):
        with held(shop, "K-007"):
            wait_for(lambda: is_waiting_for_the_row(shop))
            with shop.database.connection() as connection:
                (job,) = (job for job in list_jobs(connection) if job.task == "activate_model")
                cancel(connection, job.id)
            wait_for(lambda: status(shop) == "aborted")
        assert (active_model(shop), ask(shop, FILLED)) == ("tiny", PRODUCTS - 1)
        assert len(shop.search.by_text("thing", Query(limit=PRODUCTS)).hits) == PRODUCTS
        queue(shop)
        wait_for(lambda: active_model(shop) == "other")
        # The one that was stopped is of the past.
        wait_for(lambda: status(shop) is None)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_goes_on_in_the_next_worker(shop: Services, how: signal.Signals) -> None:
    queue(shop)
    with held(shop, "K-007"):
        with worker(shop) as process:
            wait_for(lambda: is_waiting_for_the_row(shop))
            process.send_signal(how)
            process.wait(60)
        assert (active_model(shop), ask(shop, FILLED)) == ("tiny", PRODUCTS - 1)
    with worker(shop):
        wait_for(lambda: active_model(shop) == "other")
        wait_for(lambda: status(shop) is None)
    assert ask(shop, "SELECT count(*) FROM product WHERE embedding_model <> 1") == PRODUCTS
