"""Trackers: the library reads back what was recorded, and no file names the machine, the user or a folder."""

import importlib.util
import socket
import sys

import pytest
from PIL import Image

from leopardnet.core.errors import BackendError
from leopardnet.training.trackers import open_tracker

PLACE = "/a/folder-of-somebody"
SETTINGS = {
    "seed": 7,
    "optim": {"lr": 3e-4, "epochs": 2},
    "labels": {"targets": ["leopard"]},
    "detector": {"source": "file", "file": f"{PLACE}/boxes.json"},
}

HOST, USER = "machine-of-somebody", "somebody-with-a-name"


def scalars(folder, tag):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(tag)]


def everything_written(folder):
    return b"".join(str(p.relative_to(folder)).encode() + p.read_bytes() for p in folder.rglob("*") if p.is_file())


def assert_says_nothing_of_the_machine(folder):
    written = everything_written(folder)
    assert written
    for secret in (HOST, USER, PLACE, str(folder), str(folder.parent)):
        assert secret.encode() not in written, secret


@pytest.fixture(autouse=True)
def known_names(monkeypatch):
    """Names long enough not to occur by chance among bytes."""
    monkeypatch.setattr(socket, "gethostname", lambda: HOST)
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, USER)


@pytest.fixture
def run(tmp_path):
    return tmp_path / "a-folder-whose-path-nobody-needs" / "run"


@pytest.fixture
def png(tmp_path):
    Image.new("RGB", (5, 3), (250, 120, 10)).save(tmp_path / "p.png")
    return tmp_path / "p.png"


def test_tensorboard_reads_back_what_was_logged(run):
    tracker = open_tracker("tensorboard", run, SETTINGS)
    tracker.log({"val_macro_f1": 0.5, "train_loss": float("nan"), "lr": None}, step=0)
    tracker.log({"val_macro_f1": 0.75, "train_loss": 1.5}, step=1)
    assert scalars(run, "val_macro_f1") == [(0, 0.5), (1, 0.75)], "before it is closed, too: a run can be watched"
    tracker.close()
    assert scalars(run, "train_loss") == [(1, 1.5)]
    assert [p.name for p in (run / "tensorboard").iterdir()] == ["events.out.tfevents.0000.leopardnet"]
    assert_says_nothing_of_the_machine(run)


def test_the_library_s_own_writer_would_name_the_machine(run):
    """Why the records are written one level below it. If this fails, that writer can be used."""
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    EventFileWriter(str(run)).close()
    assert HOST in next(run.iterdir()).name


def test_tensorboard_shows_settings_and_pictures(run, png):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tracker = open_tracker("tensorboard", run, SETTINGS)
    tracker.log_image("curves", png)
    tracker.close()
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    [shown] = events.Images("curves")
    assert (shown.width, shown.height, shown.encoded_image_string) == (5, 3, png.read_bytes())
    [text] = events.Tensors("settings")
    said = text.tensor_proto.string_val[0].decode()
    assert "lr: 0.0003" in said and "file: boxes.json" in said
    assert_says_nothing_of_the_machine(run)


def test_a_resumed_run_opens_the_next_file_and_overrules_what_it_repeats(run):
    for values in ([(0, 0.5), (1, 0.25), (2, 0.125)], [(2, 0.75), (3, 1.0)]):  # stopped after 2, resumed from 1
        tracker = open_tracker("tensorboard", run, SETTINGS)
        for step, value in values:
            tracker.log({"score": value}, step)
        tracker.close()
    assert scalars(run, "score") == [(0, 0.5), (1, 0.25), (2, 0.75), (3, 1.0)]
    names = sorted(p.name for p in (run / "tensorboard").iterdir())
    assert names == ["events.out.tfevents.0000.leopardnet", "events.out.tfevents.0001.leopardnet"]


def test_without_a_tracker_nothing_is_written(run, png):
    tracker = open_tracker("none", run, SETTINGS)
    tracker.log({"score": 1.0}, step=0)
    tracker.log_image("curves", png)
    tracker.close()
    assert not run.exists()


@pytest.mark.parametrize(("kind", "extra"), [("tensorboard", "train"), ("mlflow", "train,mlflow")])
def test_a_missing_library_is_named_with_its_extra(run, monkeypatch, kind, extra):
    for name in [name for name in sys.modules if name.split(".")[0] == kind]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, kind, None)  # what an import then meets is an ImportError
    with pytest.raises(BackendError, match=f"{kind} is not installed") as caught:
        open_tracker(kind, run, {})
    assert f'-e ".[{extra}]"' in str(caught.value)


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="MLflow is an extra and not installed here")
def test_mlflow_reads_back_what_was_logged(run, png, monkeypatch):
    for name in ("MLFLOW_DISABLE_TELEMETRY", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.setenv(name, "true")  # as the tracker sets them itself, but taken back after the test
    from mlflow import MlflowClient

    for step, value in ((0, 0.5), (1, 0.75)):  # the second time is a resumed run
        tracker = open_tracker("mlflow", run, SETTINGS)
        tracker.log({"score": value, "train_loss": float("nan")}, step)
        tracker.log_image("curves", png)
        tracker.close()
    client = MlflowClient(tracking_uri=(run / "mlflow").as_uri())
    [found] = client.search_runs([client.get_experiment_by_name("leopardnet").experiment_id])
    assert [(m.step, m.value) for m in client.get_metric_history(found.info.run_id, "score")] == [
        (0, 0.5),
        (1, 0.75),
    ]
    assert found.data.params["optim.lr"] == "0.0003" and found.data.params["seed"] == "7"
    assert found.info.user_id == "unknown" and set(found.data.tags) == {"mlflow.runName"}
    assert found.info.status == "FINISHED" and "train_loss" not in found.data.metrics
    assert [p.name for p in run.rglob("*.png")] == ["curves.png"]
    assert_says_nothing_of_the_machine(run)
