"""One checkpoint to a draft: read it, check that its parts fit, write graphs and tokenizer, say what they mean."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from server.errors import ModelError
from server.model_store.checkpoints.export import export_image, export_text
from server.model_store.checkpoints.family import Checkpoint
from server.model_store.checkpoints.loading import load_sentence_transformers, load_transformers, quiet
from server.model_store.checkpoints.open_clip import load_open_clip
from server.model_store.checkpoints.original import TorchOriginal
from server.model_store.checkpoints.tokens import check_own_tokenizer, write_tokenizer
from server.model_store.draft import Draft

READERS: dict[str, Callable[[Path], Checkpoint]] = {
    "transformers": load_transformers,
    "sentence-transformers": load_sentence_transformers,
    "open_clip": load_open_clip,
}


def convert(folder: Path, layout: str, into: Path) -> Draft:
    """`convert_checkpoint`, with the packages there."""
    if layout not in READERS:
        raise ValueError(f"no such layout: {layout}")
    checkpoint = READERS[layout](folder)
    _check_picture(checkpoint)
    check_own_tokenizer(checkpoint)
    original = TorchOriginal(checkpoint)
    try:
        write_tokenizer(checkpoint, original, into / "tokenizer.json")
        with quiet():
            export_text(checkpoint, into / "text.onnx")
            export_image(checkpoint, into / "image.onnx")
    except OSError as exc:
        raise ModelError(f"The converted model cannot be written: {exc.strerror}.") from exc
    return Draft(into, _manifest(checkpoint, original.dimension), original)


def _check_picture(checkpoint: Checkpoint) -> None:
    config = checkpoint.model.config.vision_config
    if checkpoint.preprocessing["size"] != config.image_size:
        raise ModelError(
            f"The checkpoint prepares pictures of {checkpoint.preprocessing['size']} pixels for a tower that takes "
            f"{config.image_size}. Its preprocessor is that of another model."
        )


def _manifest(checkpoint: Checkpoint, dimension: int) -> dict[str, Any]:
    family = checkpoint.family
    text: dict[str, Any] = {
        "file": "text.onnx",
        "tokenizer": "tokenizer.json",
        "context_length": checkpoint.context_length,
        "causal": family.causal,
        "pooling": family.pooling,
        "end_token": checkpoint.end_token,
        "pad_id": int(checkpoint.tokenizer.pad_token_id or 0),
        "lowercase": checkpoint.lowercase,
        "input": "input_ids",
        "output": "embedding",
    }
    if family.masked:
        text["mask"] = "attention_mask"
    manifest: dict[str, Any] = {
        "format": 1,
        "dimension": dimension,
        "precision": "float32",
        "licence": checkpoint.licence,
        "logit_scale": round(math.exp(float(checkpoint.model.logit_scale)), 6),
    }
    if checkpoint.logit_bias is not None:
        manifest["logit_bias"] = checkpoint.logit_bias
    image = {"file": "image.onnx", **checkpoint.preprocessing, "input": "pixel_values", "output": "embedding"}
    return manifest | {"text": text, "image": image}
