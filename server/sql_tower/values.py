"""Tensors of a graph that can be computed here: weights behind a cast, a scale or a transposition, and activations."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from server.sql_tower.graph import DTYPES, Array, Graph, Node, Weight

_erf = np.vectorize(math.erf, otypes=[np.float64])


class Values:
    """Numbers of one graph. Weights are read once."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: dict[str, Array | None] = {}

    def constant(self, name: str) -> Array | None:
        """The tensor's numbers where they depend on no input; else None."""
        if name not in self._known:
            self._known[name] = self._compute(name, {}, self._known)
        return self._known[name]

    def given(self, name: str, feed: Mapping[str, Array]) -> Array | None:
        """The tensor's numbers for those in `feed`; None where it needs more, or an unknown operator."""
        return self._compute(name, feed, dict(feed))

    def _compute(self, name: str, feed: Mapping[str, Array], known: dict[str, Array | None]) -> Array | None:
        if name in feed:
            return feed[name]
        if name in known:
            return known[name]
        weight = self._graph.weights.get(name)
        if weight is not None:
            return weight.array()
        node = self._graph.makers.get(name)
        result = None
        if node is not None and node.domain in ("", "ai.onnx") and len(node.outputs) == 1:
            result = self._run(node, feed, known)
        known[name] = result
        return result

    def _run(self, node: Node, feed: Mapping[str, Array], known: dict[str, Array | None]) -> Array | None:
        if node.kind == "Constant":
            value = node.attributes.get("value")
            if isinstance(value, Weight):
                return value.array()
            number = next(iter(node.attributes.values()), None)
            return None if number is None or isinstance(number, bytes) else np.asarray(number)
        run = _OPERATORS.get(node.kind)
        if run is None:
            return None
        arrays = []
        for name in node.inputs:
            array = self._compute(name, feed, known) if name else None
            if array is None and name:
                return None
            arrays.append(array)
        return run(node, arrays)


Operator = Callable[[Node, list[Array | None]], Array | None]


def _plain(function: Callable[..., Array]) -> Operator:
    return lambda node, arrays: function(*arrays)


def _cast(node: Node, arrays: list[Array | None]) -> Array | None:
    dtype = DTYPES.get(node.attributes.get("to", 0))
    return None if dtype is None or arrays[0] is None else arrays[0].astype(dtype)


def _gather(node: Node, arrays: list[Array | None]) -> Array | None:
    table, places = arrays
    return None if table is None or places is None else np.take(table, places, axis=node.attributes.get("axis") or 0)


def _transpose(node: Node, arrays: list[Array | None]) -> Array | None:
    return None if arrays[0] is None else np.transpose(arrays[0], node.attributes.get("perm"))


def _dequantise(node: Node, arrays: list[Array | None]) -> Array | None:
    """(values - zero point) * scale, both for all of it or for each entry of one axis."""
    values, scale, zero = (*arrays, None)[:3]
    if values is None or scale is None or "block_size" in node.attributes:
        return None
    axis = int(node.attributes.get("axis", 1))
    shape = [1] * values.ndim
    if scale.ndim == 1 and values.ndim and len(scale) > 1:
        shape[axis] = -1
    offset = 0 if zero is None else zero.astype(np.float32).reshape(shape)
    product: Array = (values.astype(np.float32) - offset) * scale.astype(np.float32).reshape(shape)
    return product


def _gelu(node: Node, arrays: list[Array | None]) -> Array | None:
    (x,) = arrays
    if x is None:
        return None
    if node.attributes.get("approximate") == b"tanh":
        bent: Array = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
        return bent
    exact: Array = 0.5 * x * (1 + _erf(x / math.sqrt(2)))
    return exact


_OPERATORS: Mapping[str, Operator] = {
    "Add": _plain(np.add),
    "Sub": _plain(np.subtract),
    "Mul": _plain(np.multiply),
    "Div": _plain(np.divide),
    "Pow": _plain(np.power),
    "Sqrt": _plain(np.sqrt),
    "Neg": _plain(np.negative),
    "Exp": _plain(np.exp),
    "Tanh": _plain(np.tanh),
    "Erf": _plain(_erf),
    "Sigmoid": _plain(lambda x: 1 / (1 + np.exp(-x))),
    "Relu": _plain(lambda x: np.maximum(x, 0)),
    "Identity": _plain(lambda x: x),
    "Cast": _cast,
    "Gather": _gather,
    "Transpose": _transpose,
    "DequantizeLinear": _dequantise,
    "Gelu": _gelu,
}
