"""A sound network of the user's own: described by a YAML, asked window by window, refused where it does not fit."""

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper

from leopardnet.core.errors import BackendError, ConfigError, LeopardnetError
from leopardnet.sound.networks.sound_network import open_sound_network
from leopardnet.sound.track import Track

RATE_HZ = 8000


def write_network(folder, *, n_labels=2, external=False, scale=1.0, **description):
    """A network whose label i has the mean absolute value of the window, times 1, 0.5, …, as its score."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1, n_labels], [scale / (i + 1) for i in range(n_labels)])
    if external:
        weights.data_location = TensorProto.EXTERNAL
        weights.external_data.add(key="location", value="weights.bin")
    nodes = [
        helper.make_node("Abs", ["x"], ["a"]),
        helper.make_node("ReduceMean", ["a"], ["m"], axes=[1], keepdims=1),
        helper.make_node("Mul", ["m", "w"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, RATE_HZ])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, n_labels])
    graph = helper.make_graph(nodes, "loud", [x], [y], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    (folder / "loud.onnx").write_bytes(model.SerializeToString())
    values = {
        "name": "loud", "model": "loud.onnx", "sample_rate_hz": RATE_HZ, "window_s": 1.0, "hop_s": 1.0,
        "labels": ["whistle", "talk"], "min_score": 0.4,
    } | description  # fmt: skip
    path = folder / "loud.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in values.items() if v is not None}), "utf-8")
    return path


def track_of(*levels, rate_hz=RATE_HZ, start_s=0.0):
    """A second of each level; the last may be a share of one."""
    return Track(np.concatenate([np.full(rate_hz, v, np.float32) for v in levels]), rate_hz, start_s)


def told(found):
    return [(s.start_s, s.end_s, s.kind, round(s.score, 3)) for s in found]


def test_windows_that_follow_each_other_are_one_sound(tmp_path):
    network = open_sound_network(write_network(tmp_path))
    found = network.find(track_of(0.0, 0.5, 0.75, 0.0, 0.9, start_s=0.25))
    assert told(found) == [
        (1.25, 3.25, "network:whistle", 0.75),
        (4.25, 5.25, "network:talk", 0.45),
        (4.25, 5.25, "network:whistle", 0.9),
    ]
    assert found[0].peak_hz is None and found[0].source.startswith("loud ")


def test_overlapping_windows_and_the_rest_of_a_track(tmp_path):
    network = open_sound_network(write_network(tmp_path, hop_s=0.5))
    assert told(network.find(track_of(1.0))) == [
        (0.0, 1.0, "network:talk", 0.5),
        (0.0, 1.0, "network:whistle", 1.0),
    ]
    short = Track(np.full(6000, 0.8, np.float32), RATE_HZ)  # three quarters of a window, the rest is silent
    assert told(network.find(short)) == [(0.0, 0.75, "network:whistle", 0.6)]
    assert network.find(Track(np.zeros(0, np.float32), RATE_HZ)) == []


def test_another_rate_is_converted(tmp_path):
    network = open_sound_network(write_network(tmp_path))
    _, whistle = network.find(track_of(0.9, 0.9, rate_hz=4000))
    assert (whistle.start_s, whistle.end_s) == (0.0, 2.0) and whistle.score == pytest.approx(0.9, abs=0.02)


def test_labels_that_are_wanted_and_those_of_voices(tmp_path):
    network = open_sound_network(write_network(tmp_path, only=["whistle"], voices=["talk"]))
    assert told(network.find(track_of(1.0))) == [(0.0, 1.0, "network:whistle", 1.0), (0.0, 1.0, "voice", 0.5)]
    alone = open_sound_network(write_network(tmp_path, only=["talk"]))
    assert [s.kind for s in alone.find(track_of(1.0))] == ["network:talk"]


def test_labels_in_a_file_and_outputs_before_the_sigmoid(tmp_path):
    (tmp_path / "names.txt").write_text("ауу\ntalk\n\n", "utf-8")
    path = write_network(tmp_path, labels=None, labels_file="names.txt", scores="logits")
    found = open_sound_network(path.with_suffix(".onnx")).find(track_of(1.0))
    assert told(found) == [(0.0, 1.0, "network:talk", 0.622), (0.0, 1.0, "network:ауу", 0.731)]


@pytest.mark.parametrize(
    ("description", "error", "found"),
    [
        ({"labels": ["one"]}, BackendError, "does not match its labels"),
        ({"scale": 4.0}, BackendError, "outside 0 to 1"),
        ({"external": True}, BackendError, "refers to another file"),
        ({"model": "gone.onnx"}, BackendError, "missing"),
        ({"model": "../loud.onnx"}, ConfigError, "model"),
        ({"labels": None}, ConfigError, "labels"),
        ({"labels": None, "labels_file": "gone.txt"}, ConfigError, "gone.txt"),
        ({"only": ["bird"]}, ConfigError, "bird"),
        ({"hop_s": 2.0}, ConfigError, "hop_s"),
        ({"windows_s": 2.0}, ConfigError, "windows_s"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, description, error, found):
    path = write_network(tmp_path, **description)
    with pytest.raises(error, match=found):
        open_sound_network(path).find(track_of(1.0))


@pytest.mark.parametrize("text", ["[", "just words", "- 1"])
def test_a_description_that_is_none(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match="description"):
        open_sound_network(path)
    with pytest.raises(ConfigError, match="no such sound network"):
        open_sound_network(tmp_path / "gone.yaml")


def test_a_network_that_nothing_can_load(tmp_path):
    path = write_network(tmp_path)
    graph = onnx.load(tmp_path / "loud.onnx")
    graph.graph.node[0].op_type = "NoSuchOperation"
    (tmp_path / "loud.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(BackendError, match="load the sound network"):
        open_sound_network(path)
    (tmp_path / "loud.onnx").write_bytes(b"junk")
    with pytest.raises(LeopardnetError):
        open_sound_network(path)
