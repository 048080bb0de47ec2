"""What a graph says of itself: names, axes, dimension. Read through onnxruntime, never guessed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from server.embedding.ort import Port, open_tower, read_ports
from server.errors import ModelError

# What exporters call the joint embedding, the surest name first.
_OUTPUTS = ("text_embeds", "image_embeds", "embedding", "embeddings", "sentence_embedding", "pooler_output")
_MASKS = ("attention_mask", "mask")


@dataclass(frozen=True)
class TextFacts:
    """A text graph. length and batch: None where they may vary. mask: the input that tells tokens from padding."""

    input: str
    output: str
    mask: str | None
    dimension: int
    batch: int | None
    length: int | None


@dataclass(frozen=True)
class ImageFacts:
    """An image graph. batch: None where it may vary."""

    input: str
    output: str
    dimension: int
    batch: int | None


def text_facts(path: Path, context_length: int, token: int) -> TextFacts:
    """Look at a text graph and run it once on a text of `token`s. Raises ModelError for what is no text tower."""
    inputs, outputs = read_ports(path)
    masks = [port.name for port in inputs if port.name in _MASKS]
    ids = [port for port in inputs if port.name not in _MASKS]
    if len(ids) != 1 or not ids[0].is_integer or len(ids[0].shape) != 2:
        raise ModelError(
            f"{path.name} takes {names_of(inputs)}. A text tower takes token ids (batch, length) and at most a mask."
        )
    batch, length = ids[0].shape
    output = _embedding(path, outputs)
    names = (ids[0].name, *masks)
    row = np.full((1, length or context_length), token)
    dimension, batch = _run(path, names, output, [row, np.ones_like(row)][: len(names)], batch)
    return TextFacts(ids[0].name, output, masks[0] if masks else None, dimension, batch, length)


def image_facts(path: Path, size: int) -> ImageFacts:
    """Look at an image graph and run it once on a grey picture. Raises ModelError for what is no image tower."""
    inputs, outputs = read_ports(path)
    if len(inputs) != 1 or inputs[0].is_integer or len(inputs[0].shape) != 4:
        raise ModelError(f"{path.name} takes {names_of(inputs)}. An image tower takes pixels (batch, 3, size, size).")
    batch, channels, height, width = inputs[0].shape
    if channels not in (None, 3) or any(side not in (None, size) for side in (height, width)):
        raise ModelError(
            f"{path.name} takes pictures of shape ({channels}, {height}, {width}), but the configuration of its "
            f"preprocessing makes them (3, {size}, {size}). They do not belong together."
        )
    output = _embedding(path, outputs)
    pixels = np.zeros((1, 3, size, size), np.float32)
    dimension, batch = _run(path, (inputs[0].name,), output, [pixels], batch)
    return ImageFacts(inputs[0].name, output, dimension, batch)


def _embedding(path: Path, outputs: Sequence[Port]) -> str:
    flat = {port.name for port in outputs if len(port.shape) == 2}
    # A graph without shapes says nothing of its axes; its name has to do, and running it shows whether it was right.
    candidates = flat or {port.name for port in outputs if not port.shape}
    for name in _OUTPUTS:
        if name in candidates:
            return name
    if len(candidates) != 1:
        raise ModelError(f"{path.name} gives {names_of(outputs)}, and it is not clear which of them is the embedding.")
    return candidates.pop()


def _run(
    path: Path, names: tuple[str, ...], output: str, arrays: Sequence[np.ndarray], batch: int | None
) -> tuple[int, int | None]:
    """Run the graph on a row; the length of its vectors, and its batch: some graphs that leave it open take one row."""
    tower = open_tower(path, threads=1, inputs=names, output=output)

    def run(rows: int) -> np.ndarray:
        result = tower.run({name: np.repeat(array, rows, axis=0) for name, array in zip(names, arrays, strict=True)})
        if result.ndim != 2 or len(result) != rows:
            raise ModelError(f"{path.name} gives {output} of shape {result.shape}; an embedding is (batch, dimension).")
        return result

    dimension = int(run(batch or 1).shape[1])
    if batch is None:
        try:
            run(2)
        except ModelError:
            batch = 1
    return dimension, batch


def names_of(ports: Sequence[Port]) -> str:
    """Names and axes of a graph's inputs or outputs, for a sentence."""
    shapes = (f"{port.name} ({', '.join('any' if n is None else str(n) for n in port.shape)})" for port in ports)
    return ", ".join(shapes) or "nothing"
