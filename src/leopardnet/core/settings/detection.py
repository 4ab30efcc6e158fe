"""Frozen, typed models of what has to do with boxes: which detector, how a network of the user is fed and read, crops."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from leopardnet.core.settings.settings_model import Settings, Share


class DetectorConfig(Settings):
    """Where the boxes come from, and how the crop around the best of a frame is cut.

    At most `max_frames` frames of a clip are looked at from nearby: their boxes are found, and the classifier sees a
    square around the best one of each, with a margin, beside the whole frame.
    """

    source: Literal["none", "embedded", "motion", "file"] = "none"
    file: str = Field(
        "", description="of the source file: MegaDetector results (.json), or a network (.onnx, .yaml)"
    )
    min_score: Share = Field(0.2, description="a box below this is not cropped")
    max_frames: int = Field(4, ge=1, le=64, description="frames of a clip that are looked at from nearby")
    margin: float = Field(0.1, ge=0.0, le=2.0, description="on each side of the box, in shares of its longer side")
    min_side: Share = Field(0.1, description="no crop is smaller than this share of the frame's short side")

    @model_validator(mode="after")
    def _file_goes_with_its_source(self) -> DetectorConfig:
        if (self.source == "file") != bool(self.file):
            raise ValueError("detector.file goes with detector.source=file")
        return self

    @property
    def is_on(self) -> bool:
        """Whether anything is looked at from nearby."""
        return self.source != "none"


NO_DETECTOR = DetectorConfig.model_validate({})
"""Whole frames only."""


class NetworkInput(Settings):
    """How a frame becomes the input of a detector network: scaled to fit, padded, uint8 or shares of 255."""

    width_px: int = Field(640, ge=32, le=4096)
    height_px: int = Field(640, ge=32, le=4096)
    stride_px: int = Field(
        0,
        ge=0,
        le=256,
        description="0: always the whole input; else only as much of it as the frame fills, in steps of this",
    )
    scales: tuple[Annotated[float, Field(gt=0.0, le=4.0)], ...] = Field(
        (1.0,), min_length=1, description="sizes at which a frame is looked at; others than 1 need stride_px"
    )
    place: Literal["top_left", "centre"] = "centre"
    pad: int = Field(114, ge=0, le=255)
    scale: float = Field(255.0, gt=0.0, description="pixels are divided by this; 1 leaves 0 to 255")
    resize: Literal["letterbox", "squash"] = "letterbox"

    @model_validator(mode="after")
    def _size_can_change(self) -> NetworkInput:
        if self.scales != (1.0,) and not self.stride_px:
            raise ValueError("scales other than 1 need a network whose input size may change: set stride_px")
        return self


class NetworkOutput(Settings):
    """How the output of a detector network is read. One array [N, A, K] (or [N, K, A]), or boxes and scores apart.

    scores: `one` (a score follows the box, then perhaps the number of its class), `objectness_classes` (YOLOv5),
    `classes` (YOLOv8 and later, exports of RT-DETR), `class_logits` (DETR, before the sigmoid).
    """

    boxes: Literal["xyxy", "cxcywh"] = "cxcywh"
    unit: Literal["px", "fraction"] = "px"
    scores: Literal["one", "objectness_classes", "classes", "class_logits"] = "classes"
    overlap: Share = Field(
        0.45, description="of two boxes that overlap more than this, the better one stays; 1: all"
    )


class NetworkConfig(Settings):
    """A detector network: an ONNX file beside this description, its classes in order, and what they count as."""

    name: str = Field(min_length=1)
    model: str = Field(pattern=r"^[^/\\]+\.onnx$", description="the ONNX file, beside this one")
    licence: str = ""
    classes: tuple[str, ...] = ("animal",)
    animals: tuple[str, ...] = Field(("animal",), description="the classes that are cropped")
    input: NetworkInput = NetworkInput.model_validate({})
    output: NetworkOutput = NetworkOutput.model_validate({})

    @model_validator(mode="after")
    def _animals_are_classes(self) -> NetworkConfig:
        if not set(self.animals) <= set(self.classes):
            raise ValueError("every one of `animals` must stand in `classes`")
        return self
