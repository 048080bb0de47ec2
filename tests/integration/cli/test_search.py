"""`vitrine search` refuses what the API refuses, and prints titles as they are."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.tiny_model import write_tiny_model

Run = Callable[..., Result]


@pytest.fixture
def shop(run: Run, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A shop of two products with brackets in their titles."""
    monkeypatch.setenv("VITRINE_MODEL", str(write_tiny_model(tmp_path / "tiny")))
    feed = tmp_path / "a.csv"
    feed.write_text("sku,title,price\nA-1,Shirt [/L],5\nA-2,Mug [new] large,9\n", encoding="utf-8")
    assert run("import", str(feed)).exit_code == 0
    return run


def test_titles_are_printed_as_they_are(shop: Run) -> None:
    printed = shop("search", "mug").output
    assert "Shirt [/L]" in printed
    assert "Mug [new] large" in printed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--price-max", "abc"), "--price-max"),
        (("--currency", "dollar"), "--currency"),
        (("--limit", "0"), "--limit"),
        (("--price-min", "9", "--price-max", "1"), "price_min is above price_max"),
    ],
)
def test_what_the_api_refuses_is_refused_here(run: Run, options: tuple[str, ...], said: str) -> None:
    refused = run("search", "mug", *options)
    assert refused.exit_code == 2
    assert said in refused.output


def test_a_polite_kill_lets_go_of_the_database(data_dir: Path) -> None:
    script = "import time\nfrom server.cli import main\nfrom server.db.engine import open_database\n"
    script += "from server.settings import load_settings\nmain(['--version'], standalone_mode=False)\n"
    script += "main.callback(False)\nopen_database(load_settings())\nprint('up', flush=True)\ntime.sleep(60)\n"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env={**os.environ})
    assert process.stdout is not None
    with process.stdout:
        lines = iter(process.stdout.readline, "")
        assert any(line == "up\n" for line in lines)
        assert (data_dir / "postgres" / "postmaster.pid").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 143
    # Postgres removes the file as the last thing that it does.
    assert not (data_dir / "postgres" / "postmaster.pid").exists()


def test_a_small_shop_needs_no_calibration(shop: Run) -> None:
    done = shop("search", "calibrate")
    assert done.exit_code == 0
    assert done.output.startswith("Nothing to measure below 5,000 products")
