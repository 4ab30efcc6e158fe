import numpy as np
import pytest
import torch
from timm.optim import param_groups_layer_decay

from leopardnet.core.errors import ConfigError
from leopardnet.network.joined_backbone import JoinedBackbone
from leopardnet.network.onnx_export import export_classifier
from leopardnet.training.fit.trainer import freeze_layers
from leopardnet.training.pack.pack import check_parity


def test_joined_features_are_those_of_the_parts_side_by_side(classifier):
    both = classifier("model.backbone=test_efficientnet+test_efficientnet", "model.gem_p=3")
    frames = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    backbone = both.backbone
    assert isinstance(backbone, JoinedBackbone) and both.n_labels == 3
    x = (frames.float() - both.mean) / both.std
    with torch.no_grad():
        parts = [part.forward_head(part.forward_features(x), pre_logits=True) for part in backbone.parts]
        assert torch.allclose(both.features(frames), torch.cat(parts, dim=1))
        assert both.n_features == sum(p.shape[1] for p in parts)
        assert torch.allclose(both(frames), backbone(x))


def test_joined_backbones_freeze_and_decay_layer_by_layer(classifier):
    model = classifier("model.backbone=test_efficientnet+test_efficientnet")
    freeze_layers(model, 1)
    frozen = {name for name, p in model.backbone.named_parameters() if not p.requires_grad}
    assert {n.split(".")[1] for n in frozen} == {"0", "1"} and all("conv_stem" in n or "bn1" in n for n in frozen)
    groups = param_groups_layer_decay(model.backbone, layer_decay=0.5, weight_decay=0.01)
    scale = {id(p): g["lr_scale"] for g in groups for p in g["params"]}
    named = dict(model.backbone.named_parameters())
    assert scale[id(named["head.weight"])] == 1.0
    stems = [scale[id(p)] for name, p in named.items() if name.endswith("blocks.0.0.conv.weight")]
    assert len(stems) == 2 and len(set(stems)) == 1
    scales = sorted({g["lr_scale"] for g in groups})
    assert scales[-1] == 1.0 and scales[0] < 0.5, "early layers move least"


def test_parts_with_another_normalisation_are_refused(classifier):
    with pytest.raises(ConfigError, match="different normalisation"):
        classifier("model.backbone=tf_efficientnet_lite0+mobilenetv3_small_050")


def test_a_joined_network_gives_the_same_logits_when_exported(classifier, tmp_path):
    model = classifier("model.backbone=test_efficientnet+test_efficientnet", "model.gem_p=3")
    graph = export_classifier(model, tmp_path / "m.onnx", size_px=64)
    difference = check_parity(model, graph, size_px=64, n_labels=3)
    assert np.isfinite(difference) and difference < 1e-3
