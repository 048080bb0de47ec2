"""embed_text in SQL beside the ONNX tower: the same vectors and tokens? how quick, and how large?

    python -m benchmarks.sql_tower [--queries 500] [--strings 5000] [--size small|vit-b-32] [--times]

Needs the extra [models]; ViT-B/32's size needs CLIP's vocabulary in ../shared/data/clip. Its weights are random:
neither speed nor parity in float32 depends on them. --times: nothing but times, which want a machine that does nothing
else.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from pgvector.psycopg import register_vector

from server import resources
from server.db import migrate
from server.db.embedded import EmbeddedPostgres
from server.db.engine import Database
from server.embedding.clip import ClipEncoder
from server.embedding.manifest import Manifest
from server.embedding.ort import open_tower
from server.embedding.registry import read_complete
from server.embedding.tokenizer import load_tokenizer
from server.sql_tower.install import TowerReport, install_tower
from tests.dequantised import write_dequantised
from tests.factories import add_model
from tests.integration.model_store.fuzzed_texts import fuzzed_texts
from tests.integration.sql_tower.test_random_towers import VIT_B_32, converted
from tests.integration.sql_tower.texts import varied_texts
from tests.reference_models import CLIP_VOCABULARY

LENGTHS = (4, 8, 16, 24, 77)
ROUNDS = 9
COMPUTE = "SELECT vitrine_tower.compute(id, %s) FROM vitrine_tower.tower"
IDS = "SELECT vitrine_tower.token_ids(id, %s) FROM vitrine_tower.tower"
EMBED = "SELECT vitrine_sql.embed_text(%s)"


def one(connection: psycopg.Connection, statement: str, text: str) -> Any:
    """The one value of a statement about a text."""
    row = connection.execute(statement, [text], prepare=True).fetchone()
    if row is None:
        raise SystemExit("no tower is installed")
    return row[0]


def unit(vector: Any) -> np.ndarray:
    """At length 1, in float64."""
    wide = np.asarray(vector, np.float64)
    return wide / np.linalg.norm(wide)


def compare_vectors(connection: psycopg.Connection, manifest: Manifest, scratch: Path, count: int) -> None:
    """Prints the lowest and the mean cosine with the graph, in float32 arithmetic and as it is shipped."""
    spec = manifest.text
    path = write_dequantised(manifest.folder / spec.file, scratch / "float.onnx")
    floats = open_tower(path, threads=1, inputs=(spec.input,), output=spec.output)
    encoder, tokenizer = ClipEncoder(manifest), load_tokenizer(manifest)
    exact, shipped = [], []
    for text in varied_texts(count):
        made = unit(one(connection, COMPUTE, text).to_numpy())
        exact.append(made @ unit(floats.run({spec.input: np.array([tokenizer.encode(text)])})[0]))
        shipped.append(made @ unit(encoder.embed_text(text)))
    for name, cosines in (("float32 on its weights", exact), ("the graph as it is shipped", shipped)):
        print(f"  cosine with {name}: lowest {min(cosines):.6f}, mean {np.mean(cosines):.6f} ({count} queries)")


def compare_tokens(connection: psycopg.Connection, manifest: Manifest, count: int) -> None:
    """Prints how many fuzzed strings get the tokens of the library."""
    tokenizer = load_tokenizer(manifest)
    texts = [text.replace("\0", "") for text in fuzzed_texts(count)]
    same = sum(one(connection, IDS, text) == tokenizer.encode(text) for text in texts)
    print(f"  tokens identical: {same:,} of {count:,} fuzzed strings")


def text_of_length(manifest: Manifest, length: int) -> str:
    """Words that make so many tokens, start and end included, or as many as the context has."""
    tokenizer, words = (
        load_tokenizer(manifest),
        ["red", "dress", "with", "blue", "shoes", "and", "a", "black", "bag", "for", "women"],
    )
    text = ""
    for n in range(length):
        longer = f"{text} {words[n % len(words)]}".strip()
        if len(tokenizer.encode(longer)) > length:
            break
        text = longer
    return text


def milliseconds(call: Callable[[], object]) -> float:
    """Median of several calls, after two that open what has to be opened."""
    took = []
    for n in range(ROUNDS + 2):
        began = time.perf_counter()
        call()
        if n >= 2:
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def time_lengths(connection: psycopg.Connection, manifest: Manifest) -> None:
    """Prints a row for each length of text."""
    encoder, tokenizer = ClipEncoder(manifest), load_tokenizer(manifest)
    print("  tokens | SQL ms | remembered ms | memo of the transaction ms | ONNX, 1 thread ms")
    for length in LENGTHS:
        if length > manifest.text.context_length:
            continue
        text = text_of_length(manifest, length)
        count = len(tokenizer.encode(text))
        computed = milliseconds(lambda text=text: one(connection, COMPUTE, text))
        graph = milliseconds(lambda text=text: encoder.embed_text(text))
        one(connection, "SELECT vitrine_sql.remember_text(%s)", text)
        known = milliseconds(lambda text=text: one(connection, EMBED, text))
        with connection.transaction():
            memo = milliseconds(lambda text=text: one(connection, EMBED, text))
        print(f"  {count:6} | {computed:6.1f} | {known:13.2f} | {memo:26.2f} | {graph:18.2f}", flush=True)


def report_on(manifest: Manifest, report: TowerReport) -> None:
    """Prints what was installed."""
    called = f"{manifest.folder.parent.name}/{manifest.folder.name}"
    sizes = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in report.bytes.items() if size > 1e6)
    print(
        f"{called}: {report.layers} layers of width {report.width}, {report.vocabulary:,} tokens; installed in "
        f"{report.seconds:.1f} s\n  tables: {sum(report.bytes.values()) / 1e6:.1f} MB ({sizes})"
    )


def measure(folder: Path, arguments: argparse.Namespace, scratch: Path) -> None:
    """One model in a Postgres of its own."""
    manifest = read_complete(folder)
    with tempfile.TemporaryDirectory(prefix="vt-") as data:
        embedded = EmbeddedPostgres(Path(data))
        embedded.start()
        database = Database(embedded.url(), embedded=embedded)
        try:
            migrate.upgrade(database, manifest.dimension)
            with psycopg.connect(embedded.url(), autocommit=True) as connection:
                register_vector(connection)
                add_model(connection, name=manifest.name, digest=manifest.digest, dimension=manifest.dimension)
                report_on(manifest, install_tower(connection, manifest))
                time_lengths(connection, manifest)
                if not arguments.times:
                    compare_vectors(connection, manifest, scratch, arguments.queries)
                    compare_tokens(connection, manifest, arguments.strings)
        finally:
            database.close()


def main() -> None:
    """Print a table for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--strings", type=int, default=5000)
    parser.add_argument("--size", choices=("small", "vit-b-32"), nargs="+", default=["small", "vit-b-32"])
    parser.add_argument("--times", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vt-") as scratch:
        if "small" in arguments.size:
            measure(resources.DEFAULT_MODEL, arguments, Path(scratch))
        if "vit-b-32" in arguments.size and not CLIP_VOCABULARY.is_file():
            print("ViT-B/32: CLIP's vocabulary is not in ../shared/data/clip; left out.")
        elif "vit-b-32" in arguments.size:
            for int8 in (False, True):
                folder = Path(scratch) / f"vit-b-32-{'int8' if int8 else 'float32'}"
                measure(converted(folder, VIT_B_32, int8=int8), arguments, Path(scratch))


if __name__ == "__main__":
    main()
