"""Parts of a transformer found in a graph by what is computed, whatever the exporter called it."""

from collections.abc import Iterator

import numpy as np

from server.sql_tower.graph import Array, Graph, Node
from server.sql_tower.tower import BENDS, Linear, Norm, activate
from server.sql_tower.values import Values

# They choose or lay out what their first input holds, and change no number of it.
_LAYOUT = {
    "Identity", "Cast", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Expand", "Gather", "GatherElements",
    "GatherND", "Slice", "Split", "If", "Dropout",
}  # fmt: skip
# A grid on which the known activations differ by far more than float32 rounds.
_GRID = np.linspace(-6, 6, 97)


class Matcher:
    """Questions about one graph. None, or nothing, where the answer is no."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.values = Values(graph)
        self._linears: dict[str, tuple[Linear, str] | None] = {}

    def maker(self, name: str) -> Node | None:
        """The node that makes a tensor."""
        return self.graph.makers.get(name)

    def behind_layout(self, name: str) -> str:
        """The tensor whose numbers these are, as far as choosing and laying out goes."""
        while True:
            node = self.maker(name)
            if node is None or node.kind not in _LAYOUT or node.domain not in ("", "ai.onnx"):
                return name
            taken = self._from_around(node) if node.kind == "If" else node.inputs[:1]
            if len(taken) != 1 or self.values.constant(taken[0]) is not None:
                return name
            name = taken[0]

    def _from_around(self, node: Node) -> tuple[str, ...]:
        """What the branches of an `If` take from around it, but for constants."""
        return tuple(name for name in node.outside if self.values.constant(name) is None)

    def sides(self, node: Node) -> tuple[str, Array] | None:
        """The one input of a node that is not constant, and the constant one."""
        if len(node.inputs) != 2:
            return None
        left, right = (self.values.constant(name) for name in node.inputs)
        if (left is None) == (right is None):
            return None
        return (node.inputs[0], right) if right is not None else (node.inputs[1], left)  # type: ignore[return-value]

    def linear(self, name: str) -> tuple[Linear, str] | None:
        """A product with a constant matrix, with or without a bias, and what it is applied to."""
        name = self.behind_layout(name)
        if name not in self._linears:
            self._linears[name] = self._linear(name)
        return self._linears[name]

    def _linear(self, name: str) -> tuple[Linear, str] | None:
        node = self.maker(name)
        if node is None:
            return None
        if node.kind == "Gemm":
            return self._gemm(node)
        bias: Array | None = None
        if node.kind == "Add":
            sides = self.sides(node)
            if sides is None:
                return None
            name, bias = self.behind_layout(sides[0]), sides[1]
            node = self.maker(name)
        found = None if node is None else self._product(node)
        if found is None:
            return None
        matrix, of = found
        if bias is None:
            bias = np.zeros(matrix.shape[1])
        if bias.size != matrix.shape[1]:
            return None
        return Linear(_float(matrix.T), _float(bias).reshape(-1)), of

    def _gemm(self, node: Node) -> tuple[Linear, str] | None:
        matrix = self.values.constant(node.inputs[1])
        bias = self.values.constant(node.inputs[2]) if len(node.inputs) > 2 else np.zeros(1)
        said = node.attributes
        if matrix is None or bias is None or matrix.ndim != 2 or said.get("transA"):
            return None
        weight = matrix if said.get("transB") else matrix.T
        shift = np.broadcast_to(bias.reshape(-1), (len(weight),)) * said.get("beta", 1.0)
        return Linear(_float(weight * said.get("alpha", 1.0)), _float(shift)), node.inputs[0]

    def _product(self, node: Node) -> tuple[Array, str] | None:
        """A matrix (inputs, outputs), and what it is applied to."""
        if node.kind == "MatMul":
            matrix = self.values.constant(node.inputs[1])
            return None if matrix is None or matrix.ndim != 2 else (matrix, node.inputs[0])
        return self._integer_product(node)

    def _integer_product(self, node: Node) -> tuple[Array, str] | None:
        """MatMulInteger of numbers that were made int8 on the way, cast and scaled back: the matrix dequantised."""
        if node.kind != "Mul":
            return None
        for product, scale in (node.inputs, node.inputs[::-1]):
            cast, factors = self.maker(product), self.maker(scale)
            if cast is None or factors is None or cast.kind != "Cast" or factors.kind != "Mul":
                continue
            whole, sides = self.maker(cast.inputs[0]), self.sides(factors)
            if whole is None or whole.kind != "MatMulInteger" or sides is None:
                continue
            quantised = self.maker(whole.inputs[0])
            values = self.values.constant(whole.inputs[1])
            zero = self.values.constant(whole.inputs[3]) if len(whole.inputs) > 3 else np.zeros(1)
            if quantised is None or quantised.kind != "DynamicQuantizeLinear" or values is None or zero is None:
                continue
            if sides[0] != quantised.outputs[1] or values.ndim != 2:
                continue
            return (values.astype(np.float32) - zero.astype(np.float32)) * _float(sides[1]), quantised.inputs[0]
        return None

    def norm(self, name: str) -> tuple[Norm, str] | None:
        """A layer norm over the last axis, and what it is applied to."""
        node = self.maker(self.behind_layout(name))
        if node is None:
            return None
        if node.kind == "LayerNormalization":
            gain = self.values.constant(node.inputs[1])
            shift = self.values.constant(node.inputs[2]) if len(node.inputs) > 2 else None
            if gain is None or gain.ndim != 1 or node.attributes.get("axis", -1) not in (-1, 2):
                return None
            shift = np.zeros(len(gain)) if shift is None else shift
            return Norm(_float(gain), _float(shift), float(node.attributes.get("epsilon", 1e-5))), node.inputs[0]
        return self._written_out_norm(node)

    def _written_out_norm(self, node: Node) -> tuple[Norm, str] | None:
        """Add(Mul(Div(x - mean, Sqrt(variance + epsilon)), gain), shift), as older exporters write it."""
        sides = self.sides(node) if node.kind == "Add" else None
        scaled = self.maker(sides[0]) if sides else None
        inner = self.sides(scaled) if scaled is not None and scaled.kind == "Mul" else None
        ratio = self.maker(inner[0]) if inner else None
        if sides is None or inner is None or ratio is None or ratio.kind != "Div":
            return None
        centred, root = self.maker(ratio.inputs[0]), self.maker(ratio.inputs[1])
        if centred is None or root is None or centred.kind != "Sub" or root.kind != "Sqrt":
            return None
        mean, summed = self.maker(centred.inputs[1]), self.maker(root.inputs[0])
        if mean is None or mean.kind != "ReduceMean" or mean.inputs[0] != centred.inputs[0]:
            return None
        small = self.sides(summed) if summed is not None and summed.kind == "Add" else None
        if small is None or inner[1].ndim != 1 or not self._is_variance(small[0], ratio.inputs[0]):
            return None
        return Norm(_float(inner[1]), _float(sides[1]), float(small[1].reshape(-1)[0])), centred.inputs[0]

    def _is_variance(self, name: str, centred: str) -> bool:
        mean = self.maker(name)
        square = self.maker(mean.inputs[0]) if mean is not None and mean.kind == "ReduceMean" else None
        if square is None:
            return False
        if square.kind == "Mul":
            return square.inputs == (centred, centred)
        power = self.values.constant(square.inputs[1]) if square.kind == "Pow" else None
        return power is not None and float(power) == 2 and self.behind_layout(square.inputs[0]) == centred

    def linears_behind(self, name: str) -> list[str]:
        """The nearest products with constant matrices that a tensor is made of, each once."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            name = self.behind_layout(waiting.pop())
            if name in seen:
                continue
            seen.add(name)
            if self.linear(name) is not None:
                found[name] = None
            else:
                waiting += list(self._moving(name))
        return list(found)

    def _moving(self, name: str) -> Iterator[str]:
        """Inputs of a tensor's maker that carry numbers, not the shapes of others."""
        node = self.maker(name)
        if node is None or node.kind in ("Shape", "Where", "Range", "ConstantOfShape", "Trilu"):
            return
        yield from (other for other in node.inputs if other and self.values.constant(other) is None)

    def activation(self, name: str) -> tuple[str, str] | None:
        """Which of BENDS makes this tensor, and of which linear's output, told by its values on a grid."""
        linears = self.linears_behind(name)
        if len(linears) != 1:
            return None
        made = self.values.given(self.behind_layout(name), {linears[0]: _GRID})
        if made is None:
            return None
        for kind in BENDS:
            if np.allclose(made, activate(kind, _GRID), atol=1e-5):
                return kind, linears[0]
        return None

    def back_to(self, name: str, kind: str) -> Node | None:
        """The nearest node of a kind behind a tensor, on this side of products with constant matrices."""
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            name = self.behind_layout(waiting.pop(0))
            node = self.maker(name)
            if name in seen or node is None or self.linear(name) is not None:
                continue
            if node.kind == kind:
                return node
            seen.add(name)
            waiting += list(self._moving(name))
        return None


def _float(array: Array) -> Array:
    return np.ascontiguousarray(array, dtype=np.float32)
