"""The import rules of pyproject.toml hold, and each of them bites: a forbidden import in a copy is found."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    for package in ("server", "models"):
        shutil.copytree(ROOT / package, folder / package, ignore=lambda where, names: not_code(Path(where), names))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def not_code(where: Path, names: list[str]) -> list[str]:
    """Names that the check does not read: caches, models, training runs."""
    return [name for name in names if name == "__pycache__" or not (name.endswith(".py") or (where / name).is_dir())]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(LINT, cwd=folder, capture_output=True, text=True, check=False)


def test_the_code_keeps_the_rules(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("where", "statement", "rule"),
    [
        ("server/search/plan.py", "import server.api.schemas", "Rooms depend one way"),
        ("server/db/tuning.py", "import server.catalog.sku", "Rooms depend one way"),
        ("server/embedding/files.py", "import server.db.engine", "Rooms depend one way"),
        ("server/errors.py", "import server.settings", "Rooms depend one way"),
        ("server/catalog/sku.py", "from flask import request", "Flask"),
        ("server/cli/serve.py", "import werkzeug.serving", "Flask"),
        ("server/embedding/clip.py", "import onnxruntime", "onnxruntime"),
        ("server/embedding/clip.py", "import torch", "nothing of training"),
        ("server/demo/texts.py", "import models.captions", "nothing of training"),
        ("models/captions.py", "import server.search.plan", "Training knows"),
    ],
)
def test_a_forbidden_import_is_found(copy: Path, where: str, statement: str, rule: str) -> None:
    file = copy / where
    before = file.read_text()
    file.write_text(f"{before}\n{statement}\n")
    try:
        done = lint(copy)
    finally:
        file.write_text(before)
    assert done.returncode != 0
    assert any(rule in line and "BROKEN" in line for line in done.stdout.splitlines()), done.stdout
