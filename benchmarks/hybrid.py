"""Do words and looks together find more than either alone? Through the search that the API uses.

    python -m benchmarks.hybrid FILE.parquet [FILE ...] --data-dir DIR [--held-out] [--questions N] [--fit] [--json]

Imports the files (once: --data-dir is kept; --held-out: the products alone whose titles the model was never trained on,
so that none has a better vector because it was), and asks under each mode for such titles: as they stand; with one
letter of a word wrong and another word left out; in another order. Every product of that title is right. `described`
asks for colour, gender and kind, of all products: right is what has all three.

--fit asks for the held-out titles that are otherwise not asked: what the constants in server/search/scoring.py and
text_query.py were fitted on. recall@10: of the right products that have room there, the share among the first ten.
"""

import argparse
import json
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks.corpus import TRAINING_CONFIG
from benchmarks.hybrid_queries import DEPTH, WRITERS, Question, descriptions, ndcg, recall, title_questions
from models.config import load_config
from models.real import is_held_out
from server.catalog.image_store import ImageStore
from server.catalog.ingest import Importer, ImportOptions
from server.cli.serve import prepare_database
from server.db.engine import Database, open_database
from server.search.basis import refresh_basis
from server.search.query import Mode, Query
from server.search.service import SearchService
from server.search.words.refresh import refresh_words
from server.services import open_current, open_services
from server.settings import Settings, load_settings

COLUMNS = ("id", "title", "category", "colour", "gender")
DESCRIBED = 500
SEED = 7


def read_rows(files: Iterable[Path]) -> list[dict[str, Any]]:
    """What the files say of each product, without pictures."""
    return [row for file in files for row in pq.read_table(file, columns=list(COLUMNS)).to_pylist()]


def fill(database: Database, settings: Settings, files: Sequence[Path]) -> None:
    """Import what is not there yet, and bring sketches and words up to date."""
    prepare_database(database, settings)
    with database.connection() as connection:
        row = connection.execute("SELECT count(*) FROM product WHERE status = 'live'").fetchone()
    if row is None or row[0] < sum(pq.ParquetFile(file).metadata.num_rows for file in files) * 0.99:
        importer = Importer(database, open_current(settings, database), ImageStore(settings.image_dir), settings)
        for file in files:
            importer.run(file, ImportOptions())
    refresh_basis(database)
    with database.connection() as connection:
        refresh_words(connection)
    database.refresh_statistics()


def held_out_file(files: Iterable[Path], folder: Path) -> Path:
    """A file of the products whose titles training leaves out."""
    share = load_config(TRAINING_CONFIG).training.held_out_share
    tables = [pq.read_table(file) for file in files]
    kept = [
        table.filter(pa.array([is_held_out(title or "", share) for title in table["title"].to_pylist()]))
        for table in tables
    ]
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.concat_tables(kept), folder / "held-out.parquet")
    return folder / "held-out.parquet"


def make_groups(rows: Sequence[dict[str, Any]], number: int, fit: bool) -> dict[str, list[Question]]:
    """Questions by group. fit: of the titles and descriptions that are otherwise not asked."""
    share = load_config(TRAINING_CONFIG).training.held_out_share
    answers: dict[str, set[str]] = defaultdict(set)
    unseen = set()
    for row in rows:
        title = " ".join((row["title"] or "").split())
        answers[title].add(row["id"])
        if title and is_held_out(row["title"], share):
            unseen.add(title)
    right = {title: frozenset(skus) for title, skus in answers.items()}
    draw = random.Random(SEED)
    titles = sorted(unseen)
    draw.shuffle(titles)
    described = descriptions(rows)
    draw.shuffle(described)
    titles = titles[number:] if fit else titles[:number]
    some = min(DESCRIBED, number, len(described) // 2)
    groups = {name: title_questions(right, titles, writer) for name, writer in WRITERS.items()}
    return {**groups, "described": described[some:] if fit else described[:some]}


def ask(search: SearchService, questions: Sequence[Question], mode: Mode) -> dict[str, Any]:
    """A line of the table: means over the questions, and the median time that the database took."""
    scores, took = [], []
    for question in questions:
        page = search.by_text(question.text, Query(limit=DEPTH, mode=mode))
        found = [hit.sku for hit in page.hits]
        scores.append((recall(found, question.right), ndcg(found, question.right)))
        took.append(page.timing.sql_ms)
    recalls, ndcgs = zip(*scores, strict=True)
    return {
        "mode": str(mode),
        "questions": len(questions),
        "recall": round(statistics.fmean(recalls), 4),
        "ndcg": round(statistics.fmean(ndcgs), 4),
        "sql_p50_ms": round(statistics.median(took), 1),
        "sql_p95_ms": round(sorted(took)[int(0.95 * (len(took) - 1))], 1),
    }


def measure(files: Sequence[Path], folder: Path, number: int, fit: bool) -> dict[str, Any]:
    """All lines, with what they were measured on."""
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=folder, DATABASE_URL=None)
    database = open_database(settings)
    try:
        fill(database, settings, files)
        search = open_services(settings, database=database).search
        began = time.perf_counter()
        groups = make_groups(read_rows(files), number, fit)
        lines = [
            {"asked": name, **ask(search, questions, mode)}
            for name, questions in groups.items()
            for mode in (Mode.TEXT, Mode.VECTOR, Mode.HYBRID)
        ]
        return {"fit": fit, "rows": lines, "seconds": round(time.perf_counter() - began, 1)}
    finally:
        database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--questions", type=int, default=1_000, help="Titles that are asked for.")
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    files = [held_out_file(given.files, given.data_dir)] if given.held_out else given.files
    told = measure(files, given.data_dir, given.questions, given.fit)
    if given.json:
        print(json.dumps(told, indent=1))
        return
    table = Table()
    for name in told["rows"][0]:
        table.add_column(name, justify="left" if name in ("asked", "mode") else "right")
    for row in told["rows"]:
        table.add_row(*(f"{value:.3f}" if name in ("recall", "ndcg") else str(value) for name, value in row.items()))
    Console(width=120, highlight=False).print(table)


if __name__ == "__main__":
    main()
