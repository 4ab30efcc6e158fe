"""Export of networks to ONNX files without information about the machine."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from leopardnet.core.tables import atomic_path

if TYPE_CHECKING:  # the export of the detector must not import timm
    from leopardnet.network.classifier import Classifier


def export_onnx(
    model: nn.Module, frames: Tensor, path: Path, *, shape: Mapping[int, Any], outputs: Sequence[str]
) -> Path:
    """Write the network with the input `frames` and outputs of these names, and return `path`.

    frames: an example of the input, uint8 [N, 3, H, W]; shape: its variable dimensions, as `torch.export.Dim`.
    """
    import onnx

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about its own deprecations
        program = torch.onnx.export(
            model,
            (frames,),
            input_names=["frames"],
            output_names=list(outputs),
            dynamo=True,
            dynamic_shapes=(dict(shape),),
            verbose=False,
        )
    graph = program.model_proto  # type: ignore[union-attr]
    _strip_metadata(graph)
    with atomic_path(path) as part:
        onnx.save(graph, part)
    return path


def export_classifier(model: Classifier, path: Path, *, size_px: int) -> Path:
    """Write a classifier, uint8 [N, 3, S, S] → float32 logits [N, C] for any N, and return `path`.

    A network with class means has a second output, the cosines to them, float32 [N, C].
    """
    frames = torch.zeros((2, 3, size_px, size_px), dtype=torch.uint8)
    model, shape = model.cpu().eval(), {0: torch.export.Dim("n")}
    if not model.has_class_means:
        return export_onnx(model, frames, path, shape=shape, outputs=["logits"])
    return export_onnx(_AllOutputs(model), frames, path, shape=shape, outputs=["logits", "cosines"])


class _AllOutputs(nn.Module):
    """A classifier whose forward pass returns all outputs."""

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.model = model

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.answers(frames)


def _strip_metadata(graph: Any) -> None:
    """Remove the exporter's metadata, which contains paths of source files on this machine."""
    graph.ClearField("metadata_props")
    for part in (graph.graph, *graph.functions):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
        for entry in (*part.node, *part.value_info, *getattr(part, "input", ()), *getattr(part, "output", ())):
            if hasattr(entry, "ClearField"):  # the inputs of functions are plain strings
                entry.ClearField("metadata_props")
                entry.ClearField("doc_string")
    for tensor in graph.graph.initializer:
        tensor.ClearField("metadata_props")
        tensor.ClearField("doc_string")
