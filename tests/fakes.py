"""Stand-ins for what is slow to start. A fake keeps every promise of the Protocol it stands in for."""

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from server.embedding.encoder import Pixels, Vector, Vectors
from server.embedding.manifest import Calibration, ImageSpec, Manifest, TextSpec
from server.embedding.preprocess import Preprocessor

COLOURS = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "red": (220, 30, 30),
    "green": (30, 160, 60),
    "blue": (30, 60, 220),
    "yellow": (240, 220, 40),
    "pink": (250, 150, 190),
    "brown": (120, 70, 30),
}


def fake_manifest(dimension: int = 32, name: str = "fake", calibration: Calibration | None = None) -> Manifest:
    """A manifest without files. Manifests of different names have different digests."""
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    return Manifest(
        format=1,
        name=name,
        revision="1",
        dimension=dimension,
        precision="fp32",
        licence="MIT",
        source="made by a test",
        logit_scale=20.0,
        text=TextSpec(
            file="text.onnx",
            sha256=sha256,
            tokenizer="tokenizer.json",
            tokenizer_sha256=sha256,
            context_length=24,
            causal=True,
            end_token="<|endoftext|>",
            input="input_ids",
            output="embedding",
        ),
        image=ImageSpec(
            file="image.onnx",
            sha256=sha256,
            size=16,
            resize="squash",
            background=(255, 255, 255),
            interpolation="bilinear",
            mean=(0.0, 0.0, 0.0),
            std=(1.0, 1.0, 1.0),
            input="pixel_values",
            output="embedding",
        ),
        calibration=calibration,
        folder=Path("fake"),
    )


class FakeEncoder:
    """Implements `Encoder` with hashes: a text is the sum of its words, a picture is mostly its average colour's name.

    So "red shirt" and "red" are near, and a red picture is nearer to "red" than a blue one is. `texts_run` lists every
    text that was embedded, in order.
    """

    def __init__(self, manifest: Manifest | None = None) -> None:
        self._manifest = manifest or fake_manifest()
        self._preprocessor = Preprocessor(self._manifest.image)
        self._lock = threading.Lock()
        self.texts_run: list[str] = []
        self.words_known: set[str] = set()

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    @property
    def execution_provider(self) -> str:
        return "cpu"

    def embed_text(self, text: str) -> Vector:
        with self._lock:
            self.texts_run.append(text)
        words = text.lower().split() or [""]
        return _unit(np.sum([self._hashed(word.encode("utf-8", "replace")) for word in words], axis=0))

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return np.array([self.embed_text(text) for text in texts], np.float32).reshape(-1, self._manifest.dimension)

    def place_text(self, text: str) -> Vector:
        vector = self.embed_text(text)
        if self._manifest.calibration is None:
            return vector
        calibration = self._manifest.calibration
        return _unit(vector + np.subtract(calibration.image_mean, calibration.text_mean))

    def knows_word(self, word: str) -> bool:
        return word in self.words_known

    def prepare(self, image: Image.Image) -> Pixels:
        return self._preprocessor.prepare(image)

    def embed_pixels(self, pixels: Sequence[Pixels]) -> Vectors:
        return np.array([self._embed_one(one) for one in pixels], np.float32).reshape(-1, self._manifest.dimension)

    def embed_image(self, image: Image.Image) -> Vector:
        return self._embed_one(self.prepare(image))

    def _embed_one(self, pixels: Pixels) -> Vector:
        mean = pixels.mean(axis=(1, 2)) * 255
        name = min(COLOURS, key=lambda colour: float(np.square(mean - COLOURS[colour]).sum()))
        return _unit(self._hashed(name.encode()) + 0.3 * self._hashed(pixels.tobytes()))

    def _hashed(self, data: bytes) -> Vector:
        seed = int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
        return _unit(np.random.default_rng(seed).standard_normal(self._manifest.dimension))


def _unit(vector: np.ndarray) -> Vector:
    unit: Vector = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit
