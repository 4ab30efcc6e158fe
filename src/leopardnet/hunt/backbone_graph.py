"""EfficientNet-Lite as an ONNX graph, built from its weights without torch.

uint8 RGB [N, 3, S, S] → normalisation → stem, blocks and head of EfficientNet-Lite, with TensorFlow's `same`
padding and ReLU6 → a map [N, F, S/32, S/32] → pooled features [N, F] → outputs. Batch norm is folded into the
convolutions. `tests/unit/hunt/test_backbone_graph.py` compares it with timm's network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from leopardnet.core.weights.embedded_backbones import find_embedded

MEAN = STD = 127.5  # of the pixels that these weights were trained on
BATCH_NORM_EPS = 1e-3
GEM_EPS = 1e-4  # as `network.pooling`
STAGE_STRIDES = (1, 2, 2, 2, 1, 2, 1)
OPSET, IR_VERSION = 17, 8
State = Mapping[str, NDArray[Any]]


def build_feature_graph(state: State, backbone: str, *, size_px: int, gem_p: float) -> bytes:
    """Return the ONNX file of the network with its ImageNet head.

    Outputs: `imagenet`, logits [N, 1000], from the mean over the map, as the head was trained; `features` [N, F],
    its generalised mean of power `gem_p`. state: the weights under timm's names.
    """
    graph = _Graph(state, find_embedded(backbone).n_blocks)
    mean = graph.add("ReduceMean", [graph.map], axes=[2, 3], keepdims=0)
    weight = graph.constant(np.asarray(state["classifier.weight"], np.float32))
    bias = graph.constant(np.asarray(state["classifier.bias"], np.float32))
    graph.output("imagenet", graph.add("Gemm", [mean, weight, bias], transB=1), len(state["classifier.bias"]))
    graph.output("features", graph.pool(gem_p), state["classifier.weight"].shape[1])
    return graph.to_bytes(size_px)


def build_classifier_graph(state: State, backbone: str, *, size_px: int, gem_p: float) -> bytes:
    """Return the ONNX file of a classifier of a bundle, with logits and cosines to the class means, both [N, C].

    state: the weights of the backbone with the head in `classifier.*`, and `class_means` [C, F].
    """
    graph = _Graph(state, find_embedded(backbone).n_blocks)
    features, n_labels = graph.pool(gem_p), len(state["classifier.bias"])
    weight, bias, means = (
        graph.constant(np.asarray(state[name], np.float32))
        for name in ("classifier.weight", "classifier.bias", "class_means")
    )
    graph.output("logits", graph.add("Gemm", [features, weight, bias], transB=1), n_labels)
    length = graph.add("ReduceL2", [features], axes=[1], keepdims=1)
    direction = graph.add("Div", [features, graph.add("Max", [length, graph.constant(np.float32(1e-12))])])
    graph.output("cosines", graph.add("Gemm", [direction, means], transB=1), n_labels)
    return graph.to_bytes(size_px)


class _Graph:
    """The graph up to the map of features, `map`, and what is added behind it."""

    def __init__(self, state: State, n_blocks: tuple[int, ...]) -> None:
        self.state = state
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.outputs: list[Any] = []
        x = self.add("Cast", ["frames"], to=TensorProto.FLOAT)
        x = self.add("Sub", [x, self.constant(np.float32(MEAN))])
        x = self.add("Div", [x, self.constant(np.float32(STD))])
        x = self.relu6(self.convolve(x, "conv_stem", "bn1", stride=2))
        for i_stage, n in enumerate(n_blocks):
            for i in range(n):
                x = self.add_block(x, f"blocks.{i_stage}.{i}", stride=STAGE_STRIDES[i_stage] if i == 0 else 1)
        self.map = self.relu6(self.convolve(x, "conv_head", "bn2"))

    def add_block(self, x: str, name: str, *, stride: int) -> str:
        """Add a depthwise separable or an inverted residual block, with a way around it where sizes stay."""
        is_first = f"{name}.conv_pwl.weight" not in self.state
        y = x if is_first else self.relu6(self.convolve(x, f"{name}.conv_pw", f"{name}.bn1"))
        depthwise, last = ("bn1", "conv_pw") if is_first else ("bn2", "conv_pwl")
        y = self.relu6(self.convolve(y, f"{name}.conv_dw", f"{name}.{depthwise}", stride=stride))
        y = self.convolve(y, f"{name}.{last}", f"{name}.{'bn2' if is_first else 'bn3'}")
        n_in = self.state[f"{name}.conv_dw.weight" if is_first else f"{name}.conv_pw.weight"].shape[not is_first]
        n_out = self.state[f"{name}.{last}.weight"].shape[0]
        return self.add("Add", [x, y]) if stride == 1 and n_in == n_out else y

    def convolve(self, x: str, name: str, norm: str, *, stride: int = 1) -> str:
        """Add a convolution with the batch norm behind it folded in."""
        weight = self.state[f"{name}.weight"].astype(np.float64)
        scale, shift, mean, variance = (
            self.state[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = scale / np.sqrt(variance + BATCH_NORM_EPS)
        inputs = [x, self.constant(weight * factor[:, None, None, None]), self.constant(shift - mean * factor)]
        group = len(weight) if name.endswith("conv_dw") else 1
        shape = {"strides": [stride, stride], "group": group, "kernel_shape": list(weight.shape[2:])}
        return self.add("Conv", inputs, auto_pad="SAME_UPPER", **shape)

    def relu6(self, x: str) -> str:
        """Add a ReLU that ends at 6."""
        return self.add("Clip", [x, self.constant(np.float32(0)), self.constant(np.float32(6))])

    def pool(self, p: float) -> str:
        """Add the generalised mean of the map, [N, F]; see `network.pooling`."""
        if p == 1:
            return self.add("ReduceMean", [self.map], axes=[2, 3], keepdims=0)
        x = self.add("Max", [self.map, self.constant(np.float32(GEM_EPS))])
        x = self.add("Pow", [x, self.constant(np.float32(p))])
        return self.add(
            "Pow", [self.add("ReduceMean", [x], axes=[2, 3], keepdims=0), self.constant(np.float32(1 / p))]
        )

    def constant(self, values: NDArray[Any] | np.floating[Any]) -> str:
        """Add a constant and return its name."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, np.float32, order="C"), name))
        return name

    def add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        name = f"x{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def output(self, name: str, x: str, width: int) -> None:
        """Make `x`, float32 [N, width], an output of this name."""
        self.nodes.append(helper.make_node("Identity", [x], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width]))

    def to_bytes(self, size_px: int) -> bytes:
        """Return the ONNX file."""
        frames = helper.make_tensor_value_info("frames", TensorProto.UINT8, ["n", 3, size_px, size_px])
        graph = helper.make_graph(self.nodes, "leopardnet", [frames], self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())
