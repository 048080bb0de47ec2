"""How much is done behind the scenes, for the page and the metrics that tell it."""

from dataclasses import dataclass

import psycopg

from server.db.named_sql import load
from server.db.work_done import Done, Work, read_work

SQL = load(__file__, "throughput.sql")


@dataclass(frozen=True)
class Throughput:
    """jobs, embedded: jobs that succeeded, and products whose vector was made, whoever made it.

    imports: how many run that a browser sent; import_rows: their rows a second together, on average since each began.
    """

    jobs: Done
    embedded: Done
    imports: int
    import_rows: float


def read_throughput(connection: psycopg.Connection) -> Throughput:
    """As it is now: two reads of an index and a small table."""
    work = read_work(connection)
    imports, rows = connection.execute(SQL["imports"]).fetchone() or (0, 0.0)
    return Throughput(work[Work.JOB], work[Work.EMBEDDING], int(imports), float(rows))
