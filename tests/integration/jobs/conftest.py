"""A worker that does what there is to do and ends, and a look at what it left."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.db.engine import Database
from server.jobs import worker
from server.jobs.failures import Job, list_jobs
from server.services import Services, open_services
from server.settings import load_settings
from tests.fakes import FakeEncoder


@pytest.fixture
def services(database: Database, encoder: FakeEncoder, tmp_path: Path) -> Services:
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=tmp_path)
    return open_services(settings, database=database, encoder=encoder)


@pytest.fixture(autouse=True)
def as_nice_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.jobs.worker.os.nice", lambda by: None)


@pytest.fixture(autouse=True)
def without_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the clock queues at each full minute would come in between."""
    monkeypatch.setattr("server.jobs.queue.App.periodic", lambda self, **_: lambda task: task)


def run_worker(services: Services) -> None:
    """Until nothing is left. In a thread of its own: in this one, a browser's event loop may be running."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(worker.run_worker, services, wait=False).result()


def jobs(database: Database, task: str | None = None) -> list[Job]:
    """Those that are not done; of one task alone."""
    with database.connection() as connection:
        return [job for job in list_jobs(connection) if task in (None, job.task)]


def wait_for(what: Callable[[], bool]) -> bool:
    """Whether it comes true within 20 seconds."""
    deadline = time.monotonic() + 20
    while not what() and time.monotonic() < deadline:
        time.sleep(0.02)
    return what()
