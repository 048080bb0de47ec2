"""The checkpoint itself, answering with torch: what the graphs are compared with."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from PIL import Image

from server.embedding.encoder import Vectors
from server.model_store.checkpoints.export import unit
from server.model_store.checkpoints.family import Checkpoint

BATCH = 16

T = TypeVar("T")


class TorchOriginal:
    """Implements `Original`."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self.dimension: int = self.embed_texts([""]).shape[1]

    def token_ids(self, text: str) -> list[int]:
        """Ids without padding, as the checkpoint's own tokenizer gives them, cut to its context."""
        ids: list[int] = self._checkpoint.tokenizer(
            self._spelt(text), truncation=True, max_length=self._checkpoint.context_length
        )["input_ids"]
        return ids

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Texts -> (n, dimension) unit float32 rows, padded as the checkpoint was trained or is usually run."""
        model, family = self._checkpoint.model, self._checkpoint.family
        rows = []
        for batch in _batches(texts):
            inputs = self._checkpoint.tokenizer(
                [self._spelt(text) for text in batch], padding="max_length" if family.full else True, truncation=True,
                max_length=self._checkpoint.context_length, return_tensors="pt", return_attention_mask=True,
            )  # fmt: skip
            mask = None if family.full else inputs["attention_mask"]
            with torch.no_grad():
                rows.append(unit(model.get_text_features(input_ids=inputs["input_ids"], attention_mask=mask)))
        return self._joined(rows)

    def embed_images(self, images: Sequence[Image.Image]) -> Vectors:
        """RGB pictures -> (n, dimension) unit float32 rows, through the checkpoint's own image processor."""
        rows = []
        for batch in _batches(images):
            pixels = self._checkpoint.processor(images=list(batch), return_tensors="pt")["pixel_values"]
            with torch.no_grad():
                rows.append(unit(self._checkpoint.model.get_image_features(pixel_values=pixels)))
        return self._joined(rows)

    def _spelt(self, text: str) -> str:
        return text.lower() if self._checkpoint.lowercase else text

    def _joined(self, rows: list[torch.Tensor]) -> Vectors:
        vectors: Vectors = torch.cat(rows).numpy() if rows else np.empty((0, self.dimension), dtype=np.float32)
        return vectors


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
