"""The command as a user runs it: in this process, which saves the start of Python, or in one of its own."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from leopardnet.cli.console import main

COMMAND = Path(sys.executable).with_name("leopardnet")


def leopardnet(*arguments, code=0):
    """Run the command in this process; stdout and stderr. No traceback, ever."""
    with (
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
    ):
        patch.setattr(sys, "argv", ["leopardnet", *map(str, arguments)])
        patch.setenv("COLUMNS", "120")
        try:
            main()
            found = 0
        except SystemExit as stop:
            found = stop.code or 0
    return check_end(out.getvalue(), err.getvalue(), found, code)


def leopardnet_process(*arguments, code=0):
    """Run the command in a process of its own; stdout and stderr. No traceback, ever."""
    command = [str(COMMAND), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "120"})
    return check_end(result.stdout, result.stderr, result.returncode, code)


def check_end(out, err, found, code):
    assert "Traceback" not in out + err, out + err
    assert found == code, out + err
    return out, err
