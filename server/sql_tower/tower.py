"""What a text tower computes, in numbers: its weights, and the same arithmetic in numpy to compare with."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Activation = str

_erf = np.vectorize(math.erf, otypes=[np.float32])

# Each is h * (1 + bend(h)) / 2.
BENDS: Mapping[Activation, str] = {
    "gelu": "erf(h / sqrt(2))",
    "gelu_tanh": "tanh(sqrt(2 / pi) (h + 0.044715 h^3))",
    "quick_gelu": "tanh(0.851 h), which is h * sigmoid(1.702 h)",
}


def activate(kind: Activation, h: NDArray[np.floating]) -> NDArray[np.floating]:
    """One of BENDS, entry by entry."""
    if kind == "gelu":
        bend = _erf(h / math.sqrt(2))
    elif kind == "gelu_tanh":
        bend = np.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3))
    else:
        bend = np.tanh(0.851 * h)
    bent: NDArray[np.floating] = 0.5 * h * (1 + bend)
    return bent


@dataclass(frozen=True)
class Linear:
    """y = weight @ x + bias. weight: (outputs, inputs); bias: (outputs,)."""

    weight: Matrix
    bias: Matrix


@dataclass(frozen=True)
class Norm:
    """Layer norm: (x - mean) / sqrt(variance + epsilon) * gain + shift. gain, shift: (width,)."""

    gain: Matrix
    shift: Matrix
    epsilon: float


@dataclass(frozen=True)
class Layer:
    """x + out(attention(before(x))), then x + down(activation(up(between(x)))). inward: query, key and value as one."""

    before: Norm
    inward: Linear
    out: Linear
    between: Norm
    up: Linear
    down: Linear


@dataclass(frozen=True)
class TextTower:
    """A causal transformer that reads a text at its last token.

    tokens: (vocabulary, width); places: (context, width); last: the norm before the projection (dimension, width).
    """

    tokens: Matrix
    places: Matrix
    layers: tuple[Layer, ...]
    last: Norm
    projection: Linear
    heads: int
    activation: Activation

    @property
    def width(self) -> int:
        return int(self.tokens.shape[1])

    @property
    def dimension(self) -> int:
        """Length of its vectors."""
        return len(self.projection.bias)

    @property
    def hidden(self) -> int:
        """Width between `up` and `down`."""
        return len(self.layers[0].up.bias)

    def embed(self, ids: list[int]) -> Matrix:
        """Token ids, the last of them the end token -> (dimension,) unit float32."""
        x = self.tokens[ids] + self.places[: len(ids)]
        for layer in self.layers:
            x = x + _apply(layer.out, self._attend(_apply(layer.inward, normed(layer.before, x))))
            bent = activate(self.activation, _apply(layer.up, normed(layer.between, x)))
            x = x + _apply(layer.down, bent.astype(np.float32))
        vector = _apply(self.projection, normed(self.last, x[-1:]))[0]
        unit: Matrix = vector / np.linalg.norm(vector)
        return unit

    def _attend(self, inward: Matrix) -> Matrix:
        """(tokens, 3 * width) -> (tokens, width): each token looks at itself and what is before it."""
        count = len(inward)
        parts = inward.reshape(count, 3, self.heads, self.width // self.heads).transpose(1, 2, 0, 3)
        query, key, value = parts
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
        scores = np.where(np.tri(count, dtype=bool), scores, -np.inf)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        mixed: Matrix = (weights @ value).transpose(1, 0, 2).reshape(count, self.width).astype(np.float32)
        return mixed


def normed(norm: Norm, x: Matrix) -> Matrix:
    """Rows (n, width) through a layer norm."""
    centred = x - x.mean(-1, keepdims=True)
    scale = np.sqrt((centred**2).mean(-1, keepdims=True) + norm.epsilon)
    result: Matrix = centred / scale * norm.gain + norm.shift
    return result


def _apply(linear: Linear, x: Matrix) -> Matrix:
    result: Matrix = x @ linear.weight.T + linear.bias
    return result
