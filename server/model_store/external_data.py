"""Weights that an ONNX graph keeps in files beside itself: which files, and the graph with other names for them.

A graph is a protobuf message. Only what leads to the names is read, so a server without the package onnx can do it.
"""

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path

from server.errors import ModelError

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
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5

Buffer = memoryview


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
    except (_NoGraph, RecursionError):
        # onnxruntime says so when it is loaded.
        return set()


def rename_external(graph: Path, names: Mapping[str, str]) -> None:
    """Write into the graph that its weights lie in files of other names. names: old to new. Raises OSError."""
    old = graph.read_bytes()
    try:
        new = _renamed(memoryview(old), _MODEL, names)
    except (_NoGraph, RecursionError):
        return
    graph.write_bytes(new)


class _NoGraph(Exception):
    """The bytes are no protobuf message."""


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
    for number, wire, _, value in _fields(message):
        inside = _INSIDE[kind].get(number)
        if inside is not None and wire == _BYTES:
            yield from _locations(value, inside)


def _renamed(message: Buffer, kind: int, names: Mapping[str, str]) -> bytes:
    """The message with other names; every length that holds one is written anew."""
    if kind == _ENTRY:
        new = names.get(Path(_location(message)).name)
        return bytes(message) if new is None else b"".join(map(_with_length, (1, 2), (b"location", new.encode())))
    parts: list[bytes | Buffer] = []
    for number, wire, whole, value in _fields(message):
        inside = _INSIDE[kind].get(number)
        if inside is not None and wire == _BYTES:
            parts.append(_with_length(number, _renamed(value, inside, names)))
        else:
            parts.append(whole)
    return b"".join(parts)


def _location(entry: Buffer) -> str:
    """The value of an entry whose key is `location`; empty for any other."""
    pair = {number: bytes(value) for number, wire, _, value in _fields(entry) if wire == _BYTES}
    return pair.get(2, b"").decode("utf-8", "replace") if pair.get(1) == b"location" else ""


def _fields(message: Buffer) -> Iterator[tuple[int, int, Buffer, Buffer]]:
    """Number, wire type, the whole field, and its value where it has a length (else nothing)."""
    place = 0
    while place < len(message):
        start = place
        tag, place = _varint(message, place)
        wire, value = tag & 7, message[:0]
        if wire == _VARINT:
            _, place = _varint(message, place)
        elif wire == _BYTES:
            length, place = _varint(message, place)
            value = message[place : place + length]
            place += length
        elif wire in (_EIGHT, _FOUR):
            place += 8 if wire == _EIGHT else 4
        else:
            raise _NoGraph
        if place > len(message):
            raise _NoGraph
        yield tag >> 3, wire, message[start:place], value


def _varint(message: Buffer, place: int) -> tuple[int, int]:
    number = shift = 0
    while place < len(message) and shift < 70:
        byte = message[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
        shift += 7
    raise _NoGraph


def _with_length(number: int, value: bytes) -> bytes:
    return _written(number << 3 | _BYTES) + _written(len(value)) + value


def _written(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
