"""Boxes in some frames of every clip: found once, gone on with after a stop, and written as a table."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from leopardnet.core.errors import ConfigError, RunStopped
from leopardnet.core.settings.detection import NO_DETECTOR
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.data.scan.scan import scan
from leopardnet.detect.detector import choose_detector
from leopardnet.detect.footage_boxes import TABLE, find_footage_boxes

HERE = RuntimeConfig(workers=0)


@pytest.fixture
def card(tmp_path, write_video, rng):
    """A video, a still, and a file that ends too early."""
    folder = tmp_path / "card"
    folder.mkdir()
    shutil.move(write_video("clip.mp4", n_frames=40, size=(96, 64)), folder / "clip.mp4")
    Image.fromarray(rng.integers(0, 255, (100, 200, 3), dtype=np.uint8)).save(folder / "still.jpg")
    (folder / "broken.jpg").write_bytes((folder / "still.jpg").read_bytes()[:300])
    return folder


@pytest.fixture
def network(tmp_path):
    """The description of a network that finds an animal at the same place of every frame, and a person."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    answer = np.array([[[16, 24, 32, 40, 0.9, 0], [40, 24, 56, 40, 0.6, 1]]], np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["frames"], ["mean"], keepdims=0),
        helper.make_node("Constant", [], ["zero"], value=numpy_helper.from_array(np.zeros((), np.float32), "z")),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(answer, "c")),
        helper.make_node("Add", ["c", "nothing"], ["boxes"]),
    ]
    frames = helper.make_tensor_value_info("frames", TensorProto.FLOAT, [1, 3, 64, 64])
    output = helper.make_tensor_value_info("boxes", TensorProto.FLOAT, answer.shape)
    graph = helper.make_graph(nodes, "fixed", [frames], [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "tiny.onnx")
    description = {
        "name": "tiny",
        "model": "tiny.onnx",
        "classes": ["animal", "person"],
        "animals": ["animal"],
        "input": {"width_px": 64, "height_px": 64},
        "output": {"boxes": "xyxy", "scores": "one"},
    }
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(description))
    return str(tmp_path / "tiny.yaml")


def run(card, out, detector, **options):
    seen = []
    manifest = scan(card)
    times = {"clip.mp4": [0.0, 0.5, 1.0], "still.jpg": [0.0], "broken.jpg": [0.0]}
    by_id = {c.clip_id: np.array(times[c.path]) for c in manifest.clips() if c.path in times}
    options = {"runtime": HERE, "frames_id": "f"} | options
    table, n_unreadable = find_footage_boxes(
        manifest,
        by_id,
        out,
        detector=choose_detector(detector, NO_DETECTOR),
        on_progress=lambda *n: seen.append(n),
        **options,
    )
    paths = manifest.table.set_index("clip_id")["path"]
    return table.assign(path=table["clip_id"].map(paths)), n_unreadable, seen


def test_each_examined_frame_has_a_row_with_its_boxes(card, tmp_path, network):
    table, n_unreadable, seen = run(card, tmp_path / "out", network)
    assert table["path"].value_counts().to_dict() == {"clip.mp4": 3, "still.jpg": 1} and n_unreadable == 1
    cell = table.set_index("path")["boxes"]["still.jpg"]
    # 200 x 100 px fit into 64 x 64 at 0.32, 32 px high, from row 16
    assert [(b["xyxy"], b["score"], b.get("label")) for b in json.loads(cell)] == [
        (pytest.approx([0.25, 0.25, 0.5, 0.75], abs=1e-3), 0.9, None),
        (pytest.approx([0.625, 0.25, 0.875, 0.75], abs=1e-3), 0.6, "person"),
    ]
    assert set(table["box_source"]) == {"tiny"} and seen[-1] == (3, 3)
    written = pd.read_parquet(tmp_path / "out" / TABLE)
    pd.testing.assert_frame_equal(written, table.drop(columns="path"))
    assert sorted(x.name for x in card.iterdir()) == ["broken.jpg", "clip.mp4", "still.jpg"]


def test_nothing_is_examined_twice_unless_the_frames_or_the_detector_change(card, tmp_path, network):
    first, _, _ = run(card, tmp_path / "out", network)
    again, _, seen = run(card, tmp_path / "out", network)
    assert seen == [(3, 3)]
    pd.testing.assert_frame_equal(first, again)
    assert run(card, tmp_path / "out", network, retry_failed=True)[2] == [(2, 3), (3, 3)]
    assert run(card, tmp_path / "out", network, frames_id="g")[2][0] == (0, 3)
    moved, _, seen = run(card, tmp_path / "out", "motion")
    assert seen[0] == (0, 3) and set(moved["box_source"]) == {"motion"}
    assert moved.set_index("path")["boxes"]["still.jpg"] == "[]"  # a still has no motion


def test_a_stopped_run_goes_on(card, tmp_path, network):
    stops = iter([False, True])
    with pytest.raises(RunStopped, match="stopped after 1 of 3 clips"):
        run(card, tmp_path / "out", network, should_stop=lambda: next(stops))
    assert not (tmp_path / "out" / TABLE).exists()
    assert run(card, tmp_path / "out", network)[2][0] == (1, 3)


def test_processes_find_the_same_boxes(card, tmp_path, network):
    one, _, _ = run(card, tmp_path / "one", network)
    two, _, _ = run(card, tmp_path / "two", network, runtime=RuntimeConfig(workers=2))
    pd.testing.assert_frame_equal(one, two)


def test_clips_without_times_are_left_out_and_none_is_no_error(card, tmp_path, network):
    manifest = scan(card)
    table, n = find_footage_boxes(
        manifest, {}, tmp_path / "out", detector=choose_detector(network, NO_DETECTOR), frames_id="f", runtime=HERE
    )
    assert len(table) == n == 0 and (tmp_path / "out" / TABLE).is_file()
    with pytest.raises(ConfigError, match="no such detector"):
        run(card, tmp_path / "out", str(tmp_path / "missing.yaml"))
