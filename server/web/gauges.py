"""How the shop is at this moment, in numbers."""

import shutil
from dataclasses import dataclass

import psycopg

from server.catalog.coverage import SOON, Coverage, read_coverage
from server.db.named_sql import load
from server.jobs.throughput import Throughput, read_throughput
from server.services import Services

SQL = load(__file__, "gauges.sql")


@dataclass(frozen=True)
class Gauges:
    """products: by status. Sizes in bytes. workers: those heard of within half a minute.

    model: its name, revision and the beginning of its digest; None where nothing is embedded yet.
    """

    products: dict[str, int]
    coverage: Coverage
    waiting: int
    running: int
    failed: int
    workers: int
    throughput: Throughput
    database_bytes: int
    products_bytes: int
    index_bytes: int
    disk_free_bytes: int
    model: tuple[str, str, str] | None


def count_workers(connection: psycopg.Connection) -> int:
    """How many were heard of within half a minute."""
    (workers,) = connection.execute(SQL["workers"]).fetchone() or (0,)
    return int(workers)


def read_gauges(services: Services) -> Gauges:
    """As they are now. Raises DatabaseUnavailable, DatabaseNotReady."""
    with services.database.connection() as connection:
        database_bytes, products_bytes, index_bytes = connection.execute(SQL["sizes"]).fetchone() or (0, 0, 0)
        waiting, running, failed = connection.execute(SQL["queue"]).fetchone() or (0, 0, 0)
        workers = count_workers(connection)
        products = {str(status): int(number) for status, number in connection.execute(SQL["products"])}
        coverage = read_coverage(connection, SOON)
        throughput = read_throughput(connection)
        model = connection.execute(SQL["model"]).fetchone()
    return Gauges(
        products=products,
        coverage=coverage,
        waiting=waiting,
        running=running,
        failed=failed,
        workers=workers,
        throughput=throughput,
        database_bytes=database_bytes,
        products_bytes=products_bytes,
        index_bytes=index_bytes,
        disk_free_bytes=shutil.disk_usage(services.settings.data_dir).free,
        model=None if model is None else (model[0], model[1], model[2]),
    )
