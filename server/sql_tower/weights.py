"""The rows that the tower's tables hold: matrices with norms taken in, negated, in half precision."""

from collections.abc import Iterator

import numpy as np

from server.errors import ModelError
from server.sql_tower.tower import Linear, Matrix, Norm, TextTower

# A row has at most so many numbers of what the activation gives; those of the width are not cut.
LONGEST_PIECE = 512


def piece_of(hidden: int) -> int:
    """How many of `hidden` numbers stand in one row: the most up to LONGEST_PIECE that leave no rest."""
    return next(hidden // count for count in range(-(-hidden // LONGEST_PIECE), hidden + 1) if hidden % count == 0)


def rows_of(tower: TextTower) -> Iterator[tuple[Matrix, Matrix]]:
    """Matrices in the order in which vitrine_tower.run reads them: rows (n, numbers) to be negated, biases (n,).

    A norm's gain and shift are taken into the matrix behind it; the scale of the attention into its queries.
    """
    piece = piece_of(tower.hidden)
    scale = np.ones(3 * tower.width, np.float32)
    scale[: tower.width] = (tower.width // tower.heads) ** -0.5
    for layer in tower.layers:
        inward = _taken_in(layer.before, layer.inward)
        yield inward.weight * scale[:, None], inward.bias * scale
        yield layer.out.weight, layer.out.bias
        up = _taken_in(layer.between, layer.up)
        yield up.weight, up.bias
        for start in range(0, tower.hidden, piece):
            bias = layer.down.bias if start == 0 else np.zeros_like(layer.down.bias)
            yield layer.down.weight[:, start : start + piece], bias
    projection = _taken_in(tower.last, tower.projection)
    yield projection.weight, projection.bias


def epsilon_of(tower: TextTower) -> float:
    """The one epsilon of all its norms. Raises ModelError where they differ."""
    norms = [tower.last, *(norm for layer in tower.layers for norm in (layer.before, layer.between))]
    found = {norm.epsilon for norm in norms}
    if len(found) != 1:
        raise ModelError("The text tower cannot be computed in SQL: its layer norms have different epsilons.")
    return found.pop()


def halves(rows: Matrix) -> np.ndarray:
    """Rows in half precision. Raises ModelError for numbers that it cannot hold."""
    with np.errstate(over="ignore"):
        small = rows.astype(np.float16)
    if not np.isfinite(small).all():
        raise ModelError(
            "The text tower cannot be computed in SQL: it has weights beyond what a halfvec holds (65,504)."
        )
    return small


def _taken_in(norm: Norm, linear: Linear) -> Linear:
    """linear(gain * x + shift) as a product with x."""
    return Linear(linear.weight * norm.gain, linear.bias + linear.weight @ norm.shift)
