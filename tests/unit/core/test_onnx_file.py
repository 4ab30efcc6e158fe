"""A stranger's network: weights in other files are found wherever they hide, and broken files are one message."""

import numpy as np
import pytest

from leopardnet.core.errors import BackendError, BundleError
from leopardnet.core.onnx_file import refuse_unsafe_graph

onnx = pytest.importorskip("onnx", reason="the extra [train] is not installed")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


def weights(*, external=False):
    tensor = numpy_helper.from_array(np.ones((2, 2), np.float32), "w")
    if external:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="../secret.bin")
    return tensor


def graph(*nodes, tensors=(), name="g"):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 2])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 2])
    return helper.make_graph(nodes or [helper.make_node("Add", ["x", "w"], ["y"])], name, [x], [y], tensors)


def saved(tmp_path, made):
    made = helper.make_model(made) if isinstance(made, onnx.GraphProto) else made
    (tmp_path / "m.onnx").write_bytes(made.SerializeToString())
    return tmp_path / "m.onnx"


def in_function():
    model = helper.make_model(graph(tensors=[weights()]))
    constant = helper.make_node("Constant", [], ["w"], value=weights(external=True))
    model.functions.append(helper.make_function("d", "F", [], ["w"], [constant], [helper.make_opsetid("", 17)]))
    return model


def in_branch():
    inner = graph(helper.make_node("Identity", ["v"], ["y"]), tensors=[weights(external=True)], name="branch")
    return graph(helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner))


def in_list():
    node = helper.make_node("Anything", ["x"], ["y"])
    node.attribute.append(helper.make_attribute("many", [weights(), weights(external=True)]))
    return graph(node)


def in_sparse():
    made = graph()
    made.sparse_initializer.add().values.CopyFrom(weights(external=True))
    return made


HIDDEN = {
    "initializer": lambda: graph(tensors=[weights(), weights(external=True)]),
    "function": in_function,
    "branch": in_branch,
    "list": in_list,
    "sparse": in_sparse,
    "constant": lambda: graph(helper.make_node("Constant", [], ["y"], value=weights(external=True))),
}


@pytest.mark.parametrize("where", HIDDEN)
def test_weights_in_another_file_are_refused(tmp_path, where):
    with pytest.raises(BundleError, match="refers to another file"):
        refuse_unsafe_graph(saved(tmp_path, HIDDEN[where]()))


def test_the_word_alone_is_refused_and_weights_inside_are_not(tmp_path):
    tensor = weights()
    tensor.data_location = TensorProto.DEFAULT
    refuse_unsafe_graph(saved(tmp_path, graph(tensors=[tensor])))
    tensor.data_location = TensorProto.EXTERNAL
    with pytest.raises(BundleError, match="refers to another file"):
        refuse_unsafe_graph(saved(tmp_path, graph(tensors=[tensor])))


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00", b"no network at all", b"\xff" * 40, b"\x3a\x7f", b"\x3a" + b"\xff" * 12, b"\x08\x08", b"\x0b"],
)
def test_what_is_no_network_is_one_message(tmp_path, data):
    (tmp_path / "m.onnx").write_bytes(data)
    with pytest.raises(BundleError, match="not an ONNX network"):
        refuse_unsafe_graph(tmp_path / "m.onnx")


def test_a_network_cut_anywhere_before_the_end_of_its_graph_is_refused(tmp_path):
    made = graph(tensors=[weights()])
    data = saved(tmp_path, made).read_bytes()
    end = data.index(made.SerializeToString()) + made.ByteSize()
    for n in range(end):
        (tmp_path / "m.onnx").write_bytes(data[:n])
        with pytest.raises(BundleError, match="not an ONNX network"):
            refuse_unsafe_graph(tmp_path / "m.onnx")


def test_the_caller_chooses_the_class_of_the_error(tmp_path):
    with pytest.raises(BackendError, match="refers to another file") as caught:
        refuse_unsafe_graph(saved(tmp_path, graph(tensors=[weights(external=True)])), error=BackendError)
    assert caught.value.parts == {
        "where": "m.onnx",
        "found": "weights in another file",
        "expected": "one file with all weights inside",
        "do": "ask its author for a single file, or do not use it",
    }


def test_the_depth_of_nested_graphs_is_limited(tmp_path):
    inner = graph()
    for _ in range(25):
        inner = graph(helper.make_node("If", ["x"], ["y"], then_branch=inner))
    with pytest.raises(BundleError, match="nested more than"):
        refuse_unsafe_graph(saved(tmp_path, inner))
