"""How the shop is: products and their vectors, the queue, the model, the disk."""

import shutil
from dataclasses import dataclass

from server.catalog.coverage import SOON, Coverage, Gap, find_gaps, read_coverage
from server.db import migrate
from server.db.named_sql import load
from server.jobs.failures import Job, list_jobs
from server.jobs.throughput import Throughput, read_throughput
from server.services import Services

SQL = load(__file__, "operations.sql")
MOST_SHOWN = 20


@dataclass(frozen=True)
class Operations:
    """Sizes in bytes. workers: those heard of within half a minute. model: None where nothing is embedded yet."""

    coverage: Coverage
    gaps: list[Gap]
    jobs: list[Job]
    jobs_not_shown: int
    waiting: int
    running: int
    failed: int
    workers: int
    throughput: Throughput
    database_bytes: int
    products_bytes: int
    index_bytes: int
    disk_free_bytes: int
    revision: str | None
    model: str | None


def read_operations(services: Services) -> Operations:
    """As it is now. Raises DatabaseUnavailable."""
    with services.database.connection() as connection:
        sizes = connection.execute(SQL["sizes"]).fetchone() or (0, 0, 0)
        queue = connection.execute(SQL["queue"]).fetchone() or (0, 0, 0, 0)
        coverage, gaps = read_coverage(connection, SOON), find_gaps(connection, MOST_SHOWN)
        jobs, not_shown = _most_important(list_jobs(connection))
        throughput = read_throughput(connection)
        model = connection.execute(SQL["model"]).fetchone()
    waiting, running, failed, workers = queue
    database_bytes, products_bytes, index_bytes = sizes
    return Operations(
        coverage=coverage,
        gaps=gaps,
        jobs=jobs,
        jobs_not_shown=not_shown,
        waiting=waiting,
        running=running,
        failed=failed,
        workers=workers,
        throughput=throughput,
        database_bytes=database_bytes,
        products_bytes=products_bytes,
        index_bytes=index_bytes,
        disk_free_bytes=shutil.disk_usage(services.settings.data_dir).free,
        revision=migrate.status(services.database).current,
        model=None if model is None else str(model[0]),
    )


def _most_important(jobs: list[Job]) -> tuple[list[Job], int]:
    """What runs and waits, then what was given up: neither hides the other. And how many more there are."""
    others = [job for job in jobs if job.status != "failed"][:MOST_SHOWN]
    shown = others + [job for job in jobs if job.status == "failed"][:MOST_SHOWN]
    return shown, len(jobs) - len(shown)
