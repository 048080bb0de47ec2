"""May a text run at its own length? Decided by running it both ways."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from server.embedding.ort import open_tower
from server.errors import ModelError
from server.model_store.graph_facts import TextFacts

LEAST_COSINE = 0.99999
# int8 towers scale their activations by all that is in the text, padding included: the bundled one gives 0.99998.
LEAST_COSINE_INT8 = 0.99
_TEXTS = ("a", "red leather handbag", "a blue shirt with white stripes and long sleeves, cut for an easy fit", "42")


def runs_unpadded(
    graph: Path,
    facts: TextFacts,
    encode: Callable[[str], list[int]],
    pad_id: int,
    context: int,
    least: float = LEAST_COSINE,
) -> bool:
    """Whether the text graph says of a text at its own length what it says of the padded one. Raises ModelError.

    encode: a text to at most `context` token ids. True of causal towers that read a text at its end token, whatever
    comes behind it: on short queries they are many times faster so.
    """
    names = (facts.input,) if facts.mask is None else (facts.input, facts.mask)
    tower = open_tower(graph, threads=1, inputs=names, output=facts.output)

    def embed(ids: list[int], mask: list[int]) -> np.ndarray:
        rows = [np.repeat([row], facts.batch or 1, axis=0) for row in (ids, mask)]
        vector = tower.run(dict(zip(names, rows, strict=False)))[0].astype(np.float64)
        unit: np.ndarray = vector / np.linalg.norm(vector)
        return unit

    for text in _TEXTS:
        ids = encode(text)
        rest = context - len(ids)
        try:
            alone = embed(ids, [1] * len(ids))
        except ModelError:
            return False  # the length is fixed inside, whatever the graph says of its axes
        padded = embed(ids + [pad_id] * rest, [1] * len(ids) + [0] * rest)
        if not float(alone @ padded) >= least:
            return False
    return True
