"""Weights that an ONNX graph keeps in files beside itself: which files, and the graph with other names for them.

A graph is a protobuf message. Only what leads to the names is read, so a server without the package onnx can do it.
"""

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path

from server.errors import ModelError
from server.model_store.protobuf import BYTES, Buffer, NoMessage, fields, with_length

# Numbers of the fields of onnx.proto that lead from a model to the key and value `location` of a tensor.
_MODEL, _GRAPH, _NODE, _ATTRIBUTE, _TENSOR, _SPARSE, _FUNCTION, _ENTRY = range(8)
_INSIDE: dict[int, dict[int, int]] = {
    _MODEL: {7: _GRAPH, 25: _FUNCTION},
    _GRAPH: {1: _NODE, 5: _TENSOR, 15: _SPARSE},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE},
    _TENSOR: {13: _ENTRY},
    _SPARSE: {1: _TENSOR, 2: _TENSOR},
    _FUNCTION: {7: _NODE},
}


def external_files(graph: Path) -> set[str]:
    """Names of the files beside a graph that hold weights of it; none for what is no graph. Raises OSError.

    Raises ModelError where a name leads out of the graph's folder.
    """
    if graph.stat().st_size == 0:
        return set()
    with graph.open("rb") as file:
        # A whole model may lie in it, of which the names are a few bytes.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        return {_plain(location, graph) for location in _locations(memoryview(mapped), _MODEL)}
    except (NoMessage, RecursionError):
        # onnxruntime says so when it is loaded.
        return set()


def rename_external(graph: Path, names: Mapping[str, str]) -> None:
    """Write into the graph that its weights lie in files of other names. names: old to new. Raises OSError."""
    old = graph.read_bytes()
    try:
        new = _renamed(memoryview(old), _MODEL, names)
    except (NoMessage, RecursionError):
        return
    graph.write_bytes(new)


def _plain(location: str, graph: Path) -> str:
    name = Path(location).name
    if len(Path(location).parts) != 1 or name == "..":
        raise ModelError(f"{graph.name} keeps weights in {location[:200]}, which is not a file beside it.")
    return name


def _locations(message: Buffer, kind: int) -> Iterator[str]:
    if kind == _ENTRY:
        location = _location(message)
        if location:
            yield location
        return
    for number, wire, _, value in fields(message):
        inside = _INSIDE[kind].get(number)
        if inside is not None and wire == BYTES:
            yield from _locations(value, inside)


def _renamed(message: Buffer, kind: int, names: Mapping[str, str]) -> bytes:
    """The message with other names; every length that holds one is written anew."""
    if kind == _ENTRY:
        new = names.get(Path(_location(message)).name)
        return bytes(message) if new is None else b"".join(map(with_length, (1, 2), (b"location", new.encode())))
    parts: list[bytes | Buffer] = []
    for number, wire, whole, value in fields(message):
        inside = _INSIDE[kind].get(number)
        if inside is not None and wire == BYTES:
            parts.append(with_length(number, _renamed(value, inside, names)))
        else:
            parts.append(whole)
    return b"".join(parts)


def _location(entry: Buffer) -> str:
    """The value of an entry whose key is `location`; empty for any other."""
    pair = {number: bytes(value) for number, wire, _, value in fields(entry) if wire == BYTES}
    return pair.get(2, b"").decode("utf-8", "replace") if pair.get(1) == b"location" else ""
