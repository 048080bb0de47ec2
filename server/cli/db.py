"""`vitrine db`: upgrade the schema, say where it stands, open a SQL shell."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import click
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from server.db import migrate
from server.db.embedded import EmbeddedPostgres, binaries
from server.db.engine import Database, open_database
from server.embedding.manifest import read_manifest
from server.embedding.registry import find_model
from server.errors import DatabaseUnavailable
from server.settings import Settings, load_settings
from server.sql_surface.upgrade import upgrade as upgrade_all


@click.group()
def db() -> None:
    """Upgrade, inspect and query the database."""


@db.command()
def upgrade() -> None:
    """Bring the schema to this version's, and what `vitrine sql install` made. Running it again changes nothing."""
    settings = load_settings()
    # In a new database the model's dimension is the column's; without it there is nothing to start for.
    dimension = read_manifest(find_model(settings)).dimension
    database = open_database(settings)
    try:
        before = migrate.status(database)
        after = upgrade_all(database, dimension, settings.fixed_currency)
    finally:
        database.close()
    if before.is_current:
        click.echo(f"The database is at revision {after.current} already.")
    else:
        click.echo(f"The database is now at revision {after.current} (it was {before.current or 'empty'}).")


@db.command()
@click.pass_context
def status(ctx: click.Context) -> None:
    """Say where the database is and whether its schema is current (exit status 1 where it is not)."""
    settings = load_settings()
    if settings.database_url is None and not has_cluster(settings):
        click.echo(f"There is no database in {settings.data_dir} yet. `vitrine db upgrade` makes it.")
        ctx.exit(1)
    database = open_database(settings)
    try:
        state = migrate.status(database)
        click.echo(f"Database: {describe(database)}")
        if database.embedded is not None:
            click.echo(f"Connection: {database.url}")
            click.echo(f"Programs: {binaries()}")
    finally:
        database.close()
    click.echo(f"Revision: {state.current or 'none'} (newest: {state.newest})")
    if not state.is_current:
        click.echo("Run `vitrine db upgrade`.")
        ctx.exit(1)


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("psql_arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def shell(ctx: click.Context, psql_arguments: tuple[str, ...]) -> None:
    """Open psql on the database. What follows goes to psql: `vitrine db shell -c "SELECT count(*) FROM product"`."""
    settings = load_settings()
    program = find_psql(is_embedded=settings.database_url is None)
    database = open_database(settings)
    try:
        # Not exec: this process holds the embedded server's lock, and stops the server when it is the last.
        code = run_psql(program, database.url, psql_arguments)
    finally:
        database.close()
    ctx.exit(code)


def run_psql(program: Path, url: str, arguments: tuple[str, ...]) -> int:
    """Run psql until it ends; returns its exit status. The password goes by environment: `ps` shows arguments."""
    parts = conninfo_to_dict(url)
    environment = dict(os.environ)
    password = parts.pop("password", None)
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    # Ctrl-C cancels a query in psql and must not end us under it. A handler, unlike "ignore", is not inherited.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        command = [str(program), "--dbname", make_conninfo("", **parts), *arguments]
        return subprocess.run(command, env=environment, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)


def find_psql(is_embedded: bool) -> Path:
    """The psql that came with the embedded server, for that one; else this machine's, else the embedded one's."""
    installed = shutil.which("psql")
    if installed is not None and not is_embedded:
        return Path(installed)
    try:
        return binaries() / "psql"
    except DatabaseUnavailable as exc:
        raise DatabaseUnavailable("psql is not installed. Install a PostgreSQL client.") from exc


def has_cluster(settings: Settings) -> bool:
    """Whether the embedded Postgres was ever set up in the data directory."""
    return (EmbeddedPostgres(settings.data_dir).cluster / "PG_VERSION").is_file()


def describe(database: Database) -> str:
    """Server version, pgvector version and place in one line, without a password."""
    with database.connection() as connection:
        row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
        info = connection.info
        version = f"{info.server_version // 10_000}.{info.server_version % 10_000}"
        where = f"{info.dbname} at {info.host}:{info.port}"
    if database.embedded is not None:
        where = f"embedded, in {database.embedded.cluster}"
    return f"PostgreSQL {version} with pgvector {row[0] if row else '(not installed)'}, {where}"
