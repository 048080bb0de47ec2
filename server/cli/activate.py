"""`vitrine models activate` and `rollback`: another model for the shop, while it is open."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from server.activation.progress import count_without_vector, read_progress
from server.activation.run import Activation, Summary, check, describe, previous_model
from server.activation.session import activation_session
from server.activation.slots import read_slots, what_is_lost
from server.catalog.image_store import ImageStore
from server.cli.serve import upgrade_embedded
from server.db.engine import Database, open_database
from server.embedding.clip import ClipEncoder
from server.embedding.current import ActiveModel, load_model
from server.embedding.manifest import Manifest
from server.embedding.registry import find_model, list_models, open_encoder, read_complete
from server.errors import Conflict, ModelError, VitrineError
from server.settings import Settings, load_settings

LOG_FILE = "activation.log"
# Without a terminal, a line each time so much more of the products is done.
PLAIN_STEP = 0.1
STATUS_SECONDS = 1.0
START_SECONDS = 60.0
WORDS = {"fill": "Embedding", "index": "Building the index", "switch": "Switching", "done": "Done"}

OnProgress = Callable[[str, int, int, float | None], None]


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
        _print_status(settings, watch, as_json)
        return
    if name is None:
        raise click.UsageError("Give the NAME of an installed model (`vitrine models list`), or --status.")
    with closing(open_database(settings)) as database:
        manifest = _installed(settings, name)
        upgrade_embedded(database, lambda: manifest.dimension)
        # What is active already needs no background.
        if background and not _is_active(database, manifest):
            _start_in_background(database, settings, manifest, [name, *(["--lost-by-title"] if lost_by_title else [])])
            return
        _run(database, settings, open_encoder(manifest, settings), lost_by_title, as_json)


@click.command()
@click.option("--lost-by-title", is_flag=True, help="Place products whose picture cannot be read by their titles.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rollback(lost_by_title: bool, as_json: bool) -> None:
    """Search with the previous model again. Products that came since are embedded first; run again to return."""
    settings = load_settings()
    with closing(open_database(settings)) as database:
        with database.connection() as connection:
            stored = previous_model(connection)
        encoder = load_model(settings, ActiveModel(stored.name, stored.revision, stored.digest))
        _run(database, settings, encoder, lost_by_title, as_json)


def _installed(settings: Settings, name: str) -> Manifest:
    """The manifest of an installed model. Raises ModelError with a sentence that lists those there are."""
    models = {model.name: model for model in list_models(settings)}
    if name in models:
        manifest, problem = models[name].manifest, models[name].problem
        if manifest is None:
            raise ModelError(problem)
        return manifest
    if name == settings.model:
        # A path: the servers of this machine find the model there too.
        return read_complete(find_model(settings))
    usable = ", ".join(model.name for model in models.values() if model.manifest is not None)
    raise ModelError(f'No model "{name}" is installed. There are: {usable}. `vitrine models add` installs another.')


def _run(database: Database, settings: Settings, encoder: ClipEncoder, lost_by_title: bool, as_json: bool) -> None:
    images = ImageStore(settings.image_dir)
    say = partial(click.echo, err=True)
    try:
        with _progress() as on_progress:
            activation = Activation(
                database, encoder, images, settings, lost_by_title=lost_by_title, on_progress=on_progress, say=say
            )
            summary = activation.run()
    except (KeyboardInterrupt, SystemExit) as exc:
        click.echo(
            "Stopped. The shop still searches with the model that it had, and what was embedded is kept: run the same "
            "command again to go on.",
            err=True,
        )
        sys.exit(exc.code if isinstance(exc, SystemExit) else 130)
    if as_json:
        click.echo(orjson.dumps(describe(summary), option=orjson.OPT_INDENT_2).decode())
    else:
        _print_summary(summary)


def _print_summary(summary: Summary) -> None:
    if summary.was_active:
        given_up = f" The activation of {summary.given_up} is given up." if summary.given_up else ""
        click.echo(f"{summary.name} ({summary.revision}) is the active model already.{given_up}")
        return
    took = summary.seconds
    click.echo(
        f"{summary.name} ({summary.revision}) is active. {summary.filled:,} products embedded in {took['fill']:.1f} s, "
        f"index in {took['index']:.1f} s; searches waited for at most {took['locked'] * 1000:.0f} ms."
    )
    if summary.by_title:
        names = ", ".join(summary.by_title[:5]) + (", ..." if len(summary.by_title) > 5 else "")
        click.echo(
            f"{len(summary.by_title):,} pictures could not be read; their products stand by their titles: {names}."
        )
    if summary.without_vector:
        click.echo(f"{len(summary.without_vector):,} products have no vector of either model, as before.")
    if summary.previous is not None:
        click.echo(f"The vectors of {summary.previous} are kept: `vitrine models rollback` goes back.")


# -- progress --------------------------------------------------------------------------------------------------


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """Shows how far it is on standard error: a bar on a terminal, else a line now and then."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_progress()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Beginning", total=None)

        def show(phase: str, done: int, total: int, rate: float | None) -> None:
            pace = f", {rate:.0f}/s" if rate and phase == "fill" else ""
            progress.update(task, description=WORDS[phase] + pace, completed=done, total=max(total, done))

        yield show


def _plain_progress() -> OnProgress:
    shown: tuple[str, float] = ("", 0.0)

    def show(phase: str, done: int, total: int, rate: float | None) -> None:
        nonlocal shown
        share = done / total if total else 1.0
        if phase != shown[0] or share - shown[1] >= PLAIN_STEP:
            shown = (phase, share)
            pace = f", {rate:.0f} a second" if rate and phase == "fill" else ""
            click.echo(f"{WORDS[phase]}: {done:,} of {total:,} products{pace}", err=True)

    return show


def _print_status(settings: Settings, watch: bool, as_json: bool) -> None:
    with closing(open_database(settings)) as database:
        while True:
            with database.connection() as connection:
                progress = read_progress(connection)
                without = count_without_vector(connection)
            if as_json:
                shown: dict[str, Any] = {"activation": progress and asdict(progress), "live_without_vector": without}
                click.echo(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
            else:
                click.echo("There was no activation yet." if progress is None else progress.sentence)
            if not watch or progress is None or progress.is_over or not progress.running:
                return
            time.sleep(STATUS_SECONDS)


# -- in the background -----------------------------------------------------------------------------------------


def _is_active(database: Database, manifest: Manifest) -> bool:
    """Whether the model is active; else says what would be lost. Raises what keeps an activation from beginning."""
    with activation_session(database) as connection:
        if check(connection, manifest):
            return True
        lost = what_is_lost(read_slots(connection), manifest)
    if lost is not None:
        click.echo(lost, err=True)
    return False


def _start_in_background(database: Database, settings: Settings, manifest: Manifest, arguments: list[str]) -> None:
    """Start the same command without a terminal, and return when it is at work."""
    log_file = settings.data_dir / LOG_FILE
    log_file.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "server.cli", "models", "activate", *arguments]
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
            click.echo(f"Activating {manifest.name} in the background (process {process.pid}), logged to {log_file}.")
            click.echo("Watch it with `vitrine models activate --status --watch`.")
            return
        time.sleep(0.2)
    raise Conflict(f"Process {process.pid} has not begun yet. Look at {log_file}.")


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "its log is empty."
