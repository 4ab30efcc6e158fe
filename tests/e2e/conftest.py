"""What the tests of the command line share."""

import sys

import pytest
from command_line import check_end

from leopardnet.cli.console import main


@pytest.fixture
def command(monkeypatch, capfd):
    """A function that runs the command in this process; (stdout, stderr) with what libraries write there."""

    def run(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["leopardnet", *map(str, arguments)])
        capfd.readouterr()
        try:
            main()
            found = 0
        except SystemExit as stop:
            found = stop.code or 0
        return check_end(*capfd.readouterr(), found, code)

    return run
