"""Protobuf messages, field by field: as much as leads to what a graph holds, without the package onnx."""

from collections.abc import Iterator

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5

Buffer = memoryview


class NoMessage(Exception):
    """The bytes are no protobuf message."""


def fields(message: Buffer) -> Iterator[tuple[int, int, Buffer, Buffer]]:
    """Number, wire type, the whole field, and its value: the bytes behind the tag, and behind the length if it has one.

    Raises NoMessage.
    """
    place = 0
    while place < len(message):
        start = place
        tag, place = varint(message, place)
        wire, begin = tag & 7, place
        if wire == VARINT:
            _, place = varint(message, place)
        elif wire == BYTES:
            length, begin = varint(message, place)
            place = begin + length
        elif wire in (EIGHT, FOUR):
            place += 8 if wire == EIGHT else 4
        else:
            raise NoMessage
        if place > len(message):
            raise NoMessage
        yield tag >> 3, wire, message[start:place], message[begin:place]


def varint(message: Buffer, place: int) -> tuple[int, int]:
    """The number at that place, and the place behind it. Raises NoMessage."""
    number = shift = 0
    while place < len(message) and shift < 70:
        byte = message[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
        shift += 7
    raise NoMessage


def signed(number: int) -> int:
    """What int64 fields mean by a varint: negative numbers take ten bytes."""
    return number - (1 << 64) if number >= 1 << 63 else number


def with_length(number: int, value: bytes) -> bytes:
    """A field of bytes."""
    return _written(number << 3 | BYTES) + _written(len(value)) + value


def _written(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
