"""Imports into a real database, what they leave there, and files to import."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from server.catalog.image_store import ImageStore
from server.catalog.ingest import Importer, ImportOptions
from server.catalog.report import ImportReport
from server.db.engine import Database
from server.settings import Settings
from tests.factories import noise
from tests.fakes import FakeEncoder

Run = Callable[..., ImportReport]
Dump = Callable[[], dict[str, dict[str, Any]]]


@pytest.fixture
def run(database: Database, encoder: FakeEncoder, image_store: ImageStore, settings: Settings) -> Run:
    """Import a path; keyword arguments are those of ImportOptions."""

    def import_path(path: Path, may_hide: bool = True, **options: Any) -> ImportReport:
        importer = Importer(database, encoder, image_store, settings, may_hide=lambda missing, of: may_hide)
        return importer.run(path, ImportOptions(**options))

    return import_path


@pytest.fixture
def dump(database: Database) -> Dump:
    """All products as they are stored, vectors and times too."""

    def read() -> dict[str, dict[str, Any]]:
        with database.connection() as connection:
            cursor = connection.execute("SELECT *, embedding::text AS vector FROM product ORDER BY sku")
            names = [column.name for column in cursor.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return {row["sku"]: {name: value for name, value in row.items() if name != "embedding"} for row in rows}

    return read


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


WRITERS = {"csv": write_csv, "jsonl": write_jsonl, "parquet": write_parquet}


def shop(folder: Path, count: int = 5) -> list[dict[str, Any]]:
    """Rows with a picture each beside them."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    rows = []
    for n in range(count):
        (folder / "pictures" / f"{n}.png").write_bytes(noise(n))
        rows.append({
            "id": f"S-{n}", "name": f"Mug {n}", "unit price": f"{n}.50", "image": f"pictures/{n}.png", "colour": "red",
            "category": "Home > Mugs",
        })  # fmt: skip
    return rows
