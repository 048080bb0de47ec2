"""Pixels beside transformers' image processors, picture by picture, decoded whole and with `draft`.

The processors are transformers' own on Pillow (`...ImageProcessorPil`, `backend="pil"` of AutoImageProcessor): the ones
that the models were published with. Those on torchvision round in another way, and torchvision is no dependency.
"""

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

pytest.importorskip("torch", reason="needs torch: pip install 'vitrine[models]'")
pytest.importorskip("transformers", reason="needs transformers: pip install 'vitrine[models]'")

from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from server.catalog.images import read_image
from server.demo import draw_catalogue
from server.embedding.manifest import ImageSpec
from server.embedding.preprocess import Preprocessor, draft_size
from server.model_store.preprocessing import read_preprocessing
from tests.fakes import fake_manifest
from tests.reference_models import SHARED_DATA

# Mean absolute difference in the normalised range.
LIMIT = 0.01
SHAPES = [
    (1200, 1200), (1200, 800), (700, 1400), (640, 480), (480, 640), (500, 500), (448, 448), (449, 447), (300, 900),
    (225, 224), (224, 224), (223, 260), (120, 90), (96, 96), (1600, 400), (1999, 1333),
    (2048, 1600),
]  # fmt: skip
OUTDOOR = SHARED_DATA / "outdoor.parquet"


@pytest.fixture(scope="module")
def photos() -> list[bytes]:
    """Drawn pictures as JPEG files of many sizes and shapes; some with the noise of a camera, some subsampled."""
    files = []
    for number, (product, shape) in enumerate(zip(draw_catalogue(len(SHAPES), seed=31), SHAPES, strict=True)):
        pixels = np.asarray(product.draw(min(max(shape), 800)).resize(shape), dtype=np.int16)
        if number % 2:
            grain = np.random.default_rng(number).normal(0, 6, pixels.shape)
            pixels = pixels + grain.astype(np.int16)
        out = io.BytesIO()
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(
            out, "JPEG", quality=(70, 85, 95)[number % 3], subsampling=(2, 0)[number % 2], progressive=number % 4 == 0
        )
        files.append(out.getvalue())
    return files


def real_photos() -> list[bytes]:
    """A few product photos, where ../shared/data is; none elsewhere."""
    if not OUTDOOR.is_file():
        return []
    column = pyarrow.parquet.read_table(OUTDOOR, columns=["image"])["image"][:40:4].to_pylist()
    return [value["bytes"] if isinstance(value, dict) else value for value in column]


PROCESSORS: dict[str, tuple[Any, dict[str, Any]]] = {
    "CLIP at 224": (CLIPImageProcessorPil, {}),
    "CLIP at 336": (
        CLIPImageProcessorPil,
        {"size": {"shortest_edge": 336}, "crop_size": {"height": 336, "width": 336}},
    ),
    "SigLIP at 224": (SiglipImageProcessorPil, {}),
    "SigLIP at 384": (SiglipImageProcessorPil, {"size": {"height": 384, "width": 384}}),
}


def spec_of(processor: Any) -> ImageSpec:
    """What its saved configuration means to us."""
    values = read_preprocessing(processor.to_dict())
    for key in ("mean", "std", "background"):
        values[key] = tuple(values[key])
    return ImageSpec(file="image.onnx", sha256="0" * 64, input="pixel_values", output="embedding", **values)


@pytest.mark.parametrize("draft", [False, True], ids=["whole", "draft"])
@pytest.mark.parametrize("name", PROCESSORS)
def test_pixels_are_those_of_transformers_within_a_hundredth(name: str, draft: bool, photos: list[bytes]) -> None:
    kind, arguments = PROCESSORS[name]
    processor = kind(**arguments)
    spec = spec_of(processor)
    preprocessor = Preprocessor(spec)
    draft_to = min(draft_size(replace(fake_manifest(), image=spec))) // 2 if draft else None
    reduced = 0
    for data in [*photos, *real_photos()]:
        whole = Image.open(io.BytesIO(data)).convert("RGB")
        expected = processor(images=whole, return_tensors="np")["pixel_values"][0]
        decoded = read_image(data, max_pixels=10_000_000, draft_to=draft_to)
        reduced += decoded.image.size != whole.size
        found = preprocessor.prepare(decoded.image)
        assert found.shape == expected.shape
        assert np.abs(found - expected).mean() < LIMIT, whole.size
    # Otherwise the case with `draft` would say nothing.
    assert (reduced > 0) == draft
