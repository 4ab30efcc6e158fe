"""Tensors from a file of torch in its older form, as numpy arrays. Nothing in the file is executed.

Such a file is a row of pickles (a number, a version, facts about the system, the tensors, the keys of the
storages), then each storage: the number of its values and the values themselves. The unpickler knows only what
tensors are made of; any other name in the file is refused. Even so, files are compared with a known hash first.
"""

from __future__ import annotations

import collections
import io
import pickle
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import BundleError

MAGIC = 0x1950A86A20F9469CFC6C
DTYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
MAX_VALUES = 500_000_000  # of a file, so that a wrong number reserves no memory


def read_tensors(data: bytes, *, where: str) -> dict[str, NDArray[Any]]:
    """Return the tensors by name. Raises BundleError for anything but plain tensors. where: names the file."""
    try:
        return _read(io.BytesIO(data))
    except (pickle.UnpicklingError, EOFError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise BundleError(
            "the weights cannot be read",
            where=where,
            found=f"{type(error).__name__}: {str(error)[:150]}",
            expected="plain tensors by name in a file of torch",
            todo="install the package that holds them again",
        ) from None


def _read(file: BinaryIO) -> dict[str, NDArray[Any]]:
    storages: dict[str, NDArray[Any]] = {}
    if _TensorUnpickler(file, storages).load() != MAGIC:
        raise ValueError("no file of torch in its older form")
    _version, facts = (_TensorUnpickler(file, storages).load() for _ in range(2))
    if not facts["little_endian"]:
        raise ValueError("numbers in another order of bytes")
    tensors = _TensorUnpickler(file, storages).load()
    for key in _TensorUnpickler(file, storages).load():
        values = storages[key]
        if int.from_bytes(file.read(8), "little") != len(values):
            raise ValueError("a storage of another length than its tensor says")
        values[:] = np.frombuffer(file.read(values.nbytes), values.dtype)
    if not all(isinstance(k, str) and isinstance(v, np.ndarray) for k, v in tensors.items()):
        raise ValueError("something that is no tensor")
    return {name: np.array(values, order="C") for name, values in tensors.items()}


class _TensorUnpickler(pickle.Unpickler):
    """Builds dicts, numbers and views of storages, which are filled later."""

    def __init__(self, file: BinaryIO, storages: dict[str, NDArray[Any]]) -> None:
        super().__init__(file)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in DTYPES:
            return np.dtype(DTYPES[name])
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a tensor")

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        kind, dtype, key, _place, n_values, _view = pid
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError("an unknown kind of storage")
        n_known = sum(map(len, self._storages.values()))
        if not isinstance(n_values, int) or not 0 <= n_values <= MAX_VALUES - n_known:
            raise pickle.UnpicklingError(f"a storage of {n_values} values")
        return self._storages.setdefault(str(key), np.zeros(n_values, dtype))


def _rebuild_tensor(
    storage: NDArray[Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> NDArray[Any]:
    """Return a view of a storage."""
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if min((offset, *size, *stride)) < 0 or (0 not in size and last >= len(storage)):
        raise pickle.UnpicklingError("a tensor beyond its storage")
    width = storage.itemsize
    return np.lib.stride_tricks.as_strided(
        storage[offset:], size, [width * step for step in stride], writeable=False
    )
