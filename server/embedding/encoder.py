"""What every other room may ask of a model, whatever runs it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from server.embedding.manifest import Manifest

Vector = NDArray[np.float32]  # (dimension,), unit length
Vectors = NDArray[np.float32]  # (n, dimension), unit rows
Pixels = NDArray[np.float32]  # (3, size, size), normalised as the manifest says


class Encoder(Protocol):
    """A CLIP-like pair of towers. Thread-safe."""

    @property
    def manifest(self) -> Manifest:
        """What the model means: name, revision, dimension, precision, preprocessing, digest."""

    @property
    def execution_provider(self) -> str:
        """What the towers run on: cpu, cuda, openvino or coreml."""

    def embed_text(self, text: str) -> Vector:
        """One query, embedded alone and at its own length, so that its answer depends on nothing else."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Many texts in order; texts of one length share a run of the tower."""

    def place_text(self, text: str) -> Vector:
        """Vector for a product that has words and no picture.

        Text and picture embeddings lie in two separate cones, so a raw text embedding is nearer to every query than
        any picture is, and such products would fill every page. The difference of the two cones' means
        (`manifest.calibration`) is added and the sum normalised. Without a calibration this is `embed_text`.
        """

    def knows_word(self, word: str) -> bool:
        """Whether the model has this very word, in lower case, rather than putting it together from pieces."""

    def prepare(self, image: Image.Image) -> Pixels:
        """Resize, crop or pad, and normalise an RGB picture as the manifest says."""

    def embed_pixels(self, pixels: Sequence[Pixels]) -> Vectors:
        """Run the image tower over prepared pictures, in batches of its own choosing."""

    def embed_image(self, image: Image.Image) -> Vector:
        """`prepare` and `embed_pixels` for one picture."""
