"""The process of which workers are copies, and Ctrl-C, which a terminal sends to all processes."""

import os
import signal
import subprocess
import sys

import pytest

SCRIPT = """
import signal, time
from leopardnet.core.processes.fork_server import start_fork_server
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, whoever began the tests
start_fork_server(["slow_to_load"])
try:
    time.sleep(600)
except KeyboardInterrupt:
    pass
"""
MODULE = """
import os, time
caller = os.getppid()
print("loading", flush=True)
while os.getppid() == caller:
    time.sleep(0.01)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="there is a fork server on Linux alone")
def test_an_interrupt_while_it_loads_its_modules_is_left_to_the_caller(tmp_path):
    (tmp_path / "slow_to_load.py").write_text(MODULE)
    places = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": os.environ | {"PYTHONPATH": places}}
    with subprocess.Popen([sys.executable, "-c", SCRIPT], start_new_session=True, text=True, **pipes) as process:
        assert process.stdout.readline() == "loading\n"
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)  # all of them have ended
    assert (out, err, process.returncode) == ("", "", 0)
