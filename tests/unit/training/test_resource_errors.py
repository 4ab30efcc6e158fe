import subprocess
import sys

import pytest

from leopardnet.compose import load_config
from leopardnet.core.errors import BackendError
from leopardnet.training.fit.trainer import Trainer
from leopardnet.training.training_run import train

SMOKE = ["debug=smoke", "experiment.tracker=none"]


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(labelled, tmp_path):
    """Files may not grow past a limit that the weights fit into and the checkpoint does not."""
    labelled.write(tmp_path / "m.parquet")
    out = tmp_path / "run"
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, 1_200_000));"
        "from leopardnet.cli import main; sys.argv[1:] = sys.argv[1:]; main()"
    )
    command = ["train", str(tmp_path / "m.parquet"), *SMOKE, "--out", str(out)]
    first = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, timeout=300)
    assert first.returncode == 1 and "the disk is full" in first.stderr and "Traceback" not in first.stderr
    assert not list(out.rglob("*.part")), "half a file"
    again = subprocess.run(
        [sys.executable, "-m", "leopardnet", *command], capture_output=True, text=True, timeout=300
    )
    assert again.returncode == 0 and "continuing" in again.stderr, again.stderr


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_too_little_memory_names_the_setting_that_helps(labelled, tmp_path, monkeypatch, error):
    def gradients(*_):
        raise error

    monkeypatch.setattr(Trainer, "add_gradients", gradients)
    with pytest.raises(BackendError, match=r"not enough memory(.|\n)*micro_batch_size"):
        train(labelled, load_config("train", SMOKE), out=tmp_path)
    assert (tmp_path / "best.safetensors").is_file()
