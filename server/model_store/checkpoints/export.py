"""Towers to ONNX graphs, traced in float32."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from server.model_store.checkpoints.family import Checkpoint

# The exporter that traces, and the opset that onnxruntime's fusions know best.
OPSET = 17
TRACED_LENGTH = 7
# A protobuf message holds 2 GiB; what is larger keeps its weights in a file beside the graph.
LARGEST_GRAPH = 1_900_000_000


class TextGraph(nn.Module):
    """What text.onnx computes."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """(batch, length) int64 -> (batch, dimension), unit length."""
        return unit(self.model.get_text_features(input_ids=input_ids, attention_mask=attention_mask))


class ImageGraph(nn.Module):
    """What image.onnx computes."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor) -> Tensor:
        """(batch, 3, size, size) float32 -> (batch, dimension), unit length."""
        return unit(self.model.get_image_features(pixel_values=pixel_values))


def unit(features: Any) -> Tensor:
    """What get_text_features and get_image_features return -> rows of length 1."""
    return nn.functional.normalize(features.pooler_output, dim=-1)


def export_text(checkpoint: Checkpoint, path: Path) -> None:
    """Write the text tower: any number of texts, and of any length where the tower is causal."""
    end = checkpoint.tokenizer.convert_tokens_to_ids(checkpoint.end_token)
    ids = torch.full((2, TRACED_LENGTH if checkpoint.family.causal else checkpoint.context_length), end)
    ids[:, :-1] = torch.arange(ids.shape[1] - 1) % min(end, 99)
    axes = {0: "batch", 1: "length"} if checkpoint.family.causal else {0: "batch"}
    inputs = {"input_ids": ids}
    if checkpoint.family.masked:
        inputs["attention_mask"] = torch.ones_like(ids)
        # A mask of ones might be taken for no mask at all.
        inputs["attention_mask"][1, 5:] = 0
    _trace(TextGraph(checkpoint.model), inputs, axes, path)


def export_image(checkpoint: Checkpoint, path: Path) -> None:
    """Write the image tower: any number of pictures."""
    size = checkpoint.preprocessing["size"]
    _trace(ImageGraph(checkpoint.model), {"pixel_values": torch.rand(2, 3, size, size)}, {0: "batch"}, path)


def _trace(graph: nn.Module, inputs: dict[str, Tensor], axes: dict[int, str], path: Path) -> None:
    # Weights that do not fit into the graph are first written one file each, so in a folder of their own.
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter announces its successor, and every shape it takes for fixed
        traced = Path(scratch) / path.name
        with torch.no_grad():
            torch.onnx.export(
                graph.eval(), tuple(inputs.values()), str(traced), dynamo=False, opset_version=OPSET,
                do_constant_folding=True, input_names=list(inputs), output_names=["embedding"],
                dynamic_axes={**dict.fromkeys(inputs, axes), "embedding": {0: "batch"}},
            )  # fmt: skip
        outside = sum(file.stat().st_size for file in Path(scratch).iterdir()) > LARGEST_GRAPH
        if outside:
            onnx.save(onnx.load(traced), path, save_as_external_data=True, location=f"{path.name}.data")
        else:
            traced.replace(path)
