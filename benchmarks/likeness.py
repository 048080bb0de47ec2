"""Does "this one, but ..." find it? Of products drawn by the demo, others of their kind in another colour or pattern.

    python -m benchmarks.likeness [--questions N] [--json]

Loads the demo into a temporary database and asks, as the API's /products/SKU/similar?q=... does, for products like one
but of another colour or pattern. Right is what the picture shows to be of the same kind and so; a question counts where
R >= 3 are, and its precision is the share of right ones among the first min(5, R). Beside it the sum of the product's
and the words' vectors alone, for several weights of the words.
"""

import argparse
import json
import random
import statistics
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.demo_queries import PATTERN_WORDS
from server.cli.demo import load_demo, prepare_database, write_truth
from server.db.engine import open_database
from server.search.query import Query
from server.search.service import ResultPage, SearchService, Term
from server.services import open_services
from server.settings import load_settings

DEPTH = 5
FEWEST_RIGHT = 3
WEIGHTS = (1.0, 1.5, 2.0)


@dataclass(frozen=True)
class Question:
    """Like this product, but so. right: the products that are."""

    sku: str
    asks: str
    words: str
    right: frozenset[str]


def make_questions(truth: Mapping[str, Mapping[str, Any]], number: int) -> list[Question]:
    """The same for the same truth."""
    choice, skus = random.Random(7), sorted(truth)
    colours = sorted({str(told["colour"]) for told in truth.values()})
    found: list[Question] = []
    while len(found) < number:
        sku = choice.choice(skus)
        asks = choice.choice(("colour", "pattern"))
        value = choice.choice(colours if asks == "colour" else sorted(PATTERN_WORDS))
        words = value if asks == "colour" else PATTERN_WORDS[value][0]
        told = truth[sku]
        right = frozenset(
            other for other in skus if truth[other]["kind"] == told["kind"] and truth[other][asks] == value
        )
        if told[asks] != value and len(right) >= FEWEST_RIGHT:
            found.append(Question(sku, asks, words, right))
    return found


def ways(search: SearchService) -> dict[str, Callable[[Question], ResultPage]]:
    """How to ask."""

    def added(weight: float) -> Callable[[Question], ResultPage]:
        return lambda one: search.composed(
            [Term(product=one.sku), Term(text=one.words, weight=weight)], Query(limit=DEPTH)
        )

    found: dict[str, Callable[[Question], ResultPage]] = {
        f"product + {weight:g} words": added(weight) for weight in WEIGHTS
    }
    found["similar?q="] = lambda one: search.like_but(one.sku, one.words, Query(limit=DEPTH))
    return found


def measure(number: int) -> list[dict[str, Any]]:
    """A row for each way: precision, and the share of hits that are of the product's kind."""
    with tempfile.TemporaryDirectory(prefix="vt-") as folder:
        settings = load_settings(_env_file=None, VITRINE_DATA_DIR=folder, DATABASE_URL=None)
        database = open_database(settings)
        try:
            prepare_database(database, settings)
            load_demo(database, settings)
            write_truth(Path(folder) / "truth.json")
            truth = json.loads((Path(folder) / "truth.json").read_text(encoding="utf-8"))
            search = open_services(settings, database=database).search
            questions = make_questions(truth, number)
            return [{"way": name, **_row(ask, questions, truth)} for name, ask in ways(search).items()]
        finally:
            database.close()


def _row(
    ask: Callable[[Question], ResultPage], questions: list[Question], truth: Mapping[str, Mapping[str, Any]]
) -> dict[str, float]:
    precision: dict[str, list[float]] = {"colour": [], "pattern": []}
    same_kind = []
    for question in questions:
        depth = min(DEPTH, len(question.right))
        found = [hit.sku for hit in ask(question).hits[:depth]]
        precision[question.asks].append(sum(sku in question.right for sku in found) / depth)
        same_kind.append(sum(truth[sku]["kind"] == truth[question.sku]["kind"] for sku in found) / depth)
    means = {name: round(statistics.fmean(values), 3) for name, values in precision.items()}
    return {**means, "same_kind": round(statistics.fmean(same_kind), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = measure(arguments.questions)
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    print(f"{'way':<22} {'colour':>8} {'pattern':>8} {'same kind':>10}")
    for row in rows:
        print(f"{row['way']:<22} {row['colour']:>8.3f} {row['pattern']:>8.3f} {row['same_kind']:>10.3f}")


if __name__ == "__main__":
    main()
