"""Figures without matplotlib, which is not in the base install."""

import sys

import pytest

from leopardnet.core.errors import BackendError
from leopardnet.figures.style import sheet


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(BackendError, match="not installed") as error:
        sheet(3, 2)
    assert '".[figures]"' in str(error.value) and "matplotlib" in str(error.value)


def test_a_sheet_has_the_size_that_was_asked_for():
    assert sheet(3, 2).get_size_inches().tolist() == [3, 2]
