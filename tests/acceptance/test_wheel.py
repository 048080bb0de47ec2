"""The wheel works from any folder: built, installed into a clean environment, and searched with.

Slow (about a minute): it downloads or takes from pip's cache what Vitrine depends on.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import resources
from tests.factories import picture

ROOT = Path(__file__).parents[2]


def check_run(command: list[str], what: str, **options: object) -> str:
    """Run and return standard output; a failure shows both outputs. Skips the test where a download was refused."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    unreachable = ("No matching distribution found", "Temporary failure in name resolution", "Could not fetch URL")
    if done.returncode != 0 and any(words in done.stderr + done.stdout for words in unreachable):
        pytest.skip(f"{what} needs a package index: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, f"{what} failed:\n{done.stdout}\n{done.stderr}"
    return str(done.stdout)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sdist and wheel; the wheel is built from the sdist, as a package index would serve it."""
    if not (resources.DEFAULT_MODEL / "manifest.toml").exists():
        pytest.skip("there is no models/default/ to bundle; train and export it first")
    folder = tmp_path_factory.mktemp("dist")
    check_run([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)], "Building the wheel")
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (file,) = built.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def vitrine(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a clean environment into which only the wheel and its dependencies were installed."""
    environment = tmp_path_factory.mktemp("clean") / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    check_run([str(python), "-m", "pip", "install", "--quiet", str(wheel)], "Installing the wheel", cwd="/")
    return environment / "bin" / "vitrine"


@pytest.fixture
def shop_dir() -> Iterator[Path]:
    """A working directory far from the checkout, short enough for a socket's path."""
    with tempfile.TemporaryDirectory(prefix="vt-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def test_the_wheel_holds_one_import_package_and_all_that_it_reads(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"server"}
    for needed in (
        "server/_bundled/migrations/env.py",
        "server/_bundled/migrations/versions/0001_products.py",
        "server/_bundled/models/default/manifest.toml",
        "server/search/candidates.sql",
        "server/cli/checks.sql",
        "server/storefront/static/shop.css",
    ):
        assert needed in names
    assert any(name.startswith("server/storefront/templates/") for name in names)
    assert sum(name.endswith(".onnx") for name in names) == 2
    assert not [name for name in names if "__pycache__" in name or "/runs/" in name or name.endswith(".pt")]


def test_the_sdist_holds_no_training_runs(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    listed = check_run(["tar", "-tzf", str(sdist)], "Listing the sdist").splitlines()
    assert any(name.endswith("/models/default/manifest.toml") for name in listed)
    assert any(name.endswith("/tests/conftest.py") for name in listed)
    assert not [name for name in listed if "/models/runs/" in name]
    assert sdist.stat().st_size < 60_000_000


def test_an_installed_wheel_imports_and_searches_from_another_folder(vitrine: Path, shop_dir: Path) -> None:
    with (shop_dir / "products.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["sku", "title", "price", "currency", "image"])
        rows.writerow(["R-1", "First thing", "10.00", "USD", "red.jpg"])
        rows.writerow(["B-1", "Second thing", "20.00", "USD", "blue.jpg"])
    for colour in ("red", "blue"):
        (shop_dir / f"{colour}.jpg").write_bytes(picture(colour, size=(200, 200)))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("VITRINE_", "PYTHON"))},
        "VITRINE_DATA_DIR": str(shop_dir / "data"),
    }

    def run(*arguments: str) -> str:
        command = [str(vitrine), *arguments]
        return check_run(command, f"vitrine {arguments[0]}", cwd=shop_dir, env=environment)

    assert "revision" in run("db", "upgrade")
    run("import", "products.csv")
    answer = json.loads(run("search", "a red thing", "--limit", "2", "--json"))
    assert {hit["sku"] for hit in answer["hits"]} == {"R-1", "B-1"}
    assert answer["total"] == 2
    assert all(hit["image_url"].startswith("/media/") for hit in answer["hits"])
    assert '"healthy": true' in run("doctor", "--json")
