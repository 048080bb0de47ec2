"""A model's text tower from its graph: recognised part by part, then compared with what the graph says. Never guessed.

Walks from the output to the token table. What is found is a tower only if its arithmetic gives the graph's own vectors.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from server.embedding.clip import ClipEncoder
from server.embedding.manifest import Manifest
from server.embedding.tokenizer import load_tokenizer
from server.errors import ModelError
from server.sql_tower.graph import Array, read_graph
from server.sql_tower.matching import Matcher
from server.sql_tower.tower import Layer, Linear, Norm, TextTower

# The graph's own vectors and this arithmetic: what differs is the order of sums, and in int8 graphs that they round
# what goes through them, 7 or 8 bits at each product. A wrong head count or activation gives less than 0.99 in a
# float graph.
LEAST_COSINE = 0.99995
LEAST_COSINE_INT8 = 0.995
# A row of weights lies in one page of the database: 2 bytes a number.
WIDEST = 2048
_TEXTS = (
    "a", "red leather handbag", "42", "a blue shirt with white stripes and long sleeves, cut for an easy fit",
    "crème brûlée dish, für größere Gäste", "红色连衣裙", "running shoes for women, waterproof, size 38.5 EU",
)  # fmt: skip


@dataclass(frozen=True)
class Checked:
    """A tower, and the lowest cosine between its vectors and the graph's."""

    tower: TextTower
    cosine: float


def read_tower(manifest: Manifest) -> Checked:
    """The text tower of an installed model. Raises ModelError, saying why, for one that SQL cannot compute."""
    spec = manifest.text
    if not spec.causal:
        raise _refuse(manifest, "its graph takes padded texts alone, so a word may see those behind it")
    if spec.mask is not None:
        raise _refuse(manifest, "it takes a mask")
    try:
        best, least = _found(manifest)
    except (ArithmeticError, LookupError, TypeError, ValueError) as exc:
        # A graph is somebody else's file: what its nodes lack or hold is not foreseen one by one.
        raise _refuse(manifest, "its graph is laid out in a way that is not known here") from exc
    if not best.cosine >= least:
        raise _refuse(
            manifest, f"computed from its weights, vectors differ from the graph's (cosine {best.cosine:.4f})"
        )
    return best


def _found(manifest: Manifest) -> tuple[Checked, float]:
    """The tower that is nearest to the graph, and how near it has to be."""
    spec = manifest.text
    walk = _Walk(Matcher(read_graph(manifest.folder / spec.file)), manifest)
    towers = walk.tower(spec.output)
    ids, expected = _graph_says(manifest)
    least = LEAST_COSINE if walk.is_float else LEAST_COSINE_INT8
    found = (Checked(tower, _worst(tower, ids, expected)) for tower in towers)
    return max(found, key=lambda checked: checked.cosine), least


def _refuse(manifest: Manifest, why: str) -> ModelError:
    return ModelError(f"The text tower of {manifest.name} cannot be computed in SQL: {why}.")


def _graph_says(manifest: Manifest) -> tuple[list[list[int]], Array]:
    tokenizer = load_tokenizer(manifest)
    encoder = ClipEncoder(manifest)
    return [tokenizer.encode(text) for text in _TEXTS], np.stack([encoder.embed_text(text) for text in _TEXTS])


def _worst(tower: TextTower, ids: Sequence[list[int]], expected: Array) -> float:
    made = np.stack([tower.embed(row) for row in ids])
    return float((made * expected).sum(1).min())


@dataclass(frozen=True)
class _Attention:
    """What stands between the norm and the residual: one product or three inwards, one outwards."""

    inward: Linear
    out: Linear
    of: str
    numbers: frozenset[int]


class _Walk:
    """From the output of a graph to its tables."""

    def __init__(self, matcher: Matcher, manifest: Manifest) -> None:
        self._match = matcher
        self._manifest = manifest

    @property
    def is_float(self) -> bool:
        """Whether nothing is rounded on its way through the graph."""
        return not any(node.kind == "DynamicQuantizeLinear" for node in self._match.graph.nodes)

    def tower(self, output: str) -> Iterator[TextTower]:
        """The tower, once for each number of heads that its shapes allow. Raises ModelError."""
        projection, last, at = self._end(output)
        layers: list[Layer] = []
        kinds: set[str] = set()
        numbers: frozenset[int] = frozenset()
        while (below := self._layer(at)) is not None:
            layer, kind, numbers, at = below
            layers.insert(0, layer)
            kinds.add(kind)
        width = len(last.gain)
        if not layers:
            raise self._refuse("no transformer layer was found behind its output")
        if len(kinds) != 1 or {len(layer.before.gain) for layer in layers} != {width}:
            raise self._refuse("its layers are not all of one make")
        if {(layer.inward.weight.shape, layer.up.weight.shape, layer.down.weight.shape) for layer in layers} != {
            ((3 * width, width), (len(layers[0].up.bias), width), (width, len(layers[0].up.bias)))
        }:
            raise self._refuse("its layers have shapes that are not those of a plain transformer")
        if width > WIDEST:
            raise self._refuse(f"it is {width} wide, and a row of weights may have {WIDEST} numbers")
        tokens, places = self._tables(at, width)
        base = TextTower(tokens, places, tuple(layers), last, projection, 1, kinds.pop())
        # Shapes name the heads, or how wide one is, or both.
        fitting = {number for number in numbers if number > 1 and width % number == 0}
        heads = sorted(fitting | {width // number for number in fitting})
        if not heads:
            raise self._refuse("it does not show how many heads its attention has")
        return (replace(base, heads=count) for count in heads)

    def _end(self, output: str) -> tuple[Linear, Norm, str]:
        """Projection, last norm, and the tensor before it. A vector's length is not looked at: it is 1 in the end."""
        name = self._match.behind_layout(output)
        node = self._match.maker(name)
        if node is not None and node.kind in ("Div", "LpNormalization"):
            name = node.inputs[0]
        found = self._match.linear(name)
        if found is None:
            raise self._refuse("its output is no product with a constant matrix")
        normed = self._match.norm(found[1])
        if normed is None:
            raise self._refuse("there is no layer norm before its projection")
        return found[0], normed[0], self._match.behind_layout(normed[1])

    def _layer(self, at: str) -> tuple[Layer, str, frozenset[int], str] | None:
        """The layer whose result is this tensor, its activation, and the tensor below; None where there is no layer."""
        upper = self._branch(at)
        if upper is None:
            return None
        down, inner, middle = upper
        bent = self._match.activation(inner)
        if bent is None:
            raise self._refuse("its activation is neither GELU nor QuickGELU")
        kind, at_up = bent
        up, of = self._taken(at_up)
        between = self._normed(of, middle)
        lower = self._branch(middle)
        if lower is None:
            raise self._refuse("a layer has no attention")
        out, mixed, below = lower
        attention = self._attention(out, mixed)
        before = self._normed(attention.of, below)
        return Layer(before, attention.inward, out, between, up, down), kind, attention.numbers, below

    def _branch(self, at: str) -> tuple[Linear, str, str] | None:
        """x + linear(y) -> linear, y, x."""
        node = self._match.maker(at)
        if node is None or node.kind != "Add":
            return None
        for branch, rest in (node.inputs, node.inputs[::-1]):
            found = self._match.linear(branch)
            if found is not None and self._match.values.constant(rest) is None:
                return found[0], found[1], self._match.behind_layout(rest)
        return None

    def _taken(self, name: str) -> tuple[Linear, str]:
        found = self._match.linear(name)
        if found is None:
            raise self._refuse("a product with a constant matrix was expected and is not there")
        return found

    def _normed(self, name: str, of: str) -> Norm:
        found = self._match.norm(name)
        if found is None or self._match.behind_layout(found[1]) != of:
            raise self._refuse("a layer does not begin with the layer norm of what goes into it")
        return found[0]

    def _attention(self, out: Linear, mixed: str) -> _Attention:
        product = self._match.back_to(mixed, "MatMul")
        softmax = None if product is None else self._match.back_to(product.inputs[0], "Softmax")
        scores = None if softmax is None else self._match.back_to(softmax.inputs[0], "MatMul")
        if product is None or scores is None:
            raise self._refuse("its attention is not written out as two products and a softmax")
        sources = [self._match.linears_behind(name) for name in (*scores.inputs, product.inputs[1])]
        if any(len(source) != 1 for source in sources):
            raise self._refuse("query, key and value are not three products of one tensor")
        parts = [self._taken(source[0]) for source in sources]
        if len({self._match.behind_layout(of) for _, of in parts}) != 1:
            raise self._refuse("query, key and value are not of one tensor")
        linears = [linear for linear, _ in parts]
        if len({source[0] for source in sources}) == 1:
            inward = linears[0]
        else:
            inward = Linear(
                *(np.concatenate(rows) for rows in zip(*((one.weight, one.bias) for one in linears), strict=True))
            )
        return _Attention(inward, out, parts[0][1], frozenset(self._shape_numbers(scores.inputs)))

    def _shape_numbers(self, names: Sequence[str]) -> Iterator[int]:
        """Whole numbers in the shapes that tensors are laid out by, among them heads and their width."""
        for name in names:
            while (node := self._match.maker(name)) is not None:
                if self._match.behind_layout(name) == name and self._match.linear(name) is not None:
                    break
                if node.kind == "Reshape":
                    yield from self._whole_numbers(node.inputs[1])
                moving = [other for other in node.inputs if other and self._match.values.constant(other) is None]
                if not moving:
                    break
                name = moving[0]

    def _whole_numbers(self, name: str) -> Iterator[int]:
        constant = self._match.values.constant(name)
        if constant is not None:
            yield from (int(number) for number in constant.reshape(-1))
            return
        node = self._match.maker(name)
        if node is not None and node.kind in ("Concat", "Unsqueeze", "Cast"):
            for other in node.inputs:
                yield from self._whole_numbers(other)

    def _tables(self, at: str, width: int) -> tuple[Array, Array]:
        """Rows of every token, and of every place."""
        node = self._match.maker(at)
        if node is None or node.kind != "Add":
            raise self._refuse("its first layer does not begin with the sum of a token and its place")
        found: dict[str, Array] = {}
        for name in node.inputs:
            tokens = self._token_rows(name)
            places = self._place_rows(name, width) if tokens is None else None
            if tokens is not None:
                found["tokens"] = tokens
            elif places is not None:
                found["places"] = places
        if found.keys() != {"tokens", "places"} or found["tokens"].shape[1] != width:
            raise self._refuse("the tables of its tokens and places were not found")
        return found["tokens"], found["places"]

    def _token_rows(self, name: str) -> Array | None:
        """What a tensor is for each token id, one after the other; None where it does not depend on ids so."""
        ids, sizes = set(), set()
        waiting = [name]
        while waiting:
            node = self._match.maker(waiting.pop())
            if node is None or node.kind == "Slice":
                continue
            table = self._match.values.constant(node.inputs[0]) if node.kind == "Gather" else None
            if table is not None:
                if self._ids_behind(node.inputs[1]):
                    ids.add(node.inputs[1])
                    sizes.add(len(table))
            else:
                waiting += [other for other in node.inputs if other]
        if len(ids) != 1 or len(sizes) != 1:
            return None
        rows = self._match.values.given(name, {ids.pop(): np.arange(sizes.pop())})
        return None if rows is None else np.ascontiguousarray(rows.reshape(-1, rows.shape[-1]), np.float32)

    def _ids_behind(self, name: str) -> bool:
        """Whether a tensor is the graph's input, reshaped or cast at most."""
        while name != self._manifest.text.input:
            node = self._match.maker(name)
            if node is None or node.kind not in ("Reshape", "Cast", "Identity"):
                return False
            name = node.inputs[0]
        return True

    def _place_rows(self, name: str, width: int) -> Array | None:
        """The table of places: the only constant of that width behind a tensor."""
        waiting, context = [name], self._manifest.text.context_length
        while waiting:
            name = waiting.pop()
            constant = self._match.values.constant(name)
            if constant is not None:
                if constant.ndim >= 2 and constant.shape[-1] == width and constant.size >= context * width:
                    return np.ascontiguousarray(constant.reshape(-1, width)[:context], np.float32)
                continue
            node = self._match.maker(name)
            if node is not None:
                waiting += [other for other in node.inputs if other]
        return None

    def _refuse(self, why: str) -> ModelError:
        return _refuse(self._manifest, why)
