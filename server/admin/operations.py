"""How the shop is: the numbers that /metrics tells, and beside them what is to be looked at one by one."""

from dataclasses import dataclass

from server.catalog.coverage import Gap, find_gaps
from server.db import migrate
from server.jobs.failures import Job, list_jobs
from server.services import Services
from server.web.gauges import Gauges, read_gauges

MOST_SHOWN = 20


@dataclass(frozen=True)
class Operations:
    """gaps: the first products without a vector. jobs: that are not done; jobs_not_shown: how many more of them."""

    gauges: Gauges
    gaps: list[Gap]
    jobs: list[Job]
    jobs_not_shown: int
    revision: str | None


def read_operations(services: Services) -> Operations:
    """As it is now. Raises DatabaseUnavailable."""
    gauges = read_gauges(services)
    with services.database.connection() as connection:
        gaps = find_gaps(connection, MOST_SHOWN)
        jobs, not_shown = _most_important(list_jobs(connection))
    return Operations(gauges, gaps, jobs, not_shown, migrate.status(services.database).current)


def _most_important(jobs: list[Job]) -> tuple[list[Job], int]:
    """What runs and waits, then what was given up: neither hides the other. And how many more there are."""
    others = [job for job in jobs if job.status != "failed"][:MOST_SHOWN]
    shown = others + [job for job in jobs if job.status == "failed"][:MOST_SHOWN]
    return shown, len(jobs) - len(shown)
