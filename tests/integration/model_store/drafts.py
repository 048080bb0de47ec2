"""A converted model as the server would load it, without the measuring that `vitrine models add` does."""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from server.embedding.clip import ClipEncoder
from server.embedding.encoder import Vectors
from server.embedding.manifest import read_manifest
from server.model_store.draft import Draft
from tests.tiny_model import write_manifest


def open_draft(draft: Draft) -> ClipEncoder:
    """Write the draft's manifest beside its files and load the model."""
    text, image = draft.manifest["text"], draft.manifest["image"]
    named = {text["file"], text["tokenizer"], image["file"], "manifest.toml"}
    data = draft.manifest | {
        "name": "converted",
        "revision": "1",
        "source": "made by a test",
        "files": {f'"{path.name}"': sha256(path) for path in draft.folder.iterdir() if path.name not in named},
    }
    write_manifest(
        draft.folder,
        data,
        {"sha256": sha256(draft.folder / text["file"]), "tokenizer_sha256": sha256(draft.folder / text["tokenizer"])},
        {"sha256": sha256(draft.folder / image["file"])},
    )
    return ClipEncoder(read_manifest(draft.folder))


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def cosines(left: Vectors, right: Vectors) -> Vectors:
    """Unit rows, unit rows -> the cosine of each pair."""
    result: Vectors = np.sum(left.astype(np.float64) * right, axis=1)
    return result


def noise(count: int, size: int = 90) -> list[Image.Image]:
    """Pictures of which no two are alike, in several shapes."""
    pictures = []
    for seed in range(count):
        draw = np.random.default_rng(seed)
        cells = draw.integers(0, 256, (5 + seed % 3, 6, 3), dtype=np.uint8)
        pictures.append(Image.fromarray(cells).resize((size + 17 * (seed % 4), size), Image.Resampling.BICUBIC))
    return pictures
