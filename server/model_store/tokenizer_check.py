"""Does the tokenizer belong to the text tower? Told by the size of the tower's table of tokens."""

from collections.abc import Callable

import numpy as np

from server.embedding.manifest import Manifest
from server.embedding.ort import Tower, open_tower
from server.embedding.tokenizer import load_tokenizer
from server.errors import ModelError

# No published vocabulary is larger; a table whose end is not found below has none that can be read.
_MOST_TOKENS = 1 << 22


def check_tokenizer(manifest: Manifest) -> None:
    """Raises ModelError for a tokenizer with more tokens than the tower, or with far fewer.

    Tables are often rounded up, to a multiple of 64 or so, and some keep a few rows for later.
    """
    vocabulary = load_tokenizer(manifest).vocabulary
    table = tokens_of_tower(manifest)
    if table is None or vocabulary <= table <= vocabulary * 1.05 + 256:
        return
    raise ModelError(
        f"{manifest.text.tokenizer} has {vocabulary:,} tokens, but the text tower knows {table:,}: the tokenizer is "
        "that of another model. Take both from one source."
    )


def tokens_of_tower(manifest: Manifest) -> int | None:
    """Rows of the text tower's table of tokens, found by what ids it takes; None where it takes any."""
    spec = manifest.text
    inputs = (spec.input,) if spec.mask is None else (spec.input, spec.mask)
    tower = open_tower(manifest.folder / spec.file, threads=1, inputs=inputs, output=spec.output)
    length = 2 if spec.causal else spec.context_length

    def takes(token: int) -> bool:
        ids = np.full((spec.batch or 1, length), token)
        return _runs(tower, dict(zip(inputs, (ids, np.ones_like(ids)), strict=False)))

    return _first_refused(takes, _MOST_TOKENS)


def _first_refused(takes: Callable[[int], bool], limit: int) -> int | None:
    """The smallest number that is not taken, by halving; None where `limit` is taken or 0 is not."""
    if takes(limit) or not takes(0):
        return None
    low, high = 0, limit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if takes(middle) else (low, middle)
    return high


def _runs(tower: Tower, feed: dict[str, np.ndarray]) -> bool:
    try:
        tower.run(feed)
    except ModelError:
        return False
    return True
