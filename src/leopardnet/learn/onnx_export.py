"""A torch network as an ONNX file that says nothing about the machine which wrote it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from leopardnet.core.tables import atomic_path


def export_onnx(model: nn.Module, frames: Tensor, path: Path, *, shape: Mapping[int, Any], output: str) -> Path:
    """`path`, after writing the network there: input `frames`, one output of this name.

    frames: an example of the input, uint8 [N, 3, H, W]; shape: which of its sides may change, as `torch.export.Dim`.
    """
    import onnx

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about its own deprecations
        program = torch.onnx.export(
            model, (frames,), input_names=["frames"], output_names=[output], dynamo=True,
            dynamic_shapes=(dict(shape),), verbose=False,
        )  # fmt: skip
    graph = program.model_proto  # type: ignore[union-attr]
    _forget_origin(graph)
    with atomic_path(path) as part:
        onnx.save(graph, part)
    return path


def export_classifier(model: nn.Module, path: Path, *, size_px: int) -> Path:
    """`path`, after writing a classifier there: uint8 [N, 3, S, S] → float32 logits [N, C], any N."""
    frames = torch.zeros((2, 3, size_px, size_px), dtype=torch.uint8)
    return export_onnx(model.cpu().eval(), frames, path, shape={0: torch.export.Dim("n")}, output="logits")


def _forget_origin(graph: Any) -> None:
    """Take out the exporter's notes: they hold the paths of source files on the machine that trained the model."""
    graph.ClearField("metadata_props")
    for part in (graph.graph, *graph.functions):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
        for entry in (*part.node, *part.value_info, *getattr(part, "input", ()), *getattr(part, "output", ())):
            if hasattr(entry, "ClearField"):  # the inputs of a function are plain names
                entry.ClearField("metadata_props")
                entry.ClearField("doc_string")
    for tensor in graph.graph.initializer:
        tensor.ClearField("metadata_props")
        tensor.ClearField("doc_string")
