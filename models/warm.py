"""Start a run from an exported model directory: read its int8 graphs back into a network.

What comes back is the network as it serves: matrices rounded to int8, convolutions to float16, batch norms folded into
the convolutions before them. The folded norms are opened again, so that training can go on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from models.network import DualEncoder

Arrays = dict[str, NDArray[Any]]


def read_matrices(path: Path) -> dict[str, Tensor]:
    """Weights of one exported graph, named as the network names them; convolutions with the bias of their norm."""
    model = onnx.load(path)
    arrays: Arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found: dict[str, Tensor] = {}
    for name, array in arrays.items():
        if name.startswith("network.") and ".embedding." not in name:
            found[name.removeprefix("network.")] = torch.tensor(array.astype(np.float32))
    for node in model.graph.node:
        if node.op_type == "MatMulInteger":
            weight = node.input[1].removesuffix("_quantized")
            # A graph quantised with one scale a column keeps its matrix as (inputs, outputs).
            matrix = arrays[f"{weight}_quantized"].astype(np.float32) - arrays[f"{weight}_zero_point"].astype(
                np.float32
            )
            module = node.name.removesuffix("/MatMul_quant").strip("/").replace("/", ".")
            found[f"{module}.weight"] = torch.tensor((matrix * arrays[f"{weight}_scale"]).T.copy())
        elif node.op_type == "Conv":
            layer = node.name.split("/")[-2]  # /image/stem/stem.3/Conv
            weight = node.input[1]
            kernel = arrays[weight] if weight in arrays else arrays[f"{weight}_f16"]
            found[f"image.{layer}.weight"] = torch.tensor(kernel.astype(np.float32))
            found[f"image.{layer}.folded_bias"] = torch.tensor(arrays[node.input[2]])
    if "network.text.embedding.table" in arrays:
        table = arrays["network.text.embedding.table"].astype(np.float32) * arrays["network.text.embedding.scale"]
        found["text.embedding.weight"] = torch.tensor(table)
    return found


def open_norms(stem: nn.Sequential, biases: dict[int, Tensor], pixels: Tensor) -> None:
    """Give every batch norm of a folded stem the statistics of `pixels`, and undo them with its own scale and shift.

    In evaluation the stem computes what the folded one did; in training its norms work on the batch again.
    """
    x = pixels
    with torch.no_grad():
        for place, layer in enumerate(stem):
            x = layer(x) if not isinstance(layer, nn.BatchNorm2d) else x
            if isinstance(layer, nn.BatchNorm2d):
                mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
                statistics = {"running_mean": mean, "running_var": variance}
                layer.load_state_dict(layer.state_dict() | statistics)
                layer.weight.copy_((variance + layer.eps).sqrt())
                layer.bias.copy_(mean + biases[place - 1].to(mean.device))
                layer.eval()
                x = layer(x)
                layer.train()


def load_exported(folder: Path, network: DualEncoder, pixels: Tensor, logit_scale: float) -> None:
    """Fill a network of the same sizes from models/default or another exported directory.

    pixels: some hundred prepared pictures (n, 3, size, size), from which the batch norms take their statistics.
    Raises ValueError where the directory does not fit the network.
    """
    found = read_matrices(folder / "text.onnx") | read_matrices(folder / "image.onnx")
    biases = {int(name.split(".")[2]): found.pop(name) for name in list(found) if name.endswith(".folded_bias")}
    norms = {name for name in network.state_dict() if name.startswith("image.stem.")} - set(found)
    missing = set(network.state_dict()) - set(found) - norms - {"log_scale"}
    if missing or set(found) - set(network.state_dict()):
        raise ValueError(f"{folder} does not hold the network of this configuration: {sorted(missing)[:3]}")
    network.load_state_dict(network.state_dict() | found)
    network.log_scale.data.fill_(float(np.log(logit_scale)))
    open_norms(network.image.stem, biases, pixels)
