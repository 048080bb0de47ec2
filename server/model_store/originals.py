"""A model beside the one that it was made from: texts of every length and pictures of many shapes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
from PIL import Image

from server.embedding.clip import ClipEncoder
from server.embedding.encoder import Vectors
from server.embedding.manifest import Manifest, read_manifest
from server.model_store.calibration import embed_pictures
from server.model_store.draft import Draft, Original
from server.model_store.golden import SEEDS, TEXTS, paint, worst_cosine
from server.model_store.manifest_file import with_digests, write_manifest

_SENTENCE = "a photo of some red and blue shoes with white laces on a plain wooden table by the open window"

# In sides of the model's own picture. Above six, preparation first averages whole pixels (see preprocess.py), and
# the figure would be one of that and not of the towers.
_SHAPES = ((1.0, 1.0), (3.0, 2.0), (2.0, 3.0), (0.5, 0.4), (5.0, 1.0))


def texts_of_every_length(longest: int) -> list[str]:
    """The golden texts, and one text of each number of words from 1 to `longest`."""
    words = list(islice(cycle(_SENTENCE.split()), longest))
    return [*TEXTS, *(" ".join(words[:count]) for count in range(1, longest + 1))]


def pictures_of_many_shapes(size: int) -> list[Image.Image]:
    """The golden pictures, as they are and brought to several shapes around `size` pixels."""
    golden = [paint(seed) for seed in SEEDS]
    shapes = [(round(size * width), round(size * height)) for width, height in _SHAPES]
    return [*golden, *(golden[place % len(golden)].resize(shape) for place, shape in enumerate(shapes))]


@dataclass(frozen=True)
class Heard:
    """What an original says of the texts and pictures above, unit rows."""

    texts: Vectors
    pictures: Vectors


def hear(original: Original, manifest: Manifest) -> Heard:
    """Ask the original once, so that it need not stay in memory beside what is made of it. Raises ModelError."""
    return Heard(
        original.embed_texts(texts_of_every_length(manifest.text.context_length)),
        original.embed_images(pictures_of_many_shapes(manifest.image.size)),
    )


def parity(encoder: ClipEncoder, heard: Heard) -> dict[str, float]:
    """The worst cosine to the original, of texts and of pictures. Raises ModelError."""
    texts = texts_of_every_length(encoder.manifest.text.context_length)
    pictures = pictures_of_many_shapes(encoder.manifest.image.size)
    ours = np.stack([encoder.embed_text(text) for text in texts])
    return {
        "parity_text": round(worst_cosine(heard.texts, ours), 7),
        "parity_image": round(worst_cosine(heard.pictures, embed_pictures(encoder, pictures)), 7),
    }


class GraphOriginal:
    """Implements `Original` with the graphs of a draft, for models that come without a checkpoint."""

    def __init__(self, encoder: ClipEncoder) -> None:
        self._encoder = encoder

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self._encoder.embed_text(text) for text in texts])

    def embed_images(self, images: Sequence[Image.Image]) -> Vectors:
        return embed_pictures(self._encoder, images)


def original_of(draft: Draft) -> Original:
    """The checkpoint behind a draft, or the draft's own graphs where there is none. Raises ModelError, OSError."""
    if draft.original is not None:
        return draft.original
    write_manifest(draft.folder, with_digests(draft.manifest, draft.folder))
    return GraphOriginal(ClipEncoder(read_manifest(draft.folder, draft.manifest.get("name"))))
