"""Safety check of ONNX files from others, before any library opens them.

An ONNX network may keep its weights in other files, named by a path. Such files are covered neither by the hashes
of a bundle nor by the id of a detector, and the path may lead anywhere; backends follow it even when they are given
the network as bytes. The check reads the protobuf fields itself, because the base installation does not include the
`onnx` package.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from leopardnet.core.errors import BundleError, LeopardnetError

# For each message, its fields that hold further messages, by their numbers in onnx.proto.
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


class _UnsafeGraphError(LeopardnetError):
    """A fault of the file, until the caller's error class is known."""


def refuse_unsafe_graph(path: Path, *, error: type[LeopardnetError] = BundleError) -> None:
    """Raise `error` for a network with weights in other files, and for a file that is not a whole ONNX network."""
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:  # an empty file cannot be mapped
                raise _not_onnx(path.name, "an empty file")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                _check_messages(data, path.name)
    except _UnsafeGraphError as unsafe:
        where, found, expected, todo = unsafe.parts.values()
        raise error(unsafe.what, where=where, found=found, expected=expected, todo=str(todo)) from None


def _check_messages(data: mmap.mmap, where: str) -> None:
    waiting, has_graph = [("model", 0, len(data), 0)], False
    while waiting:
        message, start, end, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _not_onnx(where, f"graphs nested more than {MAX_DEPTH} deep")
        for number, kind, begins, ends in _fields(data, start, end, where):
            if message == "tensor" and number in (_EXTERNAL_DATA, _DATA_LOCATION) and (kind == _BYTES or ends):
                raise _UnsafeGraphError(
                    "the network refers to another file",
                    where=where,
                    found="weights in another file",
                    expected="one file with all weights inside",
                    todo="ask its author for a single file, or do not use it",
                )
            child = _MESSAGES[message].get(number)
            if child and kind == _BYTES:
                has_graph |= child == "graph"
                waiting.append((child, begins, ends, depth + 1))
    if not has_graph:
        raise _not_onnx(where, "no graph")


def _fields(data: mmap.mmap, at: int, end: int, where: str) -> Iterator[tuple[int, int, int, int]]:
    """Yield number, wire type, start and end of each field of a message; for a varint, 0 and its value instead."""
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
            raise _not_onnx(where, f"a field of wire type {kind}")
        if length > end - at:
            raise _not_onnx(where, "a field longer than the file")
        yield tag >> 3, kind, at, at + length
        at += length


def _varint(data: mmap.mmap, at: int, end: int, where: str) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise _not_onnx(where, "a truncated file")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _not_onnx(where, "a number that is too long")


def _not_onnx(where: str, found: str) -> _UnsafeGraphError:
    return _UnsafeGraphError(
        "this is not an ONNX network",
        where=where,
        found=found,
        expected="a whole .onnx file",
        todo="copy it again from its source",
    )
