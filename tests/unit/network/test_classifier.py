"""Pooling and joined backbones."""

import numpy as np
import pytest
import torch
from timm.optim import param_groups_layer_decay

from leopardnet.compose import load_config
from leopardnet.core.errors import ConfigError
from leopardnet.network.classifier import build_classifier, load_weights, save_weights
from leopardnet.network.joined_backbone import JoinedBackbone
from leopardnet.network.pooling import GeneralisedMean
from leopardnet.training.fit.trainer import freeze_layers

TINY = ["model=tiny", "model.size_px=64"]


def classifier(*overrides, n_labels=3):
    torch.manual_seed(0)
    return build_classifier(load_config("train", [*TINY, *overrides]).model, n_labels, size_px=64).eval()


def test_generalised_mean_by_hand():
    x = torch.tensor([[[[1.0, 2.0], [2.0, 3.0]]]])
    assert GeneralisedMean(1.0)(x).tolist() == [[2.0]]
    assert GeneralisedMean(3.0)(x).item() == pytest.approx((44 / 4) ** (1 / 3))  # 1 + 8 + 8 + 27
    assert GeneralisedMean(2.0, flatten=False)(x).shape == (1, 1, 1, 1)


def test_a_strong_place_counts_more_than_in_a_mean():
    frames = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    frames[:, :, :8, :8] = 255
    plain, strong = classifier(), classifier("model.gem_p=3")
    assert (strong.features(frames) >= plain.features(frames).clamp(min=1e-4) - 1e-4).all(), (
        "power means grow with p"
    )
    assert not torch.allclose(strong.features(frames), plain.features(frames))


def test_a_transformer_has_no_map_to_pool():
    with pytest.raises(ConfigError, match="no feature map"):
        classifier("model.backbone=test_vit", "model.gem_p=3", "model.size_px=160")


def test_joined_features_are_those_of_the_parts_side_by_side():
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


def test_class_means_are_directions_and_cosines_are_measured_to_them():
    model, frames = classifier(), torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    assert not model.has_class_means
    with torch.no_grad():
        features = model.features(frames).numpy()
        model.set_class_means(np.stack([2 * features[0], features[1], 3 * features[1]]), np.array([0, 2, 2]))
        logits, cosines = model.answers(frames)
        assert torch.equal(logits, model(frames))
    length = np.linalg.norm(features, axis=1)
    between = float(features[0] @ features[1] / (length[0] * length[1]))
    assert model.has_class_means and cosines[0].tolist() == pytest.approx([1, 0, between], abs=1e-5)
    assert cosines[1].tolist() == pytest.approx([between, 0, 1], abs=1e-5), "class 1 had no frame: near to nothing"


def test_weights_of_older_versions_have_no_class_means(tmp_path):
    model = classifier()
    state = {name: tensor for name, tensor in model.state_dict().items() if name != "class_means"}
    save_weights(state, tmp_path / "w.safetensors")
    other = classifier()
    other.class_means[:] = 1.0
    assert not load_weights(other, tmp_path / "w.safetensors").has_class_means


def test_joined_backbones_freeze_and_decay_layer_by_layer():
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


def test_parts_with_another_normalisation_are_refused():
    with pytest.raises(ConfigError, match="different normalisation"):
        classifier("model.backbone=tf_efficientnet_lite0+mobilenetv3_small_050")


def test_a_joined_network_gives_the_same_logits_when_exported(tmp_path):
    from leopardnet.network.onnx_export import export_classifier
    from leopardnet.training.pack.pack import check_parity

    model = classifier("model.backbone=test_efficientnet+test_efficientnet", "model.gem_p=3")
    graph = export_classifier(model, tmp_path / "m.onnx", size_px=64)
    assert check_parity(model, graph, size_px=64, n_labels=3) < 1e-3
    assert np.isfinite(check_parity(model, graph, size_px=64, n_labels=3))
