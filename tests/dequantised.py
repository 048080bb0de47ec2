"""A text graph in float32 arithmetic: int8 products written as the product with their dequantised matrix."""

from pathlib import Path
from typing import Any

import numpy as np


def write_dequantised(source: Path, target: Path) -> Path:
    """Write the graph of `source` without a rounding on the way: what its weights say, and nothing else. Needs onnx."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(source))
    graph = model.graph
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    for node in list(graph.node):
        if node.op_type != "Mul":
            continue
        found = _quantised(node, makers)
        if found is None:
            continue
        product, scale, of = found
        matrix = (weights[product.input[1]].astype(np.float32) - weights[product.input[3]]) * weights[scale]
        name = f"{node.output[0]}_matrix"
        graph.initializer.append(numpy_helper.from_array(matrix.astype(np.float32), name))
        node.op_type = "MatMul"
        node.input[:] = [of, name]
    onnx.save(model, str(target))
    return target


def _quantised(node: Any, makers: dict[str, Any]) -> tuple[Any, str, str] | None:
    """MatMulInteger, the name of its matrix's scale, and what is quantised before it."""
    cast, factors = (makers.get(name) for name in node.input)
    if cast is None or factors is None or cast.op_type != "Cast" or factors.op_type != "Mul":
        return None
    product = makers.get(cast.input[0])
    if product is None or product.op_type != "MatMulInteger":
        return None
    quantise = makers[product.input[0]]
    (scale,) = (name for name in factors.input if name not in quantise.output)
    return product, scale, quantise.input[0]
