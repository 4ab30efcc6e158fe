"""Write the golden files that tests compare against. Run it only when a change is meant to alter them.

Example: python scripts/regenerate_golden.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent


def lite0_features() -> dict[str, object]:
    """Return features and ImageNet classes of a computed picture, from the embedded Lite0 weights."""
    from leopardnet.compose import load_config
    from leopardnet.network.backbone_weights import create_backbone
    from leopardnet.network.classifier import Classifier, extract_features

    y, x = np.mgrid[0:224, 0:224]
    picture = np.stack([x * 255 // 224, y * 255 // 224, ((x // 16 + y // 16) % 2) * 255]).astype(np.uint8)[None]
    config = load_config("train", ["model=lite0"]).model
    backbone = create_backbone(config).eval()
    with torch.no_grad():
        logits = backbone((torch.from_numpy(picture).float() / 255 - 0.5) / 0.5)[0]
    features = extract_features(Classifier(create_backbone(config), 2), picture)[0]
    return {
        "made_by": "python scripts/regenerate_golden.py",
        "what": "Lite0 at 224 px on a computed picture: "
        "first 16 pooled features, their norm, five likeliest ImageNet classes",
        "first_features": [round(float(v), 6) for v in features[:16]],
        "norm": round(float(np.linalg.norm(features)), 5),
        "top5": logits.topk(5).indices.tolist(),
    }


if __name__ == "__main__":
    path = ROOT / "tests" / "golden" / "lite0_features.json"
    path.write_text(json.dumps(lite0_features(), indent=2) + "\n")
    print(f"written: {path.relative_to(ROOT)}")
