"""Frozen, typed models of the settings of detection: the detector, crops, and the networks of users."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from leopardnet.core.settings.settings_model import Settings, Share


class DetectorConfig(Settings):
    """The source of boxes, and how the crop around the best box of a frame is cut.

    The detector runs on at most `max_frames` frames of a clip. For each of them the classifier gets the whole frame
    and a square crop around the best box, with a margin.

    The defaults are those of `configs/detector/none.yaml`.
    """

    source: Literal["none", "embedded", "motion", "file"] = "none"
    file: str = Field(
        default="", description="for the source file: MegaDetector results (.json), or a network (.onnx, .yaml)"
    )
    min_score: Share = Field(default=0.2, description="boxes with a lower score are not cropped")
    max_frames: int = Field(default=4, ge=1, le=64, description="frames of a clip that the detector runs on")
    margin: float = Field(
        default=0.1, ge=0.0, le=2.0, description="on each side of the box, as a share of its longer side"
    )
    min_side: Share = Field(default=0.1, description="smallest crop, as a share of the frame's short side")

    @model_validator(mode="after")
    def _file_goes_with_its_source(self) -> DetectorConfig:
        if (self.source == "file") != bool(self.file):
            raise ValueError("detector.file is required for detector.source=file, and only allowed there")
        return self

    @property
    def is_on(self) -> bool:
        """Whether there are crops."""
        return self.source != "none"


NO_DETECTOR = DetectorConfig.model_validate({})
"""Whole frames only."""


class NetworkInput(Settings):
    """How a frame becomes the input of a detector network: resizing, padding, pixel scale."""

    width_px: int = Field(default=640, ge=32, le=4096)
    height_px: int = Field(default=640, ge=32, le=4096)
    stride_px: int = Field(
        default=0,
        ge=0,
        le=256,
        description="0: the input has a fixed size; else only the part that the frame fills, in steps of this",
    )
    scales: tuple[Annotated[float, Field(gt=0.0, le=4.0)], ...] = Field(
        default=(1.0,),
        min_length=1,
        description="scales at which the network runs on a frame; values other than 1 need stride_px",
    )
    place: Literal["top_left", "centre"] = "centre"
    pad: int = Field(default=114, ge=0, le=255)
    scale: float = Field(default=255.0, gt=0.0, description="pixels are divided by this; 1 leaves 0 to 255")
    resize: Literal["letterbox", "squash"] = "letterbox"

    @model_validator(mode="after")
    def _size_can_change(self) -> NetworkInput:
        if self.scales != (1.0,) and not self.stride_px:
            raise ValueError("scales other than 1 need a network with a variable input size: set stride_px")
        return self


class NetworkOutput(Settings):
    """The output format of a detector network: one array [N, A, K] (or [N, K, A]), or boxes and scores separately.

    scores: `one` (the box is followed by one score and optionally by the number of the class), `objectness_classes`
    (YOLOv5), `classes` (YOLOv8 and later, exports of RT-DETR), `class_logits` (DETR, before the sigmoid).
    """

    boxes: Literal["xyxy", "cxcywh"] = "cxcywh"
    unit: Literal["px", "fraction"] = "px"
    scores: Literal["one", "objectness_classes", "classes", "class_logits"] = "classes"
    overlap: Share = Field(
        default=0.45, description="of two boxes whose overlap is larger, the better one is kept; 1 keeps all boxes"
    )


class NetworkConfig(Settings):
    """A detector network: an ONNX file in the same folder, its classes in order, and which of them are animals."""

    name: str = Field(min_length=1)
    model: str = Field(pattern=r"^[^/\\]+\.onnx$", description="the ONNX file, in the same folder")
    licence: str = ""
    classes: tuple[str, ...] = ("animal",)
    animals: tuple[str, ...] = Field(default=("animal",), description="the classes that are cropped")
    input: NetworkInput = NetworkInput.model_validate({})
    output: NetworkOutput = NetworkOutput.model_validate({})

    @model_validator(mode="after")
    def _animals_are_classes(self) -> NetworkConfig:
        if not set(self.animals) <= set(self.classes):
            raise ValueError("every name in `animals` must be in `classes`")
        return self
