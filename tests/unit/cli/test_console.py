"""Faults of the disk, in words and with what to do."""

import errno
import os

import pytest

from leopardnet.cli import console


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.EROFS, "this one is read-only"), (errno.ENAMETOOLONG, "a shorter name"), (errno.ENOSPC, "")],
)
def test_a_disk_that_refuses_is_no_traceback(monkeypatch, capsys, number, advice):
    def refuse():
        raise OSError(number, os.strerror(number), "results")

    monkeypatch.setattr(console, "app", refuse)
    monkeypatch.setattr(console, "VERB_MODULES", ())
    with pytest.raises(SystemExit) as stop:
        console.main()
    text = capsys.readouterr().err
    assert stop.value.code == 1 and os.strerror(number) in text and "where:    results" in text
    assert (advice in text) if advice else ("do:" not in text)
