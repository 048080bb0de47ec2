"""A model on its way in: what a checkpoint or a ready pair of graphs is brought to before it is measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from server.embedding.encoder import Vectors


class Original(Protocol):
    """The model where it came from, to compare with."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts -> (n, dimension) unit float32 rows, padded as the original pads."""

    def embed_images(self, images: Sequence[Image.Image]) -> Vectors:
        """RGB pictures -> (n, dimension) unit float32 rows, through the original's own preprocessing."""


@dataclass(frozen=True)
class Draft:
    """Files in a folder that nobody reads yet, and what its manifest will say.

    folder: holds both float32 graphs and tokenizer.json under the names that `manifest` gives. manifest: the tables of
    manifest.toml as nested dictionaries, without digests, `golden`, `measured`, `calibration` and `quantisation`, which
    the store adds. original: None for graphs that come without the checkpoint that they were made from.
    """

    folder: Path
    manifest: dict[str, Any]
    original: Original | None = None
