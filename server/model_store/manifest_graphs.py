"""Are the graphs of a pair what its manifest says of them? Every difference is a sentence that tells both."""

from collections.abc import Sequence

import numpy as np

from server.embedding.manifest import MANIFEST_FILE, ImageSpec, Manifest, TextSpec
from server.embedding.ort import Port, Tower, open_tower, read_ports
from server.errors import ModelError
from server.model_store.graph_facts import names_of

Shape = tuple[int | None, ...]


def check_graphs(manifest: Manifest) -> None:
    """Compare both graphs with the manifest, and run each once. Raises ModelError."""
    _check_text(manifest)
    _check_image(manifest)


def _check_text(manifest: Manifest) -> None:
    spec = manifest.text
    names = (spec.input,) if spec.mask is None else (spec.input, spec.mask)
    shape = _shape(manifest, spec, "text", names)
    if len(shape) not in (0, 2):
        raise ModelError(
            f"{spec.file} takes {spec.input} {_words(shape)}. A text tower takes token ids (batch, length)."
        )
    length = shape[1] if shape else None
    if length is not None and spec.causal:
        raise ModelError(
            f"{spec.file} takes texts of {length} tokens only, but {MANIFEST_FILE} says that they run at their own "
            "length (causal = true). Set causal = false there."
        )
    if length not in (None, spec.context_length):
        raise _differs(f"{spec.file} takes texts of {length} tokens", f"text.context_length = {spec.context_length}")
    _run(manifest, spec, "text", names, (spec.context_length,))


def _check_image(manifest: Manifest) -> None:
    spec = manifest.image
    shape = _shape(manifest, spec, "image", (spec.input,))
    if len(shape) not in (0, 4):
        raise ModelError(
            f"{spec.file} takes {spec.input} {_words(shape)}. An image tower takes (batch, 3, size, size)."
        )
    if shape and _channels(shape) not in (None, spec.channels or "first"):
        raise ModelError(f"{spec.file} takes pixels {_words(shape)}. {_advice(spec)}")
    if any(axis not in (None, own) for axis, own in zip(shape[1:], picture_shape(spec), strict=False)):
        raise _differs(f"{spec.file} takes pixels {_words(shape)}", f"image.size = {spec.size}")
    _run(manifest, spec, "image", (spec.input,), picture_shape(spec))


def picture_shape(spec: ImageSpec) -> tuple[int, int, int]:
    """What the image graph takes of one picture."""
    return (spec.size, spec.size, 3) if spec.channels == "last" else (3, spec.size, spec.size)


def _channels(shape: Shape) -> str | None:
    """Where a graph's own axes show the three colours; None where they do not."""
    if (shape[1] == 3) == (shape[3] == 3):
        return None
    return "first" if shape[1] == 3 else "last"


def _advice(spec: ImageSpec) -> str:
    if spec.channels == "last":
        return f'{MANIFEST_FILE} says that the channels come last. Take channels = "last" out of [image] there.'
    return f'{MANIFEST_FILE} does not say that the channels come last. Add channels = "last" to [image] there.'


def _differs(graph: str, manifest: str) -> ModelError:
    return ModelError(f"{graph}, but {MANIFEST_FILE} says {manifest}. They do not belong together.")


def _shape(manifest: Manifest, spec: TextSpec | ImageSpec, table: str, names: tuple[str, ...]) -> Shape:
    """The axes of the graph's first input, once its names and its batch are those of the manifest."""
    inputs, outputs = read_ports(manifest.folder / spec.file)
    if {port.name for port in inputs} != set(names):
        keys = "input and mask" if table == "text" else "input"
        raise ModelError(
            f"{spec.file} takes {names_of(inputs)}, but {MANIFEST_FILE} names {' and '.join(names)}. Write the graph's "
            f"own names as {keys} under [{table}] there."
        )
    if spec.output not in {port.name for port in outputs}:
        raise ModelError(
            f"{spec.file} gives {names_of(outputs)}, but {MANIFEST_FILE} names {spec.output}. Write the graph's own "
            f"name as output under [{table}] there."
        )
    shape = _of(inputs, spec.input).shape
    if shape and shape[0] not in (None, spec.batch):
        raise ModelError(
            f"{spec.file} takes batches of {shape[0]} and of no other number. Write batch = {shape[0]} under "
            f"[{table}] of {MANIFEST_FILE}."
        )
    return shape


def _of(ports: Sequence[Port], name: str) -> Port:
    return next(port for port in ports if port.name == name)


def _run(
    manifest: Manifest, spec: TextSpec | ImageSpec, table: str, names: tuple[str, ...], row: tuple[int, ...]
) -> None:
    """Run the graph on empty rows: one or a batch, and two where it should take any number."""
    tower = open_tower(manifest.folder / spec.file, threads=1, inputs=names, output=spec.output)
    rows = spec.batch or 1
    found = _result(tower, names, (rows, *row))
    if found is None:
        raise ModelError(f"{spec.file} does not run on {_words((rows, *row))}, as {MANIFEST_FILE} describes it.")
    if found != (rows, manifest.dimension):
        raise _differs(f"{spec.file} gives {spec.output} {_words(found)}", f"dimension = {manifest.dimension}")
    if spec.batch is None and _result(tower, names, (2, *row)) != (2, manifest.dimension):
        raise ModelError(f"{spec.file} takes one row at a time. Write batch = 1 under [{table}] of {MANIFEST_FILE}.")


def _result(tower: Tower, names: tuple[str, ...], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of what the graph gives; None where it does not run."""
    first = np.zeros(shape, np.float32)
    rest = {name: np.ones_like(first) for name in names[1:]}
    try:
        return tower.run({names[0]: first, **rest}).shape
    except ModelError:
        return None


def _words(shape: Shape) -> str:
    return f"({', '.join('any' if axis is None else str(axis) for axis in shape)})"
