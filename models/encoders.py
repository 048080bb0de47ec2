"""The two ways to embed while measuring: a network in training, and an exported model directory."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from models.batches import encode_captions
from models.config import Config
from models.network import DualEncoder
from models.pictures import normalise

Vectors = NDArray[np.float32]
CHUNK = 128


class Encoder(Protocol):
    """Embeds texts and pictures into one space; rows have unit length."""

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """(texts, dimension)."""

    def embed_pictures(self, pixels: NDArray[np.uint8]) -> Vectors:
        """pixels (n, size, size, 3) uint8 -> (n, dimension)."""


class TorchEncoder:
    """A network in training; left in training mode, as found."""

    def __init__(self, network: DualEncoder, tokenizer: Tokenizer, config: Config, exact: bool = False) -> None:
        self.network, self.tokenizer, self.config, self.exact = network, tokenizer, config, exact
        self.device = network.log_scale.device

    @contextmanager
    def _measuring(self) -> Iterator[None]:
        """No gradients, bf16 unless exact, and no compilation for shapes that training never has."""
        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=not self.exact)
        with torch.compiler.set_stance("force_eager"), torch.inference_mode(), autocast:
            yield

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """In chunks of similar length."""
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        out = np.empty((len(texts), self.config.network.joint), np.float32)
        for start in range(0, len(order), CHUNK):
            rows = order[start : start + CHUNK]
            ids = encode_captions(self.tokenizer, [texts[row] for row in rows], self.config.network.context)
            with self._measuring():
                out[rows] = self.network.embed_texts(ids.to(self.device)).cpu().numpy()
        return out

    def embed_pictures(self, pixels: NDArray[np.uint8]) -> Vectors:
        """In chunks, with the batch norms' running statistics."""
        was_training = self.network.training
        self.network.eval()
        parts = []
        for start in range(0, len(pixels), CHUNK):
            chunk = normalise(pixels[start : start + CHUNK], self.config.pixels.mean, self.config.pixels.std)
            batch = torch.from_numpy(chunk).contiguous(memory_format=torch.channels_last)
            with self._measuring():
                parts.append(self.network.embed_pictures(batch.to(self.device)).cpu().numpy())
        self.network.train(was_training)
        return np.concatenate(parts)


class OnnxEncoder:
    """An exported model directory, run as the server runs it: each text at its own length."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        with (folder / "manifest.toml").open("rb") as handle:
            self.manifest: dict[str, Any] = tomllib.load(handle)
        text, image = self.manifest["text"], self.manifest["image"]
        self.tokenizer = Tokenizer.from_file(str(folder / text["tokenizer"]))
        self.text, self.image = (
            onnxruntime.InferenceSession(folder / tower["file"], options, providers=["CPUExecutionProvider"])
            for tower in (text, image)
        )

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """One by one."""
        out = np.empty((len(texts), self.manifest["dimension"]), np.float32)
        for row, encoding in enumerate(self.tokenizer.encode_batch(list(texts))):
            out[row] = self.text.run(None, {"input_ids": np.array([encoding.ids], np.int64)})[0][0]
        return out

    def embed_pictures(self, pixels: NDArray[np.uint8]) -> Vectors:
        """In chunks of 32."""
        image = self.manifest["image"]
        parts = [
            self.image.run(None, {"pixel_values": normalise(pixels[start : start + 32], image["mean"], image["std"])})[
                0
            ]
            for start in range(0, len(pixels), 32)
        ]
        return np.concatenate(parts)
