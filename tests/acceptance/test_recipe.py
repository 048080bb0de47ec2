"""The training recipe from a shop's own catalogue to a model that the server opens, at toy size."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'vitrine[models]'")
pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'vitrine[models]'")

from server.demo import draw_catalogue
from server.embedding.clip import ClipEncoder
from server.embedding.manifest import read_manifest

ROOT = Path(__file__).parents[2]
PRODUCTS = 96


def write_catalogue(folder: Path) -> Path:
    """A CSV file and its pictures, as a shop has them; two rows that no import would take."""
    folder.mkdir()
    with (folder / "shop.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["sku", "title", "category", "Colour", "gender", "description", "image"])
        for number, product in enumerate(draw_catalogue(PRODUCTS, 11)):
            product.draw(48).convert("RGB").save(folder / f"{number}.png")
            truth = product.truth
            title, description = f"{truth.colour} {truth.kind} {number}", f"A {truth.pattern} {truth.kind}. Wash cold."
            category, picture = f"Home/{truth.kind.title()}s", f"{number}.png"
            rows.writerow([f"S-{number}", title, category, truth.colour, "Women", description, picture])
        rows.writerow(["S-none", "without a picture", "Home/Mugs", "red", "Women", "", ""])
        rows.writerow(["S-lost", "with a lost picture", "Home/Mugs", "red", "Women", "", "lost.png"])
    return folder / "shop.csv"


def write_config(path: Path) -> Path:
    """The bundled model's configuration, shrunk."""
    text = (ROOT / "models" / "configs" / "default.toml").read_text(encoding="utf-8")
    small = {
        "image_size": 32, "stem": [8, 16, 32], "image_layers": 1, "text_layers": 1, "width": 32, "heads": 2,
        "joint": 16, "vocabulary": 400, "batch": 16, "kept_tokens": 9, "threads": 1, "log_every": 2,
        "validate_seconds": 4, "save_seconds": 1, "held_out_share": 0.2,
    }  # fmt: skip
    for key, value in small.items():
        text, found = re.subn(rf"(?m)^{key} = (\[[^\]]*\]|\S+)", f"{key} = {value}", text)
        assert found == 1, key
    path.write_text(text, encoding="utf-8")
    return path


def run(*arguments: str) -> str:
    # Compiling takes longer than a run of this size.
    environment = os.environ | {"TORCH_COMPILE_DISABLE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


def test_a_shops_own_catalogue_becomes_a_model_that_the_server_opens(tmp_path: Path) -> None:
    catalogue, config = write_catalogue(tmp_path / "shop"), write_config(tmp_path / "small.toml")
    folder = tmp_path / "run"
    train = ("models.train", "--config", str(config), "--catalogue", str(catalogue), "--out", str(folder))
    said = run(*train, "--minutes", "0.05")
    assert "2 rows left out" in said
    assert re.search(r"training on \d+ fashion; \d+ real products held out", said)
    first = json.loads((folder / "log.jsonl").read_text().splitlines()[0])
    assert first["loss"] > 0
    assert (folder / "curve.png").read_bytes()[:4] == b"\x89PNG"

    run(*train, "--minutes", "0.1", "--resume")
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["minutes"] > first["minutes"]
    assert "r_at_10" in lines[-1]

    run("models.export", str(folder), "--out", str(tmp_path / "model"), "--catalogue", str(catalogue), "--drawn", "0")
    encoder = ClipEncoder(read_manifest(tmp_path / "model"))
    vectors = encoder.embed_texts(["a red mug", "blue"])
    assert vectors.shape == (2, 16)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)

    warm = tmp_path / "warm"
    run(*train[:-1], str(warm), "--minutes", "0.02", "--start-from", str(tmp_path / "model"))
    assert (warm / "tokenizer.json").read_bytes() == (tmp_path / "model" / "tokenizer.json").read_bytes()
