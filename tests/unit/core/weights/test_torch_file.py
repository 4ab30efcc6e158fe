"""Weights are read without running anything that a file holds."""

import io
import os
import pickle

import numpy as np
import pytest
import torch

from leopardnet.core.errors import BundleError
from leopardnet.core.weights.torch_file import read_tensors


def saved(values, **options):
    file = io.BytesIO()
    torch.save(values, file, _use_new_zipfile_serialization=False, **options)
    return file.getvalue()


def test_tensors_come_out_as_they_went_in():
    whole = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    values = {
        "whole": whole,
        "turned": whole.permute(2, 0, 1),
        "part": whole[1, :, 2],
        "count": torch.tensor(7),
        "none": torch.zeros(0, 3),
    }
    found = read_tensors(saved(values), where="w.pth")
    assert list(found) == list(values)
    for name, tensor in values.items():
        assert (
            found[name].shape == tuple(tensor.shape)
            and found[name].flags.writeable
            and found[name].flags.c_contiguous
        )
        assert np.array_equal(found[name], tensor.numpy()) and found[name].dtype == tensor.numpy().dtype


class Evil:
    def __reduce__(self):
        return os.mkdir, ("was_here",)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a pickle at all",
        pickle.dumps(Evil()),
        pickle.dumps(1) + pickle.dumps(Evil()),
        saved({"a": Evil()}),
        saved({"a": torch.zeros(3, dtype=torch.float64)}),
        saved({"a": [1, 2]}),
        saved({"a": torch.ones(100)})[:-100],
    ],
)
def test_anything_else_is_refused_and_nothing_in_it_runs(tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BundleError, match="the weights cannot be read") as caught:
        read_tensors(data, where="w.pth")
    assert "w.pth" in str(caught.value) and not (tmp_path / "was_here").exists()


def test_the_newer_form_is_no_file_of_this_kind():
    file = io.BytesIO()
    torch.save({"a": torch.ones(2)}, file)
    with pytest.raises(BundleError, match="the weights cannot be read"):
        read_tensors(file.getvalue(), where="w.pth")


def test_a_tensor_beyond_its_storage_is_refused():
    data = saved({"a": torch.ones(10)})
    at = data.index(pickle.dumps((10,), protocol=2)[2:5])  # the size of the tensor: (10,)
    with pytest.raises(BundleError, match="the weights cannot be read"):
        read_tensors(data[: at + 1] + b"\xff" + data[at + 2 :], where="w.pth")
