"""Weights on the hub for networks of timm that timm itself does not list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# From our name to the network in timm and what replaces its description. The repository is pinned to a revision.
#
# BioCLIP 2 (imageomics/bioclip-2, MIT): the image half of a CLIP, ViT-L/14 with GELU. Its open_clip_config.json
# (SHA-256 1bf947e9…68c8) states the mean and standard deviation of CLIP, although the LAION weights that it started
# from had 0.5. timm reads the file of open_clip and leaves the text half away.
UNLISTED: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "vit_large_patch14_clip_224.bioclip2": (
        "vit_large_patch14_clip_224.datacompxl",
        {
            "hf_hub_id": "imageomics/bioclip-2@2957b322090f9cb17ae72c71981c7218a28d81e0",
            "hf_hub_filename": "open_clip_model.safetensors",
            "mean": (0.48145466, 0.4578275, 0.40821073),
            "std": (0.26862954, 0.26130258, 0.27577711),
            "license": "mit",
        },
    )
}


def find_weights(backbone: str) -> tuple[str, dict[str, Any]]:
    """Return timm's name for a backbone, and what replaces values of its description.

    >>> find_weights("resnet18.a1_in1k")
    ('resnet18.a1_in1k', {})
    """
    name, changes = UNLISTED.get(backbone, (backbone, {}))
    return name, dict(changes)
