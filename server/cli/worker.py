"""`vitrine worker`: does the work behind the scenes."""

import click

from server import logs
from server.cli.serve import prepare_database
from server.db.engine import WORKER, open_database
from server.services import open_services
from server.settings import load_settings


@click.command()
@click.option("--once", is_flag=True, help="Do what there is to do, and end.")
def worker(once: bool) -> None:
    """Do the work behind the scenes until Ctrl-C: embed products that were written without a vector.

    `vitrine serve` starts one unless VITRINE_SERVE_WORKER is false; any number may run, on any machine.
    """
    # procrastinate is imported here: other commands do not pay for it.
    from server.jobs.worker import run_worker

    settings = load_settings()
    if settings.log_format == "json":
        logs.write_json()
    database = open_database(settings, WORKER)
    try:
        prepare_database(database, settings)
        run_worker(open_services(settings, database=database), wait=not once)
    finally:
        database.close()
