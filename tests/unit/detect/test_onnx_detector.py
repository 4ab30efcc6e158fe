"""Networks of several families: made by hand, run on OpenVINO, read as their descriptions say."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from leopardnet.core.errors import BackendError, ConfigError
from leopardnet.core.settings.detection import DetectorConfig, NetworkConfig, NetworkInput, NetworkOutput
from leopardnet.detect.detector import detector_id, load_network, open_detector
from leopardnet.detect.onnx_detector import OnnxNetwork, fit_to_input, read_output

onnx = pytest.importorskip("onnx", reason="the extra [detector] is not installed")

FRAME = np.zeros((100, 200, 3), np.uint8)


def graph(*answers, kind="FLOAT", size=64):
    """An ONNX network that answers every input with these arrays."""
    from onnx import TensorProto, helper, numpy_helper

    frames = helper.make_tensor_value_info("frames", getattr(TensorProto, kind), [1, 3, size, size])
    # the answer is the same for every input, but depends on it: its mean, times 0, is added
    zero = numpy_helper.from_array(np.zeros((), np.float32), "z")
    nodes = [
        helper.make_node("ReduceMean", ["frames"], ["mean"], keepdims=0),
        helper.make_node("Constant", [], ["zero"], value=zero),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
    ]
    outputs = []
    for i, answer in enumerate(answers):
        tensor = numpy_helper.from_array(np.asarray(answer, np.float32), f"c{i}")
        nodes.append(helper.make_node("Constant", [], [f"c{i}"], value=tensor))
        nodes.append(helper.make_node("Add", [f"c{i}", "nothing"], [f"o{i}"]))
        outputs.append(helper.make_tensor_value_info(f"o{i}", TensorProto.FLOAT, np.shape(answer)))
    made = helper.make_graph(nodes, "fixed", [frames], outputs)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def config(**output):
    classes = output.pop("classes", ("animal", "person"))
    return NetworkConfig(
        name="n",
        model="n.onnx",
        classes=classes,
        animals=("animal",),
        input=NetworkInput(width_px=64, height_px=64),
        output=NetworkOutput(**output),
    )


def found(cfg, *answers):
    return OnnxNetwork(cfg, graph(*answers)).find_boxes(FRAME, time_s=1.5, source="n")


# The frame of 200 x 100 px fits into 64 x 64 at 0.32, 32 px high, from row 16: the box is 50 to 100, 25 to 75.
CXCYWH, XYXY = [24, 32, 16, 16], [16, 24, 32, 40]


@pytest.mark.parametrize(
    ("cfg", "answers"),
    [
        (config(scores="objectness_classes"), [[[[*CXCYWH, 0.8, 0.5, 0.1]]]]),  # YOLOv5, MegaDetector v5
        (config(scores="classes"), [np.array([[*CXCYWH, 0.4, 0.1]]).T[None]]),  # YOLOv8 to 11: [1, 4 + C, A]
        (config(scores="classes"), [[[[*CXCYWH, 0.4, 0.1]]]]),
        (config(scores="one", boxes="xyxy"), [[[[*XYXY, 0.4]]]]),
        (
            config(scores="one", boxes="xyxy"),
            [[[[*XYXY, 0.4, 0.0]]]],
        ),  # YOLOv10 and networks that choose themselves
        (config(scores="classes", unit="fraction"), [[[[*(v / 64 for v in CXCYWH), 0.4, 0.1]]]]),  # RT-DETR
        (config(scores="class_logits", unit="fraction"), [[[[-0.405465, -3.0]]], [[[v / 64 for v in CXCYWH]]]]),
    ],
    ids=["v5", "v8", "v8 turned", "one", "v10", "rt-detr", "detr, two outputs"],
)
def test_boxes_of_every_family_come_out_in_px_of_the_frame(cfg, answers):
    boxes = found(cfg, *(np.asarray(a, np.float32).reshape(1, *np.shape(a)[-2:]) for a in answers))
    assert boxes.xyxy.round(2).tolist() == [[50, 25, 100, 75]] and boxes.labels == ("animal",)
    assert boxes.scores.tolist() == pytest.approx([0.4], abs=1e-4)
    assert (boxes.time_s, boxes.size_px, boxes.source) == (1.5, (200, 100), "n")


def test_the_best_box_stands_first_overlapping_ones_count_once_and_people_are_no_animals():
    rows = [[*XYXY, 0.5, 0], [16, 25, 32, 40, 0.9, 0], [0, 16, 8, 24, 0.6, 1], [40, 16, 48, 24, 0.01, 0]]
    boxes = found(config(scores="one", boxes="xyxy"), [rows])
    assert boxes.scores.tolist() == pytest.approx([0.9, 0.6]) and boxes.labels == ("animal", "person")
    assert len(found(config(scores="one", boxes="xyxy", overlap=1.0), [rows])) == 3


def test_a_box_over_the_edge_is_cut_and_no_box_is_an_answer():
    boxes = found(config(scores="one", boxes="xyxy"), [[[-9, 0, 70, 70, 0.5]]])
    assert boxes.xyxy.tolist() == [[0, 0, 200, 100]]
    assert len(found(config(scores="one", boxes="xyxy"), [[[*XYXY, 0.001]]])) == 0


def test_an_output_that_is_not_as_described_says_so():
    with pytest.raises(BackendError, match="does not match its description") as error:
        found(config(scores="classes"), np.zeros((1, 7, 9)))
    assert error.value.parts["found"] == "[1, 7, 9]" and error.value.parts["expected"].startswith("[1, A, 6]")
    with pytest.raises(BackendError, match="scores outside 0 to 1"):
        found(config(scores="classes"), [[[*CXCYWH, 4.0, -2.0]]])
    with pytest.raises(BackendError, match="cannot load the detector"):
        OnnxNetwork(config(), b"no network")


def test_a_frame_is_fitted_without_being_turned_or_stretched():
    frame = np.arange(100 * 200 * 3, dtype=np.uint32).astype(np.uint8).reshape(100, 200, 3)
    frame[:, :100] = (250, 0, 0)
    cfg = NetworkInput(width_px=64, height_px=64, place="top_left", pad=7)
    x, scale, shift = fit_to_input(frame, cfg)
    assert x.shape == (3, 64, 64) and scale.tolist() == [0.32, 0.32] and shift.tolist() == [0, 0]
    assert x[:, 10, 10].tolist() == [250, 0, 0] and (x[:, 32:] == 7).all()
    flexible = NetworkInput(width_px=64, height_px=64, stride_px=16, scales=(1.0, 0.5))
    assert fit_to_input(frame, flexible)[0].shape == (3, 32, 64) and fit_to_input(frame, flexible, size=0.5)[
        0
    ].shape == (3, 16, 32)
    squashed = NetworkInput(width_px=64, height_px=64, resize="squash")
    assert fit_to_input(frame, squashed)[1].tolist() == [0.32, 0.64]


def test_descriptions_that_contradict_themselves_are_refused():
    with pytest.raises(ValueError, match="set stride_px"):
        NetworkInput(scales=(1.0, 0.5))
    with pytest.raises(ValueError, match="must be in `classes`"):
        NetworkConfig(name="n", model="n.onnx", classes=("cat",), animals=("dog",))
    with pytest.raises(ValueError, match="pattern"):
        NetworkConfig(name="n", model="../n.onnx")


def write(folder, name="mine", **changes):
    (folder / f"{name}.onnx").write_bytes(graph([[[*XYXY, 0.7]]]))
    text = {
        "name": name,
        "model": f"{name}.onnx",
        "input": {"width_px": 64, "height_px": 64},
        "output": {"boxes": "xyxy", "scores": "one"},
    } | changes
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(text))
    return folder / f"{name}.yaml"


def test_a_network_file_and_its_description_are_one_detector(tmp_path):
    path = write(tmp_path)
    by_onnx, by_yaml = (DetectorConfig(source="file", file=str(p)) for p in (path.with_suffix(".onnx"), path))
    assert open_detector(by_onnx, tmp_path).source == "mine"
    assert open_detector(by_onnx, tmp_path) is open_detector(by_yaml, tmp_path), "opened once in a process"
    before = detector_id(by_onnx)
    assert before == detector_id(by_yaml) != detector_id(by_onnx.model_copy(update={"margin": 0.5}))
    path.with_suffix(".onnx").write_bytes(graph([[[*XYXY, 0.8]]]))
    assert detector_id(by_onnx) != before, "another network finds other boxes"


def test_a_network_with_weights_in_another_file_is_refused_before_it_is_opened(tmp_path):
    path = write(tmp_path)
    model = onnx.load_model_from_string(graph([[[*XYXY, 0.7]]]))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(500, np.float32), "more"))
    onnx.save_model(
        model, path.with_suffix(".onnx"), save_as_external_data=True, location="beside.bin", size_threshold=0
    )
    assert (tmp_path / "beside.bin").stat().st_size > 0, "the other file is there, and could be read"
    with pytest.raises(BackendError, match="the network refers to another file") as error:
        open_detector(DetectorConfig(source="file", file=str(path)), tmp_path)
    assert error.value.parts["where"] == "mine.onnx" and "a single file" in error.value.parts["do"]
    path.with_suffix(".onnx").write_bytes(b"no network")
    with pytest.raises(BackendError, match="not an ONNX network"):
        load_network(path)


def test_every_mistake_in_a_description_has_its_message(tmp_path):
    path = write(tmp_path, colour="red")
    with pytest.raises(ConfigError, match="unknown setting 'colour'"):
        load_network(path)
    path.write_text("[1, 2")
    with pytest.raises(ConfigError, match="is not YAML"):
        load_network(path)
    path.write_text("- a list")
    with pytest.raises(ConfigError, match="description of the detector is not valid"):
        load_network(path)
    path = write(tmp_path, model="other.onnx")
    with pytest.raises(BackendError, match="missing or too large"):
        load_network(path)
    with pytest.raises(ConfigError, match="no such detector") as error:
        open_detector(DetectorConfig(source="file", file=str(tmp_path / "gone.json")), tmp_path)
    assert error.value.parts["found"] == "gone.json", "no path of this machine"


def test_reading_nothing_gives_nothing():
    xyxy, scores, classes = read_output([np.zeros((1, 0, 5))], config(scores="one", boxes="xyxy"), (64, 64))
    assert xyxy.shape == (0, 4) and len(scores) == len(classes) == 0
