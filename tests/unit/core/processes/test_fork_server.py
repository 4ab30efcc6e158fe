"""The process of which workers are copies, and Ctrl-C, which a terminal sends to all processes."""

import os
import signal
import subprocess
import sys

import pytest

SCRIPT = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, whoever began the tests
from leopardnet.infer.workers.preload import preload_workers
try:
    preload_workers()
    print("begun", flush=True)
    time.sleep(600)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="there is a fork server on Linux alone")
def test_an_interrupt_while_it_loads_its_modules_is_left_to_the_caller():
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", SCRIPT], start_new_session=True, **pipes) as process:
        assert process.stdout.readline() == "begun\n"
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)  # all of them have ended
    assert (out, err, process.returncode) == ("stopped\n", "", 0)
