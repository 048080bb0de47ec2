"""How well does a model find and name products of a catalogue? Figures for any Parquet file of labelled pictures.

    python -m benchmarks.relevance FILE.parquet [FILE ...] [--model NAME|FOLDER] [--held-out] [--limit N]
                                   [--baseline] [--json]

Columns: title, image (bytes) and, where present, category, colour and gender. Several files are one catalogue.

title     every distinct title is asked once, alone, against all pictures; every product of that title is right. R@1,
          R@10: share of titles with a right picture in first place, in the first ten; MRR: mean of 1 / rank of the
          first right picture. Pictures that score the same as the right one count as better.
type      the last part of `category`, among all that occur.
colour    among all that occur. "type given" asks "colour type" with the product's own type; "alone" only the colour.

A name is asked in lower case as it stands in the file, in a few templates whose vectors are averaged (TEMPLATES in
benchmarks/scores.py). chance: what a random order, or a random name, is expected to reach; --baseline adds what the
most frequent name reaches. --held-out keeps what models/train.py never trains on (by title in fashion, else by
picture). Pictures and texts go the way of an import and of a search: decoded small where that is allowed, texts one
by one.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.corpus import build_corpus, choose_rows
from benchmarks.scores import TEMPLATES, Figure, score_colours, score_titles, score_types
from server.embedding.encoder import Encoder
from server.embedding.registry import load_encoder
from server.errors import VitrineError
from server.settings import Settings, load_settings


def measure(
    files: Sequence[Path], encoder: Encoder, settings: Settings, *, held_out: bool = False, limit: int | None = None
) -> dict[str, Any]:
    """All figures, with what they were measured on. Raises UnusableFile, ModelError."""
    corpus = build_corpus(choose_rows(files, held_out=held_out, limit=limit), encoder, settings)
    figures: list[Figure] = []
    for score in (score_titles, score_types, score_colours):
        figures += score(encoder.embed_text, corpus.products, corpus.pictures)
    manifest = encoder.manifest
    return {
        "model": manifest.name,
        "revision": manifest.revision,
        "precision": manifest.precision,
        "digest": manifest.digest,
        "files": [path.name for path in files],
        "held_out": held_out,
        "products": len(corpus.products),
        "skipped": corpus.skipped,
        "templates": list(TEMPLATES),
        "figures": [asdict(figure) for figure in figures],
    }


def print_table(told: dict[str, Any], baseline: bool) -> None:
    """The figures for people, to three decimals."""
    which = "never trained on, " if told["held_out"] else ""
    skipped = f", {told['skipped']:,} rows without a usable picture" if told["skipped"] else ""
    console = Console(width=120, highlight=False)
    console.print(
        f"{told['model']} {told['revision']} ({told['precision']}): {which}{told['products']:,} products{skipped}"
    )
    table = Table()
    table.add_column("measure")
    for column in ("value", "asked", "candidates", "chance", *(["most frequent"] if baseline else [])):
        table.add_column(column, justify="right")
    for figure in told["figures"]:
        cells = [
            f"{figure['value']:.3f}",
            f"{figure['asked']:,}",
            f"{figure['candidates']:,}",
            f"{figure['chance']:.4f}",
        ]
        if baseline:
            cells.append("-" if figure["largest_class"] is None else f"{figure['largest_class']:.3f}")
        table.add_row(figure["measure"], *cells)
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    parser.add_argument("--model", default="default", help="Name of an installed model, or its folder.")
    parser.add_argument("--held-out", action="store_true")
    parser.add_argument("--limit", type=int, metavar="N", help="Only the first N of these products.")
    parser.add_argument("--baseline", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    try:
        settings = load_settings(VITRINE_MODEL=given.model)
        told = measure(given.files, load_encoder(settings), settings, held_out=given.held_out, limit=given.limit)
    except VitrineError as exc:
        print(exc.message, file=sys.stderr)
        raise SystemExit(2) from None
    if given.json:
        print(json.dumps(told, indent=1))
    else:
        print_table(told, given.baseline)


if __name__ == "__main__":
    main()
