"""Figures without matplotlib, which is not in the base install."""

import base64
import sys

import pytest

from leopardnet.core.errors import BackendError
from leopardnet.figures.style import blank, sheet


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "leopardnet.figures.described_figure", raising=False)
    with pytest.raises(BackendError, match="not installed") as error:
        sheet(3, 2)
    assert '".[figures]"' in str(error.value) and "matplotlib" in str(error.value)


def test_a_sheet_has_the_size_that_was_asked_for():
    assert sheet(3, 2).get_size_inches().tolist() == [3, 2]


def test_a_notebook_gets_words_beside_the_picture():
    figure, axes = blank(3, 2)
    axes.set(xlabel="recall", ylabel="precision")
    for i in range(9):
        axes.plot([0, 1], [i, i], label=f"species {i}")
    data, metadata = figure._repr_mimebundle_(include=None, exclude=None)
    alt = metadata["image/png"]["alt"]
    assert alt.startswith("Figure: precision against recall; species 0, species 1") and alt.endswith("species 7, …")
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert sheet(3, 2).alt_text == "Figure"
