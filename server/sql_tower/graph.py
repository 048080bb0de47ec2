"""An ONNX graph read for its structure and its weights, without the package onnx."""

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.errors import ModelError
from server.model_store.external_data import external_files
from server.model_store.protobuf import BYTES, FOUR, VARINT, Buffer, NoMessage, fields, signed, varint

Array = NDArray[Any]

# What onnx.proto calls TensorProto.DataType.
DTYPES: Mapping[int, Any] = {
    1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_,
    10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64,
}  # fmt: skip
_EXTERNAL = 1


@dataclass(frozen=True)
class Node:
    """One operator. outside: of an `If` or another node with graphs in it, the names that these take from around it."""

    kind: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    outside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """makers: the node that makes a tensor, by the tensor's name. weights: what the file holds, read when asked for."""

    nodes: tuple[Node, ...]
    makers: Mapping[str, Node]
    weights: Mapping[str, "Weight"]


@dataclass(frozen=True)
class Weight:
    """A tensor of the file. Its numbers are read when `array` is asked for."""

    shape: tuple[int, ...]
    message: Buffer
    folder: Path

    def array(self) -> Array:
        """The numbers. Raises ModelError for a kind that is not known."""
        return _tensor_array(self.message, self.folder)


def read_graph(path: Path) -> Graph:
    """Read a graph. Raises ModelError for what is none, or keeps weights outside its folder."""
    try:
        external_files(path)
        with path.open("rb") as file:
            whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        for number, wire, _, value in fields(whole):
            if number == 7 and wire == BYTES:
                return _graph(value, path.parent)
    except (OSError, NoMessage, ValueError, RecursionError) as exc:
        raise ModelError(f"{path.name} cannot be read as an ONNX graph. Install the model again.") from exc
    raise ModelError(f"{path.name} holds no graph. Install the model again.")


def _graph(message: Buffer, folder: Path) -> Graph:
    nodes: list[Node] = []
    weights: dict[str, Weight] = {}
    for number, wire, _, value in fields(message):
        if wire != BYTES:
            continue
        if number == 1:
            nodes.append(_node(value, folder))
        elif number == 5:
            name, shape = _tensor_head(value)
            weights[name] = Weight(shape, value, folder)
    makers = {name: node for node in nodes for name in node.outputs if name}
    return Graph(tuple(nodes), makers, weights)


def _node(message: Buffer, folder: Path) -> Node:
    names: dict[int, list[str]] = {1: [], 2: [], 4: [], 7: []}
    attributes: dict[str, Any] = {}
    outside: list[str] = []
    for number, wire, _, value in fields(message):
        if number in names and wire == BYTES:
            names[number].append(_text(value))
        elif number == 5 and wire == BYTES:
            key, found = _attribute(value, folder)
            if isinstance(found, Graph):
                outside += _outside(found)
            else:
                attributes[key] = found
    kind, domain = "".join(names[4]), "".join(names[7])
    return Node(kind, domain, tuple(names[1]), tuple(names[2]), attributes, tuple(dict.fromkeys(outside)))


def _outside(inner: Graph) -> Iterator[str]:
    for node in inner.nodes:
        yield from (name for name in node.inputs if name and name not in inner.makers and name not in inner.weights)


def _attribute(message: Buffer, folder: Path) -> tuple[str, Any]:
    """Name and value: a number, numbers, bytes, a tensor as Weight, or a graph."""
    name, many = "", []
    value: Any = None
    for number, wire, _, inside in fields(message):
        if number == 1:
            name = _text(inside)
        elif number == 2 and wire == FOUR:
            value = float(np.frombuffer(inside, "<f4")[0])
        elif number == 3 and wire == VARINT:
            value = signed(varint(inside, 0)[0])
        elif number == 4:
            value = bytes(inside)
        elif number == 5:
            value = Weight(_tensor_head(inside)[1], inside, folder)
        elif number == 6:
            value = _graph(inside, folder)
        elif number == 8:
            many += _integers(wire, inside)
        elif number == 7:
            many += np.frombuffer(inside, "<f4").tolist()
    return name, many or value


def _integers(wire: int, value: Buffer) -> list[int]:
    """A repeated integer field: packed into one, or one of them."""
    found, place = [], 0
    while place < len(value):
        number, place = varint(value, place)
        found.append(signed(number))
    return found


def _tensor_head(message: Buffer) -> tuple[str, tuple[int, ...]]:
    name, shape = "", []
    for number, wire, _, value in fields(message):
        if number == 8:
            name = _text(value)
        elif number == 1:
            shape += _integers(wire, value)
    return name, tuple(shape)


def _tensor_array(message: Buffer, folder: Path) -> Array:
    _, shape = _tensor_head(message)
    parts: dict[int, list[tuple[int, Buffer]]] = {}
    for number, wire, _, value in fields(message):
        parts.setdefault(number, []).append((wire, value))
    kind = varint(parts[2][0][1], 0)[0] if 2 in parts else 0
    dtype = DTYPES.get(kind)
    if dtype is None:
        raise ModelError(f"The text tower holds numbers of a kind ({kind}) that cannot be computed with in SQL.")
    if 13 in parts:
        return _from_file(folder, [value for _, value in parts[13]], np.dtype(dtype), shape)
    if 9 in parts:
        return np.frombuffer(parts[9][0][1], np.dtype(dtype).newbyteorder("<")).reshape(shape)
    floats = [
        np.frombuffer(value, code) for number, code in ((4, "<f4"), (10, "<f8")) for _, value in parts.get(number, [])
    ]
    whole = [np.array(_integers(wire, value), np.int64) for number in (5, 7) for wire, value in parts.get(number, [])]
    flat = np.concatenate([*floats, *whole]) if floats or whole else np.zeros(0)
    if dtype is np.float16:  # kept as the integers of its bits
        return flat.astype(np.uint16).view(np.float16).reshape(shape)
    return flat.astype(dtype).reshape(shape)


def _from_file(folder: Path, entries: list[Buffer], dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    place: dict[str, str] = {}
    for entry in entries:
        pair = {number: _text(text) for number, _, _, text in fields(entry)}
        place[pair.get(1, "")] = pair.get(2, "")
    count = int(np.prod(shape, dtype=np.int64))
    try:
        with (folder / place["location"]).open("rb") as file:
            file.seek(int(place.get("offset", 0)))
            found = np.frombuffer(file.read(count * dtype.itemsize), dtype.newbyteorder("<"))
        return found.reshape(shape)
    except (OSError, KeyError, ValueError) as exc:
        raise ModelError(
            "Weights beside the text tower cannot be read. Check the model with `vitrine models verify`."
        ) from exc


def _text(value: Buffer) -> str:
    return bytes(value).decode("utf-8", "replace")
