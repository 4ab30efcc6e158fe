"""Verbs that are ended midway say what was stopped, what is kept and how to go on, and leave nothing behind."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

# the command, with a line of progress for each item
SCRIPT = "from leopardnet.cli import console; console.LOG_EVERY_S = console.RATE_FROM_S = 0.0; console.main()"


def end_at(marker, number, *arguments):
    """Run a verb, and end it once a line of its progress has `marker`; (exit code, its last line, its workers)."""
    command = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes, env=os.environ | {"COLUMNS": "120"}) as process:
        told = []
        for line in process.stderr:
            told.append(line)
            if marker in line:
                break
        else:
            raise AssertionError(f"it ended before {marker!r}: {''.join(told)}")
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        told += process.stderr.readlines()
    assert "Traceback" not in "".join(told)
    assert not psutil.wait_procs(workers, timeout=60)[1], "no worker lives on"
    return process.returncode, told[-1].strip(), workers


def list_parts(folder):
    return [path for path in folder.rglob("*") if ".part" in path.name]


def test_a_demo(tmp_path):
    out = tmp_path / "d"
    found, line, workers = end_at("rendering footage: 2 of", signal.SIGTERM, "demo", "--short", "--out", out)
    assert (found, len(workers) >= 2) == (143, True)
    assert line == f"demo was ended by SIGTERM; what it wrote is in {out}; the same command begins the demo anew"
    assert not list_parts(tmp_path)


def test_training_goes_on_with_the_same_command(labelled, tmp_path):
    pytest.importorskip("torch", reason="the extra [train] is not installed")
    command = ("train", labelled.write(tmp_path / "m.parquet"), "--out", tmp_path / "r", "debug=smoke")
    found, line, _ = end_at("epoch 1", signal.SIGTERM, *command)
    assert found == 143
    assert line == (
        f"train was ended by SIGTERM; finished epochs are kept in {tmp_path / 'r'}; "
        "give the same command again to continue"
    )
    assert not list_parts(tmp_path)
    assert end_at("continuing an unfinished run", signal.SIGTERM, *command)[0] == 143


@pytest.mark.parametrize(
    ("number", "name", "code"), [(signal.SIGTERM, "SIGTERM", 143), (signal.SIGINT, "Ctrl-C", 130)]
)
def test_any_verb(number, name, code, footage, tmp_path):
    found, line, _ = end_at("reading", number, "scan", footage, "--out", tmp_path / "m.csv")
    assert found == code
    assert line == (
        f"scan was ended by {name}; what was finished is kept, and nothing is half-written; "
        "give the same command again to continue"
    )
    assert not list(tmp_path.iterdir())
