"""`vitrine models activate` and `rollback`: another model for the shop, while it is open."""

import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import click

from server.activation.progress import read_progress
from server.activation.run import Activation, check, previous_model
from server.activation.session import activation_session
from server.activation.slots import read_slots, what_is_lost
from server.catalog.image_store import ImageStore
from server.cli.activation_screen import print_json, print_status, print_summary, show_progress
from server.cli.serve import upgrade_embedded
from server.db.engine import Database, open_database
from server.embedding.clip import ClipEncoder
from server.embedding.current import ActiveModel, installed_names, load_model
from server.embedding.manifest import Manifest
from server.embedding.registry import find_model, list_models, open_encoder, read_complete
from server.errors import Conflict, ModelError, VitrineError
from server.settings import Settings, load_settings

LOG_FILE = "activation.log"
STATUS_SECONDS = 1.0
START_SECONDS = 60.0

say = partial(click.echo, err=True)


@click.command()
@click.argument("name", required=False)
@click.option("--background", is_flag=True, help="Start it and return; it logs to DATA_DIR/activation.log.")
@click.option("--status", is_flag=True, help="Say how far the activation under way is.")
@click.option("--watch", is_flag=True, help="With --status: go on saying so until it is over.")
@click.option("--lost-by-title", is_flag=True, help="Place products whose picture cannot be read by their titles.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def activate(name: str | None, background: bool, status: bool, watch: bool, lost_by_title: bool, as_json: bool) -> None:
    """Embed all products with the model NAME, then search with it. Search answers throughout.

    One that was stopped goes on when run again; with the NAME of the active model, it is given up. The model before is
    kept: `vitrine models rollback` goes back to it.
    """
    settings = load_settings()
    if status or watch:
        _tell_status(settings, watch, as_json)
        return
    if name is None:
        raise click.UsageError("Give the NAME of an installed model (`vitrine models list`), or --status.")
    with closing(open_database(settings)) as database:
        manifest = _installed(settings, name)
        upgrade_embedded(settings, database, lambda: manifest.dimension)
        # What is active already needs no background.
        if background and not _is_active(database, manifest):
            _start_in_background(database, settings, manifest, ["activate", name, *_flags(lost_by_title)], as_json)
            return
        _run(database, settings, open_encoder(manifest, settings), lost_by_title, as_json)


@click.command()
@click.option("--background", is_flag=True, help="Start it and return; it logs to DATA_DIR/activation.log.")
@click.option("--lost-by-title", is_flag=True, help="Place products whose picture cannot be read by their titles.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rollback(background: bool, lost_by_title: bool, as_json: bool) -> None:
    """Search with the previous model again. Products that came since are embedded first; run again to return."""
    settings = load_settings()
    with closing(open_database(settings)) as database:
        with database.connection() as connection:
            stored = previous_model(connection)
        encoder = load_model(settings, ActiveModel(stored.name, stored.revision, stored.digest))
        if background and not _is_active(database, encoder.manifest):
            flags = _flags(lost_by_title)
            _start_in_background(database, settings, encoder.manifest, ["rollback", *flags], as_json)
            return
        _run(database, settings, encoder, lost_by_title, as_json)


def _flags(lost_by_title: bool) -> list[str]:
    return ["--lost-by-title"] if lost_by_title else []


def _installed(settings: Settings, name: str) -> Manifest:
    """The manifest of an installed model. Raises ModelError with a sentence that lists those there are."""
    models = {model.name: model for model in list_models(settings)}
    if name in models:
        manifest, problem = models[name].manifest, models[name].problem
        if manifest is None:
            raise ModelError(problem)
        return manifest
    if name in (settings.model, Path(settings.model).name):
        # A path: the servers of this machine find the model there too.
        return read_complete(find_model(settings))
    usable = ", ".join(model.name for model in models.values() if model.manifest is not None)
    raise ModelError(f'No model "{name}" is installed. There are: {usable}. `vitrine models add` installs another.')


def _run(database: Database, settings: Settings, encoder: ClipEncoder, lost_by_title: bool, as_json: bool) -> None:
    images = ImageStore(settings.image_dir)
    try:
        with show_progress() as (on_progress, on_index):
            summary = Activation(
                database, encoder, images, settings,
                lost_by_title=lost_by_title, on_progress=on_progress, on_index=on_index, say=say,
            ).run()  # fmt: skip
    except (KeyboardInterrupt, SystemExit) as exc:
        click.echo(
            "Stopped. The shop still searches with the model that it had, and what was embedded is kept: run the same "
            "command again to go on.",
            err=True,
        )
        sys.exit(exc.code if isinstance(exc, SystemExit) else 130)
    print_summary(summary, installed_names(settings), as_json)


def _tell_status(settings: Settings, watch: bool, as_json: bool) -> None:
    names = installed_names(settings)
    ending = True
    with closing(open_database(settings)) as database:
        while True:
            with database.connection() as connection:
                progress = print_status(connection, names, as_json, ending)
            # Once is enough, where it is told every second.
            ending = False
            if not watch or progress is None or progress.is_over or not progress.running:
                return
            time.sleep(STATUS_SECONDS)


# -- in the background -----------------------------------------------------------------------------------------


def _is_active(database: Database, manifest: Manifest) -> bool:
    """Whether the model is active; else says what would be lost. Raises what keeps an activation from beginning."""
    with activation_session(database, say) as connection:
        if check(connection, manifest):
            return True
        lost = what_is_lost(read_slots(connection), manifest)
    if lost is not None:
        say(lost)
    return False


def _start_in_background(
    database: Database, settings: Settings, manifest: Manifest, arguments: list[str], as_json: bool
) -> None:
    """Start the same command without a terminal, and return when it is at work."""
    log_file = settings.data_dir / LOG_FILE
    log_file.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "server.cli", "models", *arguments]
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, close_fds=True
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        status = process.poll()
        if status is not None and status != 0:
            raise VitrineError(f"It ended at once: {_last_line(log_file)}")
        with database.connection() as connection:
            progress = read_progress(connection)
        if status == 0 or (progress is not None and progress.running and progress.digest == manifest.digest):
            if as_json:
                print_json({"name": manifest.name, "digest": manifest.digest, "process": process.pid, "log": log_file})
            else:
                click.echo(
                    f"Activating {manifest.name} in the background (process {process.pid}), logged to {log_file}."
                )
                click.echo("Watch it with `vitrine models activate --status --watch`.")
            return
        time.sleep(0.2)
    raise Conflict(f"Process {process.pid} has not begun yet. Look at {log_file}.")


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "its log is empty."
