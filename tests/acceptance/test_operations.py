"""A server with two processes: its metrics are the sum of both, its log is JSON, and a backup is taken meanwhile."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server.resources import DEFAULT_MODEL
from tests.acceptance.test_demo import PRODUCTS, environment, get, vitrine, wait_for

pytestmark = pytest.mark.skipif(
    not (DEFAULT_MODEL / "manifest.toml").exists(), reason="needs the bundled model in models/default"
)
PORT = 8137
ADDRESS = f"http://127.0.0.1:{PORT}"
SEARCHES = 60


def searches_counted() -> float:
    with urllib.request.urlopen(f"{ADDRESS}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(
        sample.value
        for sample in samples
        if sample.name == "vitrine_requests_total" and sample.labels["route"] == "/api/v1/search"
    )


def counting(counters: Path) -> set[int]:
    """Processes that have counted something: each has a file of its own."""
    return {int(path.stem.rpartition("_")[2]) for path in counters.glob("*/counter_*.db")}


def test_two_processes_tell_one_sum_and_one_log(tmp_path: Path) -> None:
    assert vitrine(tmp_path, "demo", "--no-serve", "--products", PRODUCTS).returncode == 0
    log = tmp_path / "log"
    told = {"VITRINE_LOG_FORMAT": "json", "VITRINE_LOG_LEVEL": "INFO", "VITRINE_PORT": str(PORT)}
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "server.cli", "serve"],
            env=environment(tmp_path, workers=2) | told,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        )
    counters = tmp_path / "data" / "metrics"
    try:
        wait_for(lambda: get(ADDRESS, "/readyz")["ready"])
        for number in range(SEARCHES):
            get(ADDRESS, f"/api/v1/search?q=red&limit={1 + number % 9}")
        one, other = counting(counters)
        assert {searches_counted() for _ in range(10)} == {SEARCHES}
        # What a process counted that died stays in the sum.
        os.kill(one, signal.SIGKILL)
        wait_for(lambda: get(ADDRESS, "/readyz")["ready"] and len(counting(counters) - {one, other}) == 1)
        assert searches_counted() == SEARCHES
        assert vitrine(tmp_path, "backup", str(tmp_path / "shop.backup")).returncode == 0
        refused = vitrine(tmp_path, "restore", "--replace", str(tmp_path / "shop.backup"))
        assert refused.returncode == 2
        assert "The shop is open" in refused.stderr
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert [path for path in counters.iterdir() if path.is_dir()] == []
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    of_searches = [line for line in lines if line.get("route") == "/api/v1/search"]
    assert len(of_searches) == SEARCHES
    assert all(line["status"] == 200 and len(line["request_id"]) == 32 for line in of_searches)
    assert vitrine(tmp_path, "restore", "--replace", str(tmp_path / "shop.backup")).returncode == 0
