"""What the tests of the command line share."""

import sys

import pytest

from leopardnet.cli.console import main


@pytest.fixture
def command(monkeypatch, capfd):
    """A function that runs the command in this process: (stdout, stderr). No traceback, ever."""

    def run(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["leopardnet", *map(str, arguments)])
        capfd.readouterr()
        try:
            main()
            found = 0
        except SystemExit as stop:
            found = stop.code or 0
        out, err = capfd.readouterr()
        assert found == code, out + err
        assert "Traceback" not in out + err
        return out, err

    return run
