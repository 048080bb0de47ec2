"""`vitrine jobs`: what is queued, what failed and why. `vitrine coverage`: does every product have a vector?"""

import sys
from contextlib import closing
from dataclasses import asdict

import click
import orjson

from server.db.engine import open_database
from server.services import open_services
from server.settings import load_settings


@click.group()
def jobs() -> None:
    """Look at the work behind the scenes; `vitrine worker` does it."""


@jobs.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """Print what waits, runs, or was given up and why."""
    from server.jobs.failures import TOLD, list_jobs

    with closing(open_database(load_settings())) as database, database.connection() as connection:
        found = list_jobs(connection)
    if as_json:
        click.echo(orjson.dumps([asdict(job) for job in found], option=orjson.OPT_INDENT_2).decode())
        return
    for job in found:
        tries = f", {job.attempts} tries" if job.attempts else ""
        click.echo(f"{job.id}: {job.task} ({TOLD.get(job.status, job.status)}{tries}) {job.reason or ''}".rstrip())
    if not found:
        click.echo("Nothing waits, runs or was given up.")


@jobs.command()
@click.argument("job", type=int)
def retry(job: int) -> None:
    """Queue JOB, a number that `list` prints, again."""
    from server.jobs import failures

    with closing(open_database(load_settings())) as database, database.connection() as connection:
        failures.retry(connection, job)
    click.echo(f"Job {job} waits again.")


@jobs.command()
@click.argument("job", type=int)
def cancel(job: int) -> None:
    """Take JOB out of the queue, or stop it."""
    from server.jobs import failures

    with closing(open_database(load_settings())) as database, database.connection() as connection:
        failures.cancel(connection, job)
    click.echo(f"Job {job} is cancelled.")


@click.command()
@click.option("--repair", is_flag=True, help="Embed what lacks a vector, now.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def coverage(repair: bool, as_json: bool) -> None:
    """Tell whether every live product has a vector of what it is now. Exit status 1 where one has not."""
    from server.catalog import coverage as room

    services = open_services(load_settings())
    try:
        done = room.Repair()
        if repair:
            done = room.repair(services.database, services.catalog)
            pictures = room.repair_pictures(services.catalog)
            done.pictures, done.left = pictures.pictures, [*done.left, *pictures.left]
        with services.database.connection() as connection:
            found, gaps = room.read_coverage(connection), room.find_gaps(connection, 20)
    finally:
        services.close()
    reasons = {gap.sku: gap.reason for gap in done.left}
    told = [{"sku": gap.sku, "reason": reasons.get(gap.sku, gap.reason)} for gap in gaps]
    if as_json:
        body = {**asdict(found), "repaired": done.filled, "pictures_repaired": done.pictures, "gaps": told}
        click.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2).decode())
    else:
        if repair:
            click.echo(f"{done.filled:,} products were embedded.")
        click.echo(f"{found.covered:,} of {found.live:,} live products have a vector of what they are now.")
        if found.pictures:
            embedded = found.pictures - found.pictures_missing
            click.echo(f"{embedded:,} of {found.pictures:,} further pictures have one of their own.")
        for gap in told:
            click.echo(f"{gap['sku']}: {gap['reason']}")
    sys.exit(0 if found.is_whole else 1)
