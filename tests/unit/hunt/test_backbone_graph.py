"""The graph that is built by hand gives what timm's network gives."""

import numpy as np
import openvino
import pytest
import torch

from leopardnet.compose import load_group
from leopardnet.core.errors import BackendError
from leopardnet.core.weights.embedded_backbones import read_embedded
from leopardnet.hunt.backbone_graph import build_feature_graph
from leopardnet.network.backbone_weights import create_backbone
from leopardnet.network.classifier import Classifier, extract_features


def pictures(rng, side):
    """Noise, a picture with edges and colours, darkness and light."""
    y, x = np.mgrid[0:side, 0:side]
    drawn = np.stack([x * 255 // side, y * 255 // side, ((x // 16 + y // 16) % 2) * 255])
    plain = [np.full((3, side, side), value) for value in (0, 255)]
    return np.stack([rng.integers(0, 256, (3, side, side)), drawn, *plain]).astype(np.uint8)


@pytest.mark.parametrize(("name", "side", "gem_p"), [("lite0", 256, 3.0), ("lite2", 288, 3.0), ("lite1", 97, 1.0)])
def test_logits_and_features_are_those_of_timm(rng, name, side, gem_p):
    config = load_group("model", name).model_copy(update={"gem_p": gem_p})
    graph = build_feature_graph(read_embedded(config.backbone), config.backbone, size_px=side, gem_p=gem_p)
    model = openvino.Core().compile_model(
        openvino.Core().read_model(graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    x = pictures(rng, side)
    logits, features = (np.array(values) for values in model({0: x}).values())
    backbone = create_backbone(config)
    with torch.no_grad():
        wanted = backbone.eval()((torch.from_numpy(x).float() - 127.5) / 127.5).numpy()
    assert logits.shape == (4, 1000) and np.abs(logits - wanted).max() < 1e-3
    ours = extract_features(Classifier(create_backbone(config), 2, gem_p=gem_p), x)
    assert features.shape == ours.shape == (4, 1280) and np.abs(features - ours).max() < 1e-3
    assert np.abs(wanted).max() > 1


def test_a_backbone_without_a_package_is_refused():
    with pytest.raises(BackendError, match="no package contains weights of this backbone"):
        build_feature_graph({}, "resnet18", size_px=64, gem_p=1.0)
