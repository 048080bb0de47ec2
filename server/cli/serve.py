"""`vitrine serve`: the web server, and the embedded Postgres beside it where that is the one to use."""

import http.client
import logging
import multiprocessing
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

import click

from server import logs
from server.cli.counters import shared_counters
from server.db import migrate
from server.db.engine import Database, open_database
from server.errors import DatabaseNotReady, ModelError, OtherModel, SettingError
from server.jobs.beside import WorkerBeside
from server.ports import why_taken
from server.settings import Settings, load_settings
from server.sql_surface.upgrade import keep_in_step, upgrade

if TYPE_CHECKING:
    from server.embedding.current import ActiveModel


@click.command()
@click.option("--host", help="Address to listen on (VITRINE_HOST).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (VITRINE_PORT).")
def serve(host: str | None, port: int | None) -> None:
    """Serve the shop and the API until Ctrl-C. Without the database's model, all but ranked searches."""
    settings = load_settings()
    database = open_database(settings)
    try:
        try:
            prepare_database(database, settings)
        except OtherModel as exc:
            # All that needs no model is served meanwhile, and the way on is said at each search too.
            click.echo(exc.message, err=True)
        run_server(settings, database, host or settings.host, port or settings.port)
    finally:
        database.close()


def prepare_database(database: Database, settings: Settings) -> None:
    """Upgrade the embedded database; ask for the command where the database is somebody's own.

    Says so where VITRINE_MODEL names another model than the database's, which is the one that is used. Raises
    DatabaseNotReady, and ModelError where the database's model is not installed.
    """
    from server.catalog.active_model import find_model_in_use
    from server.embedding.registry import load_encoder
    from server.services import open_current

    upgrade_embedded(settings, database, lambda: load_encoder(settings).manifest.dimension)
    with database.connection() as connection:
        in_use = find_model_in_use(connection, open_current(settings, database))
    said = None if in_use is None else other_model_sentence(settings, in_use.model)
    if said is not None:
        click.echo(said, err=True)


def upgrade_embedded(settings: Settings, database: Database, dimension: Callable[[], int]) -> None:
    """Bring an embedded database to the newest schema, and the data team's surface to this version of Vitrine.

    Raises DatabaseNotReady where the database is somebody's own and has an older schema.

    dimension: of the vectors, asked where the table is made, and of no interest later.
    """
    state = migrate.status(database)
    if state.is_current:
        if database.embedded is not None:
            keep_in_step(database, settings.fixed_currency)
        return
    if database.embedded is None:
        raise DatabaseNotReady
    upgrade(database, dimension() if state.current is None else 0, settings.fixed_currency)


def other_model_sentence(settings: Settings, active: "ActiveModel") -> str | None:
    """What to say where somebody set VITRINE_MODEL to another model than the database's; None where nobody did."""
    from server.embedding.manifest import read_manifest
    from server.embedding.registry import find_model

    if "model" not in settings.model_fields_set:
        return None
    try:
        manifest = read_manifest(find_model(settings))
    except ModelError:
        advice = f'VITRINE_MODEL names "{settings.model}", which is not installed.'
    else:
        if manifest.digest == active.digest:
            return None
        advice = f"VITRINE_MODEL names {manifest.name}: `vitrine models activate {settings.model}` would change to it."
    return f"The products were embedded by {active.name} ({active.revision}), which is used. {advice}"


def run_server(settings: Settings, database: Database, host: str, port: int) -> None:
    """Serve until a signal, by worker processes with a few threads each: Python runs one thread of a process at a time.

    The parent process only supervises, the workers and the embedded Postgres both.
    """
    if settings.log_format == "json":
        logs.write_json()
    # A forked worker would inherit locks that threads of this process hold (pools, the supervisor), and hang on them.
    multiprocessing.set_start_method("spawn", force=True)
    # granian is imported here: other commands do not pay for it.
    from granian.constants import Interfaces
    from granian.errors import ConfigurationError
    from granian.log import LogLevels
    from granian.server import Server

    _refuse_taken_port(host, port)
    # Made or read here, so that what is wrong with it is a sentence here and not a failure of the worker.
    _ = settings.secret_key
    if database.embedded is not None:
        database.embedded.supervise()
    server = Server(
        "server.app:create_served_app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        factory=True,
        workers=settings.web_workers,
        blocking_threads=settings.web_threads,
        respawn_failed_workers=True,
        # A worker that gets Ctrl-C and its parent's signal at once may miss both; it is not waited for without end.
        workers_kill_timeout=5,
        log_level=LogLevels.warning,
        log_dictconfig=logs.of_web_server(settings.log_format),
    )
    beside = WorkerBeside() if settings.serve_worker else None
    if beside is not None:
        beside.start()
    threading.Thread(target=_announce, args=(settings.shop_name, host, port), daemon=True).start()
    logging.getLogger("granian").setLevel(logging.WARNING)
    try:
        with shared_counters(settings.data_dir):
            server.serve()
    except ConfigurationError as exc:
        raise SettingError("The web server refuses its settings; check VITRINE_HOST and VITRINE_PORT.") from exc
    finally:
        if beside is not None:
            beside.stop()
    click.echo("Stopped.")


def _announce(shop_name: str, host: str, port: int) -> None:
    """Say where the shop is once it answers."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (compared, not listened on)
    while True:
        connection = http.client.HTTPConnection(reachable, port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == HTTPStatus.OK:
                break
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            connection.close()
    address = f"[{host}]" if ":" in host else host
    click.echo(f"{shop_name} is at http://{address}:{port} (press Ctrl-C to stop)")


def _refuse_taken_port(host: str, port: int) -> None:
    """Say so before anything starts, rather than from a worker's log."""
    taken = why_taken(host, port)
    if taken is not None:
        raise SettingError(f"{taken} Another server may run there; choose another port with --port or VITRINE_PORT.")
