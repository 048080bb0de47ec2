"""From a network to two ONNX graphs: traced in float32, then int8 where it pays."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from models.network import END_ID, START_ID, DualEncoder

OPSET = 17
# Convolution weights of more entries than this are stored as float16; onnxruntime casts them once, at load.
LARGE_WEIGHT = 10_000


class ByteEmbedding(nn.Module):
    """A token table as int8 with one scale for each token: a quarter of the size, and nearly exact."""

    table: Tensor
    scale: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        scale = weight.abs().amax(1, keepdim=True).clamp(min=1e-8) / 127
        self.register_buffer("table", (weight / scale).round().to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: Tensor) -> Tensor:
        """(batch, length) -> (batch, length, width) float32."""
        return self.table[ids].float() * self.scale[ids]


class TextGraph(nn.Module):
    """What text.onnx computes."""

    def __init__(self, network: DualEncoder) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor) -> Tensor:
        """(batch, length) int64 -> (batch, joint), unit length."""
        return self.network.embed_texts(input_ids)


class ImageGraph(nn.Module):
    """What image.onnx computes."""

    def __init__(self, network: DualEncoder) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixel_values: Tensor) -> Tensor:
        """(batch, 3, size, size) float32 -> (batch, joint), unit length."""
        return self.network.embed_pictures(pixel_values)


def trace_graph(graph: nn.Module, sample: Tensor, name: str, dynamic: dict[int, str], path: Path) -> None:
    """Write one graph in float32, with the named axes dynamic."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter announces its successor
        torch.onnx.export(
            graph.eval(), (sample,), str(path), dynamo=False, opset_version=OPSET, do_constant_folding=True,
            input_names=[name], output_names=["embedding"],
            dynamic_axes={name: dynamic, "embedding": {0: "batch"}},
        )  # fmt: skip


def sample_ids(count: int, length: int, vocabulary: int, generator: torch.Generator) -> Tensor:
    """Random token ids, framed by start and end token."""
    ids = torch.randint(3, vocabulary, (count, length), generator=generator)
    ids[:, 0], ids[:, -1] = START_ID, END_ID
    return ids


def trace_text(network: DualEncoder, path: Path, byte_table: bool) -> None:
    """Write the text tower; byte_table stores the token table as int8."""
    whole = network.text.embedding
    if byte_table:
        network.text.embedding = ByteEmbedding(whole.weight.detach())  # type: ignore[assignment]
    ids = sample_ids(2, 7, whole.num_embeddings, torch.Generator().manual_seed(1))
    trace_graph(TextGraph(network), ids, "input_ids", {0: "batch", 1: "length"}, path)
    network.text.embedding = whole


def trace_image(network: DualEncoder, size: int, path: Path) -> None:
    """Write the image tower."""
    trace_graph(ImageGraph(network), torch.rand(2, 3, size, size), "pixel_values", {0: "batch"}, path)


def shrink_convolutions(path: Path) -> None:
    """Store large convolution weights as float16, cast back in the graph."""
    model = onnx.load(path)
    graph = model.graph
    weights = {node.input[1] for node in graph.node if node.op_type == "Conv"}
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.name in weights and values.size > LARGE_WEIGHT:
            full = tensor.name
            small = numpy_helper.from_array(values.astype(np.float16), f"{full}_f16")
            tensor.CopyFrom(small)
            casts.append(onnx.helper.make_node("Cast", [small.name], [full], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)
