"""Boxes from a detector network on OpenVINO: an ONNX file with a YAML that describes its input and output."""

from __future__ import annotations

import threading
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import BackendError
from leopardnet.core.labels import ANIMAL
from leopardnet.core.settings.detection import NetworkConfig, NetworkInput, NetworkOutput
from leopardnet.core.ties import DECIMALS, order_descending, round_scores
from leopardnet.core.types import Boxes

MIN_SCORE = 0.02  # below this, every network gives thousands of boxes that are noise
MAX_BOXES = 20  # of a frame
Found = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


class OnnxNetwork:
    """A compiled detector network. Raises BackendError if OpenVINO cannot load it."""

    def __init__(self, config: NetworkConfig, graph: bytes, *, threads: int = 0) -> None:
        import openvino

        self.config, self._lock = config, threading.Lock()  # a compiled network runs one request at a time
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
        }
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        core = openvino.Core()
        try:
            model = core.read_model(graph)
            self._is_float = str(model.input(0).get_element_type().get_type_name()) != "u8"
            self._model = core.compile_model(model, "CPU", options)
        except (RuntimeError, IndexError) as error:  # IndexError: a network without an input
            raise BackendError(
                "OpenVINO cannot load the detector network",
                where=config.model,
                found=str(error).splitlines()[0][:200],
                todo="check that the file is a complete ONNX network",
            ) from None

    def find_boxes(self, frame: NDArray[np.uint8], *, time_s: float, source: str) -> Boxes:
        """Return the boxes of a frame uint8 [H, W, 3] RGB, in its px, best first, without overlapping ones."""
        height, width = frame.shape[:2]
        found = [self._detect_at_scale(frame, scale) for scale in self.config.input.scales]
        xyxy, scores, classes = (np.concatenate(part) for part in zip(*found, strict=True))
        order = order_descending(scores)
        kept = suppress_overlaps(
            xyxy[order], round_scores(scores[order]), classes[order], self.config.output.overlap
        )
        chosen = order[kept][:MAX_BOXES]
        inside = np.clip(xyxy[chosen], 0, [width, height, width, height]).astype(np.float32)
        labels = tuple(self._label(c) for c in classes[chosen].tolist())
        return Boxes(inside, scores[chosen].astype(np.float32), labels, time_s, (width, height), source)

    def _detect_at_scale(self, frame: NDArray[np.uint8], size: float) -> Found:
        x, scale, shift = fit_to_input(frame, self.config.input, size=size)
        with self._lock:
            outputs = [np.array(o) for o in self._model({0: self._convert_input(x[None])}).values()]
        xyxy, scores, classes = read_output(outputs, self.config, x.shape[1:])
        return (xyxy - np.tile(shift, 2)) / np.tile(scale, 2), scores, classes

    def _label(self, i_class: int) -> str:
        names = self.config.classes
        name = names[i_class] if 0 <= i_class < len(names) else f"class {i_class}"
        return ANIMAL if name in self.config.animals else name

    def _convert_input(self, x: NDArray[np.uint8]) -> NDArray[Any]:
        return x.astype(np.float32) / np.float32(self.config.input.scale) if self._is_float else x


def fit_to_input(
    frame: NDArray[np.uint8], config: NetworkInput, *, size: float = 1.0
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
    """Return the input uint8 [3, h, w] of a frame uint8 [H, W, 3], and its scale and shift (x, y).

    size: 1 for the full size of the input, 0.5 for half of it.

    >>> x, scale, shift = fit_to_input(np.zeros((90, 160, 3), np.uint8), NetworkInput(width_px=64, height_px=64))
    >>> x.shape, scale.tolist(), shift.tolist()
    ((3, 64, 64), [0.4, 0.4], [0.0, 14.0])
    """
    height, width = frame.shape[:2]
    full_w, full_h = round(config.width_px * size), round(config.height_px * size)
    if config.resize == "squash":
        w, h = full_w, full_h
    else:
        scale = min(full_w / width, full_h / height)
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
    is_smaller = w * h < width * height
    resized = cv2.resize(frame, (w, h), interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR)
    if config.stride_px:
        full_w, full_h = (-(-n // config.stride_px) * config.stride_px for n in (w, h))
    x, y = ((full_w - w) // 2, (full_h - h) // 2) if config.place == "centre" else (0, 0)
    canvas = np.full((full_h, full_w, 3), config.pad, np.uint8)
    canvas[y : y + h, x : x + w] = resized
    return canvas.transpose(2, 0, 1), np.array([w / width, h / height]), np.array([x, y], np.float64)


def read_output(outputs: list[NDArray[Any]], config: NetworkConfig, size: tuple[int, ...]) -> Found:
    """Return boxes xyxy in px of the input float64 [K, 4], scores float64 [K] and classes int64 [K] of one frame.

    outputs: of the network for a batch of one; size: height and width of its input. Raises BackendError if they do
    not fit the description.
    """
    boxes, rest = _split_outputs(outputs, config)
    scores, classes = _scores(rest, config.output, len(config.classes), config.model)
    keep = scores >= MIN_SCORE
    return _to_corners(boxes[keep], config.output, size), scores[keep], classes[keep]


def _split_outputs(
    outputs: list[NDArray[Any]], config: NetworkConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the four numbers of every box [A, 4], and its scores and classes [A, K]."""
    arrays = [np.asarray(o, np.float64) for o in outputs]
    arrays = [a[0] if a.ndim == 3 else a for a in arrays]
    n_after = {"one": 1, "objectness_classes": 1 + len(config.classes)}.get(
        config.output.scores, len(config.classes)
    )
    if len(arrays) == 1 and arrays[0].ndim == 2:
        table = arrays[0]
        widths = {4 + n_after} | ({6} if config.output.scores == "one" else set())
        if table.shape[1] not in widths and table.shape[0] in widths:
            table = table.T
        if table.shape[1] in widths:
            return table[:, :4], table[:, 4:]
    if len(arrays) >= 2:
        places = [a for a in arrays if a.ndim == 2 and a.shape[1] == 4]
        others = [a for a in arrays if a is not (places[0] if places else None)]
        if places and others:
            rest = [
                a.reshape(len(places[0]), -1) for a in others if a.size and a.size % max(len(places[0]), 1) == 0
            ]
            if rest:
                return places[0], np.concatenate(rest, 1)
    raise BackendError(
        "the output of the detector does not match its description",
        where=config.model,
        found=" and ".join(str(list(a.shape)) for a in outputs),
        expected=f"[1, A, {4 + n_after}] for {len(config.classes)} classes and scores: {config.output.scores}",
        todo="correct `classes` and `output` in the YAML beside it",
    )


def _scores(
    rest: NDArray[np.float64], output: NetworkOutput, n_classes: int, where: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    match output.scores:
        case "one":
            kind = rest[:, 1].astype(np.int64) if rest.shape[1] > 1 else np.zeros(len(rest), np.int64)
            return _check_scores(rest[:, 0], where), kind
        case "objectness_classes":
            per_class = rest[:, :1] * rest[:, 1 : 1 + n_classes]
        case "classes":
            per_class = rest[:, :n_classes]
        case "class_logits":
            per_class = 1.0 / (1.0 + np.exp(-rest[:, :n_classes]))
    kind = per_class.round(DECIMALS).argmax(axis=1)
    return _check_scores(per_class[np.arange(len(rest)), kind], where), kind


def _check_scores(scores: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    if len(scores) and not (np.isfinite(scores).all() and scores.min() >= -1e-3 and scores.max() <= 1.001):
        raise BackendError(
            "the detector gives scores outside 0 to 1",
            where=where,
            found=f"{np.nanmin(scores):.3g} to {np.nanmax(scores):.3g}",
            todo="correct `output.scores` in the YAML: class_logits are scores before the sigmoid",
        )
    return scores.clip(0.0, 1.0)


def _to_corners(boxes: NDArray[np.float64], output: NetworkOutput, size: tuple[int, ...]) -> NDArray[np.float64]:
    """Return left, top, right, bottom in px of the input, float64 [K, 4]."""
    if output.boxes == "cxcywh":
        boxes = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)
    return boxes * np.array([size[1], size[0]] * 2) if output.unit == "fraction" else boxes


def suppress_overlaps(
    xyxy: NDArray[np.float64], scores: NDArray[np.float64], classes: NDArray[np.int64], overlap: float
) -> NDArray[np.int64]:
    """Return the positions of boxes, best first, that overlap no better box of their class by more than `overlap`.

    overlap: intersection over union; 1 keeps all boxes.
    """
    if overlap >= 1.0 or len(xyxy) < 2:
        return np.arange(len(xyxy))
    xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], 1)
    kept = cv2.dnn.NMSBoxesBatched(xywh.tolist(), scores.tolist(), classes.tolist(), 0.0, overlap)
    return np.sort(np.asarray(kept, np.int64).ravel())
