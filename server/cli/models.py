"""`vitrine models`: which embedding models are installed, and what is wrong with those that cannot be used."""

from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from server.embedding.manifest import Manifest
from server.embedding.registry import InstalledModel, find_model, list_models
from server.errors import ModelError
from server.settings import Settings, load_settings

MB = 1_000_000


@click.group()
def models() -> None:
    """See which embedding models are installed."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List the bundled model and those in DATA_DIR/models; a * marks the one that VITRINE_MODEL names."""
    settings = load_settings()
    rows = [describe(model, chosen_folder(settings)) for model in list_models(settings)]
    if as_json:
        click.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
    else:
        _print_table(rows)


def chosen_folder(settings: Settings) -> Path | None:
    """Folder of the model that the settings name; None where there is no such model."""
    try:
        return find_model(settings)
    except ModelError:
        return None


def describe(model: InstalledModel, chosen: Path | None) -> dict[str, Any]:
    """A model as JSON shows it; what a broken one does not tell is null."""
    manifest = model.manifest
    return {
        "name": model.name,
        "chosen": chosen is not None and model.folder.absolute() == chosen,
        "revision": manifest.revision if manifest else None,
        "dimension": manifest.dimension if manifest else None,
        "precision": manifest.precision if manifest else None,
        "size_bytes": size(manifest) if manifest else None,
        "licence": manifest.licence if manifest else None,
        "folder": str(model.folder),
        "problem": model.problem,
    }


def size(manifest: Manifest) -> int:
    """Bytes of the towers and the tokenizer."""
    names = {manifest.text.file, manifest.text.tokenizer, manifest.image.file}
    return sum((manifest.folder / name).stat().st_size for name in names)


def _print_table(rows: list[dict[str, Any]]) -> None:
    console = Console()
    table = Table(box=None, header_style="bold")
    for name in ("", "Name", "Revision"):
        table.add_column(name, overflow="fold")
    for name in ("Dimension", "Precision", "Size"):
        table.add_column(name, justify="right")
    table.add_column("Problem", overflow="fold")
    for row in rows:
        table.add_row(
            "*" if row["chosen"] else "",
            escape(row["name"]),
            escape(row["revision"] or ""),
            "" if row["dimension"] is None else str(row["dimension"]),
            escape(row["precision"] or ""),
            "" if row["size_bytes"] is None else f"{row['size_bytes'] / MB:.1f} MB",
            escape(row["problem"] or ""),
        )
    console.print(table)
