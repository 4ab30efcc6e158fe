"""An ONNX file that a stranger made, looked at before any library opens it: it must be whole, and refer to no other file.

Weights of an ONNX network may lie in other files, by a path that the network names. Those files have no hash in a bundle and
count for nothing in what a detector is known by, and the path may lead anywhere; backends follow it also where they are given
the bytes of the network. So the file is walked by its fields (protobuf), without the `onnx` package, which the base
installation does not have.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from leopardnet.core.errors import BundleError, LeopardnetError

# of each message the fields that hold further messages, by number, as onnx.proto has them
_MESSAGES: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14  # fields of a tensor
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
MAX_DEPTH = 64


class _UnsafeGraph(LeopardnetError):
    """What is wrong with a network, before it is said whose network it is."""


def refuse_unsafe_graph(path: Path, *, error: type[LeopardnetError] = BundleError) -> None:
    """Raises `error` for a network whose weights lie in other files, and for a file that is no ONNX network."""
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:  # nothing cannot be mapped
                raise _no_network(path.name, "nothing")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                _walk(data, path.name)
    except _UnsafeGraph as unsafe:
        where, found, expected, todo = unsafe.parts.values()
        raise error(unsafe.what, where=where, found=found, expected=expected, todo=str(todo)) from None


def _walk(data: mmap.mmap, where: str) -> None:
    waiting, has_graph = [("model", 0, len(data), 0)], False
    while waiting:
        message, start, end, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _no_network(where, f"more than {MAX_DEPTH} networks inside each other")
        for number, kind, begins, ends in _fields(data, start, end, where):
            if message == "tensor" and number in (_EXTERNAL_DATA, _DATA_LOCATION) and (kind == _BYTES or ends):
                raise _UnsafeGraph(
                    "the network refers to another file",
                    where=where,
                    found="weights outside of it",
                    expected="one file with all its weights inside",
                    todo="ask whoever made it for one file, or do not use it",
                )
            child = _MESSAGES[message].get(number)
            if child and kind == _BYTES:
                has_graph |= child == "graph"
                waiting.append((child, begins, ends, depth + 1))
    if not has_graph:
        raise _no_network(where, "no graph")


def _fields(data: mmap.mmap, at: int, end: int, where: str) -> Iterator[tuple[int, int, int, int]]:
    """Number and kind of each field, and where its bytes begin and end; of a whole number, 0 and its value."""
    while at < end:
        tag, at = _varint(data, at, end, where)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at, end, where)
            yield tag >> 3, kind, 0, value
            continue
        if kind == _BYTES:
            length, at = _varint(data, at, end, where)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise _no_network(where, f"a field of kind {kind}")
        if length > end - at:
            raise _no_network(where, "a field that is longer than the file")
        yield tag >> 3, kind, at, at + length
        at += length


def _varint(data: mmap.mmap, at: int, end: int, where: str) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise _no_network(where, "a file that is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _no_network(where, "a number that is too long")


def _no_network(where: str, found: str) -> _UnsafeGraph:
    return _UnsafeGraph(
        "this is not an ONNX network",
        where=where,
        found=found,
        expected="a whole .onnx file",
        todo="copy it again from where it came from",
    )
