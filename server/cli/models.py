"""`vitrine models`: embedding models are installed, looked at, checked and removed."""

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson
import psycopg
from rich.console import Console

from server.cli.activate import activate, rollback
from server.cli.model_tables import describe, print_checks, print_details, print_models, tell_all
from server.db.embedded import EmbeddedPostgres
from server.db.engine import open_database, translated_errors
from server.db.named_sql import load
from server.embedding.manifest import Manifest
from server.embedding.ort import Runtime
from server.embedding.registry import DEFAULT, InstalledModel, find_model, list_models
from server.errors import Conflict, DatabaseNotReady, ModelError, VitrineError
from server.settings import Settings, load_settings

_SQL = load(__file__, "models.sql")


@click.group()
def models() -> None:
    """Install embedding models, check them and change to another."""


@models.command("add")
@click.argument("source")
@click.option("--name", help="Name to install it under. Absent: the source's own.")
@click.option("--revision", help="Branch, tag or commit of a model of the hub. Absent: the newest.")
@click.option(
    "--precision",
    type=click.Choice(("auto", "float32", "int8")),
    default="auto",
    show_default=True,
    help="auto: int8 for each tower that it costs at most one point of recall@10.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what the model's manifest says as JSON.")
def add_command(source: str, name: str | None, revision: str | None, precision: Any, as_json: bool) -> None:
    """Install a model from SOURCE: a folder, or the id of a model on the Hugging Face hub.

    SOURCE holds a pair of ONNX graphs, or a PyTorch checkpoint, which needs the extra [models]. docs/models.md says
    which layouts are understood. The model in use stays the same until `vitrine models activate`.
    """
    # The way in needs much that no other command does.
    from server.model_store.add import add_model

    settings = load_settings()
    manifest = add_model(
        source, settings.models_dir, name=name, revision=revision, precision=precision,
        runtime=_runtime(settings), say=_steps(),
    )  # fmt: skip
    if as_json:
        click.echo(_json(tell_all(manifest)))
    else:
        click.echo(f"Installed {manifest.name} ({manifest.dimension} numbers, {manifest.precision}).")
        click.echo(f"Use it with `vitrine models activate {manifest.name}`.")


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List the bundled model and those in DATA_DIR/models; a * marks the one that VITRINE_MODEL names.

    In use: the database's active model, the previous one (`vitrine models rollback`), or a candidate on its way in.
    """
    settings = load_settings()
    states = _states(settings, "which models it uses")
    rows = [describe(model, chosen_folder(settings), states) for model in list_models(settings)]
    if as_json:
        click.echo(_json(rows))
    else:
        print_models(rows)


@models.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all vectors.")
def show_command(name: str, as_json: bool) -> None:
    """Print all that the manifest of the model NAME says, and the size of its files."""
    manifest = _usable(load_settings(), name)
    if as_json:
        click.echo(_json(tell_all(manifest)))
    else:
        print_details(manifest)


@models.command("verify")
@click.argument("name")
@click.option(
    "--against", metavar="SOURCE", help="Compare with the original: a folder or the id of a model on the hub."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify_command(name: str, against: str | None, as_json: bool) -> None:
    """Check the files of the model NAME, and that it still says what it said when it was installed.

    Where the original is at hand, both are compared on texts of many lengths and on pictures. Ends with status 2 if
    anything differs.
    """
    from server.model_store.verify import verify_model

    settings = load_settings()
    manifest = _usable(settings, name)
    checks = verify_model(manifest, settings.models_dir, _runtime(settings), against=against, say=_steps())
    if as_json:
        click.echo(
            _json({"name": name, "ok": all(c.ok is not False for c in checks), "checks": list(map(asdict, checks))})
        )
    else:
        print_checks(checks)
    failed = [check for check in checks if check.ok is False]
    if failed:
        why = failed[0].note or f"{failed[0].name} reached {failed[0].value}, and at least {failed[0].least} is needed."
        raise ModelError(f'The model "{name}" is not what it should be. {why}')


@models.command("remove")
@click.argument("name")
def remove_command(name: str) -> None:
    """Delete the installed model NAME.

    The bundled model stays, and so does one whose vectors the database holds.
    """
    settings = load_settings()
    model = _installed(settings, name)
    if name == DEFAULT:
        raise Conflict("The bundled model belongs to Vitrine itself and cannot be removed.")
    if model.manifest is not None:
        _refuse_if_used(settings, name, model.manifest)
    # Out of sight first: a model is there whole or not at all, also where this is killed half way.
    hidden = model.folder.with_name(f".installing-removed-{name}")
    shutil.rmtree(hidden, ignore_errors=True)
    try:
        model.folder.rename(hidden)
    except OSError as exc:
        raise ModelError(f'The model "{name}" cannot be removed: {exc.strerror}.') from exc
    shutil.rmtree(hidden, ignore_errors=True)
    click.echo(f"Removed {name}.")


def chosen_folder(settings: Settings) -> Path | None:
    """Folder of the model that the settings name; None where there is no such model."""
    try:
        return find_model(settings)
    except ModelError:
        return None


def _installed(settings: Settings, name: str) -> InstalledModel:
    there = {model.name: model for model in list_models(settings)}
    if name not in there:
        raise ModelError(f'No model "{name}" is installed. There are: {", ".join(there)}.')
    return there[name]


def _usable(settings: Settings, name: str) -> Manifest:
    model = _installed(settings, name)
    if model.manifest is None:
        raise ModelError(model.problem)
    return model.manifest


def _refuse_if_used(settings: Settings, name: str, manifest: Manifest) -> None:
    """Raises Conflict where the database holds vectors of this model. One that cannot be reached is not asked."""
    state = _states(settings, "whether it uses the model").get(manifest.digest)
    if state is not None:
        advice = (
            "Activate another model first." if state == "active" else "Its vectors are kept for a change of models."
        )
        raise Conflict(f'The model "{name}" is in use: it is the {state} model of the database. {advice}')


def _states(settings: Settings, question: str) -> dict[str, str]:
    """Digest -> active, previous or candidate. Empty where there is no database yet, or, with a word, no answer."""
    if settings.database_url is None and not EmbeddedPostgres(settings.data_dir).cluster.exists():
        return {}
    try:
        with (
            closing(open_database(settings)) as database,
            translated_errors(),
            # A pool would try for ten seconds.
            psycopg.connect(database.url, connect_timeout=5) as connection,
        ):
            columns = connection.execute(_SQL["model_columns"]).fetchone()
            if columns is None:
                return {}  # no table, so no vectors
            if columns[0] < 2:
                raise DatabaseNotReady
            return dict(connection.execute(_SQL["model_states"]).fetchall())
    except VitrineError as exc:
        click.echo(f"The database was not asked {question}: {exc.message}", err=True)
        return {}


def _runtime(settings: Settings) -> Runtime:
    """Installing and verifying run on the CPU, which every server has."""
    return Runtime(text_threads=settings.tower_threads, image_threads=settings.tower_threads)


def _steps() -> Callable[[str], None]:
    console = Console(stderr=True, highlight=False)
    return lambda line: console.print(line, markup=False, soft_wrap=True)


def _json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


models.add_command(activate)
models.add_command(rollback)
