"""Whoever ends a program that renders ends its workers, too."""

import signal
import subprocess
import sys

import psutil
import pytest

SCRIPT = """
import sys
from pathlib import Path
from leopardnet.synth.footage import render_footage
from leopardnet.synth.plan import FootageSpec

spec = FootageSpec(n_sites=40, clips_per_site=4, stills_per_site=0, width_px=320, height_px=180)
render_footage(Path(sys.argv[1]), spec, n_workers=2, on_progress=lambda n, n_all: print(n, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_workers_that_render_end_with_the_process_that_started_them(number, tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout.readline().strip() == "1", "workers are in the middle of it"
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    process.send_signal(number)
    process.wait(timeout=60)
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive
    assert len(list(tmp_path.rglob("*.MP4")) + list(tmp_path.rglob("*.AVI"))) < 150, "the rest was not rendered"
    process.stdout.close()
