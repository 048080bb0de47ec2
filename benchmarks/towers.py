"""How fast are the towers, and what do they take, beside PyTorch and sentence-transformers in the same run?

    python -m benchmarks.towers [--rounds N] [--keep DIR] [--only PART ...] [--json]

ViT-B/32 with random weights (speed does not depend on them) is written as a checkpoint and installed by the code behind
`vitrine models add`, once as float32 and once as int8; --keep leaves both in DIR for the next run. Parts:

text         one query of 7 tokens, from words to a unit vector, on one thread and on two
images       pictures a second from prepared pixels to unit vectors, in batches of 1, 8 and 32, on all cores
preparation  CPU time from a JPEG (1,200 and 224 pixels) to pixels, beside transformers' processor
pipeline     JPEG to vector as an import goes, against the bound cores / (tower + preparation, CPU seconds a picture)
arena        what keeping a run's memory for the next one brings and takes
bundled      the bundled model: load, text, pictures a second

Every contender has a process of its own, which gives its memory. They are asked in turns, in another order each round,
and the medians of all rounds are told: trust ratios more than figures. Needs the extra [bench] and an idle machine.
"""

import argparse
import json
import os
import platform
import random
import statistics
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.contenders import Ours, Pipeline, PyTorch, SentenceTransformers, TheirPreparation
from benchmarks.workers import Worker, interleave, workers
from server.embedding.manifest import read_manifest
from server.embedding.ort import Runtime
from server.embedding.tokenizer import load_tokenizer
from server.resources import DEFAULT_MODEL

CORES = os.cpu_count() or 1
TOKENS = 7
WORDS = "blue shirt with red stripes and long sleeves for men"
BATCHES = (1, 8, 32)
PHOTO_SIZES = (1200, 224)
PIPELINE_PICTURES = 384
SEED = 8

Row = dict[str, Any]


class Bench:
    """The models to measure and how many rounds. Every part gives the rows of its table."""

    def __init__(self, folder: Path, rounds: int, pictures: int) -> None:
        self.checkpoint = folder / "checkpoint"
        self.models = folder / "models"
        self.rounds = rounds
        self.pictures = pictures
        self.draw = random.Random(SEED)

    def install(self) -> None:
        """Write the checkpoint and install it in both precisions, unless an earlier run left them."""
        from server.model_store.add import add_model
        from tests.reference_models import write_clip_checkpoint

        if not (self.models / "vit-int8").is_dir():
            write_clip_checkpoint(self.checkpoint)
            for precision in ("float32", "int8"):
                if not (self.models / f"vit-{precision}").is_dir():
                    add_model(
                        str(self.checkpoint),
                        self.models,
                        name=f"vit-{precision}",
                        precision=precision,  # type: ignore[arg-type]
                        runtime=Runtime(image_threads=CORES),
                    )

    def ours(self, precision: str) -> str:
        """Folder of the model as installed by `install`."""
        return str(self.models / f"vit-{precision}")

    def text(self) -> list[Row]:
        """Milliseconds a query, and how many times faster than sentence-transformers on as many threads."""
        checkpoint, rows = str(self.checkpoint), []
        text = seven_tokens(Path(self.ours("float32")))
        for threads in (1, 2):
            makers: dict[str, tuple[Any, ...]] = {
                "ours int8": (Ours, self.ours("int8"), threads, {"towers": "text"}),
                "ours float32": (Ours, self.ours("float32"), threads, {"towers": "text"}),
                "PyTorch, padded to 77": (PyTorch, checkpoint, threads, {}),
                "sentence-transformers": (SentenceTransformers, checkpoint, threads, {}),
            }
            with workers(makers) as asked:
                took = self._rounds(asked, "text", text)
                peer = statistics.median(took["sentence-transformers"])
                for name, one in asked.items():
                    seconds = statistics.median(took[name])
                    row = {"text": name, "threads": threads, "ms": 1000 * seconds, "times faster": peer / seconds}
                    rows.append(row | _memory(one))
        return rows

    def images(self) -> list[Row]:
        """Pictures a second in each batch, and the ratio to PyTorch float32 at that batch."""
        checkpoint = str(self.checkpoint)
        makers: dict[str, tuple[Any, ...]] = {
            "ours int8": (Ours, self.ours("int8"), CORES, {"towers": "image"}),
            "ours float32": (Ours, self.ours("float32"), CORES, {"towers": "image"}),
            "PyTorch float32": (PyTorch, checkpoint, CORES, {}),
            "PyTorch bfloat16": (PyTorch, checkpoint, CORES, {"dtype": "bfloat16"}),
        }
        rows: dict[str, Row] = {name: {"pictures": name} for name in makers}
        with workers(makers) as asked:
            for batch in BATCHES:
                took = self._rounds(asked, "images", batch)
                peer = statistics.median(took["PyTorch float32"])
                for name, row in rows.items():
                    seconds = statistics.median(took[name])
                    row |= {f"{batch} at a time, /s": batch / seconds, f"x at {batch}": peer / seconds}
            for name, one in asked.items():
                rows[name] |= _memory(one)
        return list(rows.values())

    def preparation(self) -> list[Row]:
        """CPU milliseconds a JPEG, and how many times less than transformers' processor takes."""
        makers: dict[str, tuple[Any, ...]] = {
            "ours": (Pipeline, self.ours("int8"), 1, {}),
            "transformers": (TheirPreparation, str(self.checkpoint), {}),
        }
        rows = []
        with workers(makers) as asked:
            for size in PHOTO_SIZES:
                took = self._rounds(asked, "prepare", size)
                peer = statistics.median(took["transformers"])
                for name in asked:
                    seconds = statistics.median(took[name])
                    rows.append(
                        {"preparation": name, "JPEG": size, "CPU ms": 1000 * seconds, "times less": peer / seconds}
                    )
        return rows

    def pipeline(self) -> list[Row]:
        """Pictures a second from JPEG to vector, and the share of the bound, each round against its own bound."""
        makers: dict[str, tuple[Any, ...]] = {
            name: (Pipeline, folder, CORES, {})
            for name, folder in (("ViT-B/32 int8", self.ours("int8")), ("bundled", str(DEFAULT_MODEL)))
        }
        rows = []
        with workers(makers) as asked:
            for size in PHOTO_SIZES:
                for name, one in asked.items():
                    tasks = {
                        "prepare": partial(one.ask, "prepare", size),
                        "tower": partial(one.ask, "tower", size),
                        "whole": partial(one.ask, "whole", size, self.pictures),
                    }
                    rows.append({"pipeline": name, "JPEG": size} | self._bound(tasks))
        return rows

    def _bound(self, tasks: dict[str, Callable[[], Sequence[float]]]) -> Row:
        rounds = [interleave(1, tasks, self.draw) for _ in range(self.rounds)]
        each = [{name: statistics.median(took) for name, took in one.items()} for one in rounds]
        bounds = [CORES / (one["prepare"] + one["tower"]) for one in each]
        rates = [1 / one["whole"] for one in each]
        return {
            "tower, CPU ms": 1000 * statistics.median(one["tower"] for one in each),
            "preparation, CPU ms": 1000 * statistics.median(one["prepare"] for one in each),
            "bound, /s": statistics.median(bounds),
            "pictures, /s": statistics.median(rates),
            "share of bound": statistics.median(rate / bound for rate, bound in zip(rates, bounds, strict=True)),
        }

    def arena(self) -> list[Row]:
        """The same towers with and without the arena."""
        makers: dict[str, tuple[Any, ...]] = {
            f"{name}, arena {'on' if arena else 'off'}": (Ours, folder, CORES, {"arena": arena})
            for name, folder in (("ViT-B/32 int8", self.ours("int8")), ("bundled", str(DEFAULT_MODEL)))
            for arena in (True, False)
        }
        rows = []
        with workers(makers) as asked:
            took_text = self._rounds(asked, "text", WORDS)
            took_images = self._rounds(asked, "images", 16)
            for name, one in asked.items():
                seconds, batch = statistics.median(took_text[name]), statistics.median(took_images[name])
                rows.append({"arena": name, "text, ms": 1000 * seconds, "16 at a time, /s": 16 / batch} | _memory(one))
        return rows

    def bundled(self) -> list[Row]:
        """Load, text on one thread, pictures on all cores: the targets of the bundled model."""
        folder = str(DEFAULT_MODEL)
        rows = []
        with workers({"text": (Ours, folder, 1, {}), "images": (Ours, folder, CORES, {})}) as asked:
            text = self._rounds({"text": asked["text"]}, "text", WORDS)["text"]
            row = {"bundled": read_manifest(DEFAULT_MODEL).name, "text, ms": 1000 * statistics.median(text)}
            for batch in (1, 16, 32):
                images = self._rounds({"images": asked["images"]}, "images", batch)["images"]
                row[f"{batch} at a time, /s"] = batch / statistics.median(images)
            rows.append(row | _memory(asked["text"]))
        return rows

    def _rounds(self, asked: dict[str, Worker], method: str, argument: Any) -> dict[str, list[float]]:
        for one in asked.values():
            one.ask(method, argument)  # the first calls allocate, and choose kernels
        return interleave(
            self.rounds, {name: partial(one.ask, method, argument) for name, one in asked.items()}, self.draw
        )


PARTS = ("text", "images", "preparation", "pipeline", "arena", "bundled")


def seven_tokens(folder: Path) -> str:
    """The first words of WORDS that make TOKENS tokens in that model, start and end among them."""
    tokenizer = load_tokenizer(read_manifest(folder))
    words = WORDS.split()
    texts = [" ".join(words[:count]) for count in range(1, len(words) + 1)]
    return next(text for text in texts if len(tokenizer.encode(text)) >= TOKENS)


def _memory(one: Worker) -> Row:
    return {"load, s": one.load_seconds, "resident, MB": one.resident_mb()}


def _machine() -> dict[str, Any]:
    packages = ("onnxruntime", "torch", "transformers", "sentence-transformers", "pillow", "numpy")
    return {"cores": CORES, "python": platform.python_version(), **{name: version(name) for name in packages}}


def print_rows(console: Console, rows: list[Row]) -> None:
    """One part as a table."""
    table = Table()
    for place, column in enumerate(rows[0]):
        table.add_column(column, justify="right" if place else "left")
    for row in rows:
        table.add_row(*(f"{value:,.2f}" if isinstance(value, float) else str(value) for value in row.values()))
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pictures", type=int, default=PIPELINE_PICTURES, help="Pictures in one run of the pipeline.")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    console = Console(width=140, highlight=False, stderr=given.json)
    told: dict[str, Any] = {"machine": _machine(), "rounds": given.rounds}
    with tempfile.TemporaryDirectory(prefix="vt-") as temporary:
        bench = Bench(given.keep or Path(temporary), given.rounds, given.pictures)
        if set(given.only) - {"bundled"}:
            bench.install()
        for part in given.only:
            told[part] = getattr(bench, part)()
            print_rows(console, told[part])
    if given.json:
        print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
