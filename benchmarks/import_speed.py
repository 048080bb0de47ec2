"""How fast does a catalogue come in, how much of that is the model, and does memory stay flat?

    python -m benchmarks.import_speed FILE... [--rows 1000 --rows 40000] [--keep DIR] [--json]

For each number of rows, the first so many of the Parquet files (together) are imported into a new, empty shop by a
process of its own, whose peak memory is reported; then once more, when nothing has changed. `idle` is the peak of a
process that has loaded the model and embedded one picture. `--keep` leaves the last shop in DIR, for
benchmarks.latency --data-dir.
"""

import argparse
import json
import multiprocessing
import tempfile
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from rich.console import Console
from rich.table import Table

from server.catalog.image_store import ImageStore
from server.catalog.ingest import Importer
from server.cli.serve import prepare_database
from server.db.engine import open_database
from server.embedding.registry import load_encoder
from server.settings import Settings, load_settings


def _settings(folder: Path) -> Settings:
    return load_settings(_env_file=None, VITRINE_DATA_DIR=folder, DATABASE_URL=None)


def cut(files: list[Path], rows: int, target: Path) -> int:
    """Write the first `rows` rows of the files to one Parquet file, in small row groups; returns how many there are."""
    written = 0
    writer = None
    batches = chain.from_iterable(pq.ParquetFile(file).iter_batches(batch_size=500) for file in files)
    for batch in batches:
        part = batch.slice(0, rows - written)
        if part.num_rows == 0:
            break
        table = pa.Table.from_batches([part])
        writer = writer or pq.ParquetWriter(target, table.schema)
        writer.write_table(table)
        written += part.num_rows
    if writer is not None:
        writer.close()
    return written


def peak_mb() -> float:
    """Peak resident memory of this process. Not getrusage: a child's begins with what its parent had at the fork."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def import_once(folder: Path, file: Path) -> dict[str, float]:
    """Runs in a child: import the file and tell what it took. Peak memory in MB."""
    settings = _settings(folder)
    database = open_database(settings)
    try:
        prepare_database(database, settings)
        importer = Importer(database, load_encoder(settings), ImageStore(settings.image_dir), settings)
        report = importer.run(file)
    finally:
        database.close()
    return {
        "rows": report.rows,
        "refused": report.refused,
        "images": report.images,
        "seconds": round(report.seconds, 2),
        "tower_seconds": round(report.tower_seconds, 2),
        "peak_mb": peak_mb(),
    }


def idle(folder: Path) -> dict[str, float]:
    """Runs in a child: the model loaded, one picture embedded."""
    load_encoder(_settings(folder)).embed_image(Image.new("RGB", (100, 100)))
    return {"peak_mb": peak_mb()}


def in_child(function: Any, *arguments: Any) -> dict[str, float]:
    """Call it in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        result: dict[str, float] = pool.apply(function, arguments)
    return result


def measure(files: list[Path], rows: int, keep: Path | None) -> list[dict[str, Any]]:
    """Two rows of the table: a first import, and the same again."""
    with tempfile.TemporaryDirectory(prefix="vt-") as name:
        source = Path(name) / "catalogue.parquet"
        cut(files, rows, source)
        measured = []
        for which in ("first", "again"):
            told = in_child(import_once, keep or Path(name) / "data", source)
            seconds = max(told["seconds"], 1e-9)
            measured.append(
                {
                    "import": which,
                    **told,
                    "rows_per_s": round(told["rows"] / seconds),
                    "images_per_s": round(told["images"] / seconds),
                    "tower_share": round(told["tower_seconds"] / seconds, 3),
                    "peak_mb": round(told["peak_mb"]),
                }
            )
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    parser.add_argument("--rows", action="append", type=int)
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    counts = arguments.rows or [1_000, 40_000]
    rows = []
    for count in counts:
        rows += measure(arguments.files, count, arguments.keep if count == counts[-1] else None)
    with tempfile.TemporaryDirectory(prefix="vt-") as name:
        at_rest = round(in_child(idle, Path(name))["peak_mb"])
    if arguments.json:
        print(json.dumps({"rows": rows, "idle_mb": at_rest}, indent=1))
        return
    table = Table()
    for column in rows[0]:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console = Console(width=140)
    console.print(table)
    console.print(f"idle, model loaded: {at_rest} MB")


if __name__ == "__main__":
    main()
