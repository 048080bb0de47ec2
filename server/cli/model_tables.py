"""Models on the screen: the list, all that one says, and what was checked."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from server.embedding.files import sizes
from server.embedding.manifest import Manifest
from server.embedding.registry import InstalledModel

if TYPE_CHECKING:
    from server.model_store.verify import Check

MB = 1_000_000


def describe(model: InstalledModel, chosen: Path | None, states: Mapping[str, str]) -> dict[str, Any]:
    """A model as the list shows it in JSON; what a broken one does not tell is null.

    states: what the database does with models, by digest.
    """
    manifest = model.manifest
    return {
        "name": model.name,
        "chosen": chosen is not None and model.folder.absolute() == chosen,
        "state": states.get(manifest.digest) if manifest else None,
        "revision": manifest.revision if manifest else None,
        "dimension": manifest.dimension if manifest else None,
        "precision": manifest.precision if manifest else None,
        "size_bytes": sum(sizes(manifest).values()) if manifest else None,
        "licence": manifest.licence if manifest else None,
        "folder": str(model.folder),
        "problem": model.problem,
    }


def tell_all(manifest: Manifest) -> dict[str, Any]:
    """All that the manifest says, with the digest that stands in the database and the files' sizes."""
    return asdict(manifest) | {"folder": str(manifest.folder), "digest": manifest.digest, "sizes": sizes(manifest)}


def print_models(rows: Sequence[dict[str, Any]]) -> None:
    """The table of `models list`."""
    table = Table(box=None, header_style="bold")
    for name in ("", "Name", "In use", "Revision"):
        table.add_column(name, overflow="fold")
    for name in ("Dimension", "Precision", "Size"):
        table.add_column(name, justify="right")
    table.add_column("Problem", overflow="fold")
    for row in rows:
        table.add_row(
            "*" if row["chosen"] else "",
            escape(row["name"]),
            row["state"] or "",
            escape(row["revision"] or ""),
            "" if row["dimension"] is None else str(row["dimension"]),
            escape(row["precision"] or ""),
            "" if row["size_bytes"] is None else f"{row['size_bytes'] / MB:.1f} MB",
            escape(row["problem"] or ""),
        )
    Console().print(table)


def print_details(manifest: Manifest) -> None:
    """Keys and values, but for the vectors, of which only the number is told."""
    table = Table(box=None, show_header=False)
    table.add_column(style="bold", overflow="fold")
    table.add_column(overflow="fold")
    for key, value in _lines("", tell_all(manifest)):
        table.add_row(escape(key), escape(value))
    Console().print(table)


def print_checks(checks: Sequence["Check"]) -> None:
    """The table of `models verify`."""
    table = Table(box=None, header_style="bold")
    table.add_column("Check", overflow="fold")
    for name in ("Result", "Figure", "At least"):
        table.add_column(name, justify="right")
    table.add_column("", overflow="fold")
    words = {True: "ok", False: "wrong", None: "not known"}
    for check in checks:
        figures = ("" if figure is None else f"{figure:.6f}" for figure in (check.value, check.least))
        table.add_row(escape(check.name), words[check.ok], *figures, escape(check.note))
    Console().print(table)


def _lines(prefix: str, data: dict[str, Any]) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for key, value in data.items():
        if isinstance(value, dict):
            lines += _lines(f"{prefix}{key}.", value)
        elif value is not None:
            lines.append((f"{prefix}{key}", _words(key, value)))
    return lines


def _words(key: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        if len(value) > 3:
            return f"({len(value)} {key if key.endswith(('vectors', 'texts')) else 'values'})"
        return ", ".join(str(one) for one in value)
    return str(value)
