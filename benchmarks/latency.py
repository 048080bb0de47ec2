"""How long does a shopper wait? End to end over HTTP at 40,000 products, one client.

    python -m benchmarks.latency FILE... [--data-dir DIR] [--requests 300] [--json]

Imports the files (once, if --data-dir is kept), starts `vitrine serve` on a free port, and asks for the titles of
products under several filters: first each title once (its embedding is computed), then again (it is remembered).
"""

import argparse
import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table

from server.db.engine import open_database
from server.settings import load_settings


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def resident_mb(pid: int) -> dict[str, float]:
    """Resident memory in MB of a process and its children, Postgres apart, by command line."""
    sizes: dict[str, float] = {}
    tree = subprocess.run(["ps", "-eo", "pid,ppid,rss,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 3) for line in tree.splitlines()[1:]]
    family = {pid}
    for _ in range(4):
        family |= {int(row[0]) for row in rows if int(row[1]) in family}
    for row in rows:
        if int(row[0]) in family:
            sizes[f"{row[0]} {row[3][:40]}"] = round(int(row[2]) / 1024, 1)
    return sizes


class Client:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def search(self, **parameters: object) -> tuple[float, dict[str, object]]:
        """Milliseconds until the whole answer was read, and the answer."""
        started = time.perf_counter()
        self.connection.request("GET", "/api/v1/search?" + urlencode(parameters))
        response = self.connection.getresponse()
        body = response.read()
        took = (time.perf_counter() - started) * 1000
        assert response.status == 200, body[:500]
        return took, json.loads(body)


def wait_until_ready(port: int, server: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Until /readyz says so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        with suppress(OSError), closing(connection):
            connection.request("GET", "/readyz")
            with connection.getresponse() as answer:
                if answer.status == 200:
                    return
        time.sleep(0.2)
    raise SystemExit("The server did not become ready.")


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * len(ordered)))]


def measure(client: Client, titles: list[str], filters: dict[str, object]) -> list[dict[str, object]]:
    """Two rows: the embedding computed, and remembered."""
    rows: list[dict[str, object]] = []
    for cached in (False, True):
        answers = [client.search(q=title, limit=24, **filters) for title in titles]
        took = [milliseconds for milliseconds, _ in answers]
        timings = [answer["timing"] for _, answer in answers]
        plans = [answer["plan"] for _, answer in answers]
        rows.append(
            {
                "filter": " ".join(f"{name}={value}" for name, value in filters.items()) or "none",
                "embedding": "cached" if cached else "computed",
                "plan": statistics.mode(str(plan["path"]) for plan in plans if isinstance(plan, dict)),
                "p50_ms": round(statistics.median(took), 2),
                "p95_ms": round(percentile(took, 0.95), 2),
                "embed_p50_ms": round(
                    statistics.median(float(t["embed_ms"]) for t in timings if isinstance(t, dict)), 2
                ),
                "sql_p50_ms": round(statistics.median(float(t["sql_ms"]) for t in timings if isinstance(t, dict)), 2),
            }
        )
    return rows


def run(files: list[str], folder: Path, requests: int) -> dict[str, object]:
    """Import if the folder is empty, serve, measure, stop."""
    environment = {**os.environ, "VITRINE_DATA_DIR": str(folder)}
    environment.pop("DATABASE_URL", None)
    settings = load_settings(_env_file=None, VITRINE_DATA_DIR=folder, DATABASE_URL=None)
    command = [sys.executable, "-m", "server.cli"]
    if not (folder / "postgres").exists():
        subprocess.run([*command, "db", "upgrade"], env=environment, check=True)
        for file in files:
            subprocess.run([*command, "import", file], env=environment, check=False)
    database = open_database(settings)
    with database.connection() as connection:
        count = connection.execute("SELECT count(*) FROM product").fetchone()
        titles = [str(title) for (title,) in connection.execute("SELECT DISTINCT title FROM product ORDER BY title")]
    draw = random.Random(3)
    port = free_port()
    server = subprocess.Popen([*command, "serve", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_ready(port, server)
        client = Client(port)
        for title in draw.sample(titles, 20):
            client.search(q=title)
        rows: list[dict[str, object]] = []
        filters: list[dict[str, object]] = [{}, {"price_max": 1000}, {"price_max": 150}, {"category": "Footwear/Shoes"}]
        for chosen in filters:
            rows += measure(client, draw.sample(titles, requests), chosen)
        return {"products": count[0] if count else 0, "rows": rows, "resident_mb": resident_mb(server.pid)}
    finally:
        server.terminate()
        server.wait(30)
        database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vt-") as temporary:
        folder = arguments.data_dir or Path(temporary)
        figures = run(arguments.files, folder, arguments.requests)
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    rows = figures["rows"]
    assert isinstance(rows, list)
    table = Table(title=f"{figures['products']} products, one client, {arguments.requests} requests a row")
    for name in rows[0]:
        table.add_column(name, justify="left" if name in ("filter", "embedding", "plan") else "right")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console = Console(width=130)
    console.print(table)
    console.print(f"resident memory, MB: {figures['resident_mb']}")


if __name__ == "__main__":
    main()
