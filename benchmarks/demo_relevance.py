"""How well does the bundled model answer the demo? Precision of the first hits, where only the picture can tell.

    python -m benchmarks.demo_relevance [--json] [--per-shape N] [--mode hybrid|vector]

Loads the demo into a temporary database, asks through the search that the API uses, and looks only at products whose
title, description and attributes say nothing of colour, pattern or detail. A question counts if R >= 3 of them are
right; its precision is the share of right ones among the first min(10, R). `typed` questions are worded as people
type; `spoken` ones are harder (benchmarks/demo_queries.py).
"""

import argparse
import json
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.demo_queries import Question, make_questions
from server.cli.demo import load_demo, prepare_database, write_truth
from server.db.engine import open_database
from server.search.query import Mode, Query
from server.search.service import SearchService
from server.services import open_services
from server.settings import load_settings

DEPTH = 10


def ask(search: SearchService, question: Question, corpus: frozenset[str], mode: Mode) -> tuple[float, list[str]]:
    """Precision at min(10, R), and the SKUs that were found."""
    wanted = min(DEPTH, len(question.right))
    found: list[str] = []
    query = Query(limit=100, mode=mode)
    while len(found) < wanted:
        page = search.by_text(question.text, query)
        found += [hit.sku for hit in page.hits if hit.sku in corpus]
        if page.next_cursor is None:
            break
        query = Query(limit=100, mode=mode, cursor=page.next_cursor)
    return sum(sku in question.right for sku in found[:wanted]) / wanted, found[:wanted]


def measure(per_shape: int, mode: Mode) -> list[tuple[Question, float]]:
    """Every question and its precision."""
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        settings = load_settings(_env_file=None, VITRINE_DATA_DIR=folder, DATABASE_URL=None)
        database = open_database(settings)
        try:
            prepare_database(database, settings)
            load_demo(database, settings)
            truth_file = Path(folder) / "truth.json"
            write_truth(truth_file)
            truth = json.loads(truth_file.read_text(encoding="utf-8"))
            silent = {sku: told for sku, told in truth.items() if not told["text_tells"]}
            search = open_services(settings, database=database).search
            questions = make_questions(silent, per_shape)
            return [(question, ask(search, question, frozenset(silent), mode)[0]) for question in questions]
        finally:
            database.close()


def report(results: list[tuple[Question, float]]) -> dict[str, Any]:
    """Means over each style, and within it over each combination of attributes. The figure is that of `typed`."""
    by_shape: dict[tuple[str, str], list[float]] = defaultdict(list)
    for question, precision in results:
        by_shape[question.style, "+".join(question.asks)].append(precision)
        by_shape[question.style, "all"].append(precision)
    rows = [
        {"style": style, "asks": shape, "questions": len(values), "precision": round(statistics.fmean(values), 4)}
        for (style, shape), values in by_shape.items()
    ]
    worst = sorted(results, key=lambda pair: pair[1])[:10]
    return {
        "questions": len(by_shape["typed", "all"]),
        "precision_at_min_10_r": round(statistics.fmean(by_shape["typed", "all"]), 4),
        "rows": sorted(rows, key=lambda row: (row["style"] != "typed", row["asks"] == "all")),
        "worst": [
            {"text": question.text, "right": len(question.right), "precision": round(precision, 3)}
            for question, precision in worst
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--per-shape", type=int, default=12, help="Questions for each combination of attributes.")
    parser.add_argument("--mode", type=Mode, choices=list(Mode), default=Mode.HYBRID, help="What ranks; hybrid.")
    arguments = parser.parse_args()
    figures = report(measure(arguments.per_shape, arguments.mode))
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    print(f"{'style':<8} {'asks for':<32} {'questions':>9} {'precision':>9}")
    for row in figures["rows"]:
        print(f"{row['style']:<8} {row['asks']:<32} {row['questions']:>9} {row['precision']:>9.3f}")
    print("\nworst questions:")
    for row in figures["worst"]:
        print(f"  {row['precision']:.2f} of {row['right']:>3} right: {row['text']}")


if __name__ == "__main__":
    main()
