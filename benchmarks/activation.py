"""Does anybody notice a change of the model? Bundled model to another one and back, while clients search over HTTP.

    python -m benchmarks.activation [--products 5000] [--clients 4] [--small] [--data-dir DIR] [--json]

Draws the products, starts `vitrine serve`, and runs `vitrine models activate` and `rollback` as a person would. The
other model is a ViT-B/32 with random weights (`--small`: a tiny one), installed by `vitrine models add`; weights change
neither speed nor what is asked here. A page is mixed if a hit's score is not what the model that the page names gives,
computed afterwards from that model's vectors; `undecided` counts pages on which the two models agree, which prove
nothing.
"""

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.latency import free_port, percentile, wait_until_ready
from server.db.engine import open_database
from server.embedding.registry import list_models, open_encoder
from server.settings import Settings, load_settings
from tests.reference_models import SMALL_CLIP, write_clip_checkpoint

OTHER = "vit-b-32"
# Halves have eleven bits; the vectors are compared as halves by Postgres and as they are here.
TOLERANCE = 3e-3
SETTLE_SECONDS = 5.0
COMMAND = [sys.executable, "-m", "server.cli"]


@dataclass
class Answer:
    """One search. `hits` are (SKU, score); `model` as the page names it, None where it failed."""

    at: float
    milliseconds: float
    words: str
    model: str | None = None
    hits: list[tuple[str, float]] = field(default_factory=list)


@dataclass
class Clients:
    """People who search without a pause."""

    port: int
    titles: list[str]
    over: threading.Event = field(default_factory=threading.Event)
    answers: list[Answer] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def run(self, number: int) -> None:
        draw = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        while not self.over.is_set():
            words = draw.choice(self.titles)
            started = time.perf_counter()
            answer = Answer(started, 0.0, words)
            try:
                connection.request("GET", "/api/v1/search?" + urlencode({"q": words, "limit": 24}))
                response = connection.getresponse()
                body = response.read()
                if response.status != 200:
                    raise RuntimeError(f"{response.status} {body[:200]!r}")
                page = json.loads(body)
                answer.model = page["plan"]["model"]
                answer.hits = [(hit["sku"], hit["score"]) for hit in page["hits"]]
            except (OSError, RuntimeError, ValueError, http.client.HTTPException) as exc:
                self.failures.append(repr(exc))
                connection.close()
            answer.milliseconds = (time.perf_counter() - started) * 1000
            self.answers.append(answer)


def vitrine(environment: dict[str, str], *arguments: str) -> str:
    """Run a command to its end; returns what it printed."""
    done = subprocess.run([*COMMAND, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def prepare(environment: dict[str, str], folder: Path, products: int, small: bool) -> None:
    """The shop and the other model, each once."""
    vitrine(environment, "demo", "--no-serve", "--products", str(products))
    if not (folder / "models" / OTHER).exists():
        checkpoint = folder / "checkpoint"
        write_clip_checkpoint(checkpoint, config=SMALL_CLIP if small else None)
        vitrine(environment, "models", "add", str(checkpoint), "--name", OTHER)


def measure(environment: dict[str, str], port: int, titles: list[str], clients: int) -> dict[str, Any]:
    """Change the model there and back while clients search; what they saw, and what the commands told."""
    people = Clients(port, titles)
    threads = [threading.Thread(target=people.run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    times: dict[str, tuple[float, float]] = {}
    told = {}
    steps = (("there", ["activate", OTHER]), ("back", ["rollback"]))
    began = time.perf_counter()
    time.sleep(SETTLE_SECONDS)
    times["before"] = (began, time.perf_counter())
    for name, arguments in steps:
        began = time.perf_counter()
        told[name] = json.loads(vitrine(environment, "models", *arguments, "--json"))
        times[name] = (began, time.perf_counter())
        time.sleep(SETTLE_SECONDS)
        times[f"after {name}"] = (times[name][1], time.perf_counter())
    people.over.set()
    for thread in threads:
        thread.join()
    return {"people": people, "times": times, "told": told}


def latencies(answers: list[Answer], times: dict[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """A row for each part of the time."""
    rows = []
    for name, (begin, end) in times.items():
        took = [one.milliseconds for one in answers if begin <= one.at < end]
        if took:
            shown = {"p50_ms": percentile(took, 0.5), "p95_ms": percentile(took, 0.95), "longest_ms": max(took)}
            rounded = {key: round(value, 1) for key, value in shown.items()}
            rows.append({"time": name, "seconds": round(end - begin, 1), "searches": len(took), **rounded})
    return rows


def count_mixed(settings: Settings, answers: list[Answer]) -> dict[str, int]:
    """Pages whose scores are not those of the model that they name, by vectors made and read here."""
    encoders = {m.manifest.digest[:12]: open_encoder(m.manifest, settings) for m in list_models(settings) if m.manifest}
    stored = read_vectors(settings)
    queries: dict[tuple[str, str], NDArray[np.float32]] = {}

    def score(digest: str, words: str, sku: str) -> float:
        if (digest, words) not in queries:
            queries[digest, words] = encoders[digest].embed_text(words)
        return float(stored[digest][sku] @ queries[digest, words])

    mixed = undecided = 0
    for answer in answers:
        if answer.model is None:
            continue
        mine = answer.model.rsplit("(", 1)[1].rstrip(")")
        (other,) = stored.keys() - {mine}
        gaps = [abs(score(mine, answer.words, sku) - told) for sku, told in answer.hits]
        others = [abs(score(other, answer.words, sku) - told) for sku, told in answer.hits]
        mixed += any(gap > TOLERANCE for gap in gaps)
        undecided += all(gap <= TOLERANCE for gap in others)
    return {"mixed": mixed, "undecided": undecided}


def read_vectors(settings: Settings) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Beginning of the model's digest -> SKU -> vector, of both models."""
    found: dict[str, dict[str, NDArray[np.float32]]] = {}
    with closing(open_database(settings)) as database, database.connection() as connection:
        for column in ("embedding", "embedding_other"):
            rows = connection.execute(
                f"SELECT left(digest, 12), sku, {column}::halfvec FROM product "  # noqa: S608
                f"JOIN embedding_model AS model ON model.id = {column}_model"
            )
            for digest, sku, vector in rows:
                found.setdefault(digest, {})[sku] = np.asarray(vector.to_numpy(), np.float32)
    return found


def run(folder: Path, products: int, clients: int, small: bool) -> dict[str, Any]:
    """All of it; figures by name."""
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=folder, DATABASE_URL=None)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VITRINE_", "DATABASE_"))}
    environment |= {"VITRINE_DATA_DIR": str(folder)}
    prepare(environment, folder, products, small)
    port = free_port()
    with closing(open_database(settings)) as database:
        with database.connection() as connection:
            titles = [str(title) for (title,) in connection.execute("SELECT DISTINCT title FROM product ORDER BY 1")]
        server = subprocess.Popen([*COMMAND, "serve", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL)
        try:
            wait_until_ready(port, server)
            seen = measure(environment, port, titles, clients)
        finally:
            server.terminate()
            server.wait(30)
        answers, failures = seen["people"].answers, seen["people"].failures
        named = {one.model for one in answers if one.model}
        return {
            "products": products,
            "clients": clients,
            "searches": len(answers),
            "failed": len(failures),
            "failures": failures[:5],
            "models": sorted(named),
            **count_mixed(settings, answers),
            "times": latencies(answers, seen["times"]),
            "told": {name: told["seconds"] | {"filled": told["filled"]} for name, told in seen["told"].items()},
        }


def show(figures: dict[str, Any]) -> None:
    """For people."""
    console = Console(width=130)
    table = Table(title=f"{figures['products']:,} products, {figures['clients']} clients; ms over HTTP")
    for name in figures["times"][0]:
        table.add_column(name, justify="left" if name == "time" else "right")
    for row in figures["times"]:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)
    console.print(
        f"{figures['searches']:,} searches: {figures['failed']} failed, {figures['mixed']} mixed pages "
        f"({figures['undecided']} undecided), by {', '.join(figures['models'])}"
    )
    for name, told in figures["told"].items():
        console.print(f"{name}: " + ", ".join(f"{part} {value}" for part, value in told.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=5_000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--small", action="store_true", help="a tiny other model, to try the script")
    parser.add_argument("--data-dir", type=Path, help="keep the shop and the model here")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vt-", ignore_cleanup_errors=True) as temporary:
        folder = arguments.data_dir or Path(temporary)
        figures = run(folder, arguments.products, arguments.clients, arguments.small)
    if arguments.json:
        print(json.dumps(figures, indent=1))
    else:
        show(figures)
    if figures["failed"] or figures["mixed"] or len(figures["models"]) != 2:
        raise SystemExit("A search failed, a page was mixed, or one of the models was never seen.")


if __name__ == "__main__":
    main()
