"""Whoever ends a program that renders ends its workers, too."""

import subprocess
import sys

import psutil

SCRIPT = """
import sys
from pathlib import Path
from leopardnet.synth.footage import render_footage
from leopardnet.synth.plan import FootageSpec

spec = FootageSpec(n_sites=40, clips_per_site=4, stills_per_site=0, width_px=320, height_px=180)
render_footage(Path(sys.argv[1]), spec, n_workers=2, on_progress=lambda n, n_all: print(n, flush=True))
"""


def test_workers_that_render_end_with_the_process_that_started_them(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "1", "workers are in the middle of it"
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) >= 2
    process.terminate()
    process.wait(timeout=10)
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    process.stdout.close()
