"""The embedded backbone is exactly the published one: strict load, and features equal a golden."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from timm.models import group_parameters
from timm.optim import param_groups_layer_decay

from leopardnet.compose import list_choices, load_config, load_group
from leopardnet.core.errors import BackendError, BundleError, ConfigError
from leopardnet.network import backbone_weights as weights
from leopardnet.network.backbone_weights import (
    EMBEDDED,
    create_backbone,
    load_embedded_state,
    native_size_px,
    remap,
)
from leopardnet.network.classifier import Classifier, extract_features, load_classifier, save_weights

HUB = [name for name in list_choices("model") if load_config("train", [f"model={name}"]).model.weights == "hub"]
NAMED = [name for name in list_choices("model") if name not in ("tiny", "hub")]
REPOSITORY = Path(__file__).resolve().parents[3]
GOLDEN = json.loads((REPOSITORY / "tests" / "golden" / "lite0_features.json").read_text())
LITE0 = load_config("train", ["model=lite0"]).model


def hub_model(backbone, weights):
    return load_group("model", "hub").model_copy(update={"backbone": backbone, "weights": weights})


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "user_cache_path", lambda name: tmp_path / name)
    return tmp_path


def pattern(size=224):
    """A picture that every machine can make: coloured gradients with a checkerboard."""
    y, x = np.mgrid[0:size, 0:size]
    return np.stack([x * 255 // size, y * 255 // size, ((x // 16 + y // 16) % 2) * 255]).astype(np.uint8)[None]


def test_features_and_imagenet_logits_equal_the_reference(cache):
    model = Classifier(create_backbone(LITE0), 1000)  # a fresh head: the features are what counts
    features = extract_features(model, pattern())[0]
    assert features.shape == (1280,)
    assert features[:16] == pytest.approx(GOLDEN["first_features"], abs=1e-3)
    assert float(np.linalg.norm(features)) == pytest.approx(GOLDEN["norm"], rel=1e-4)
    backbone = create_backbone(LITE0).eval()
    with torch.no_grad():
        logits = backbone((torch.from_numpy(pattern()).float() / 255 - 0.5) / 0.5)[0]
    assert logits.topk(5).indices.tolist() == GOLDEN["top5"]


def test_mean_and_std_come_from_the_weights():
    model = Classifier(create_backbone(LITE0), 4)
    assert model.mean.unique().item() == model.std.unique().item() == 127.5


def test_every_tensor_finds_its_place_and_none_is_left(cache):
    model = create_backbone(LITE0)
    state = load_embedded_state(LITE0.backbone, model)
    assert model.load_state_dict(state, strict=True).missing_keys == []
    source = weights._read_checkpoint(EMBEDDED[LITE0.backbone])
    assert len(source) == len(remap(source, model)) == len(state) == 296


def test_the_cache_is_used_and_a_damaged_one_is_made_again(cache, monkeypatch):
    model = create_backbone(LITE0)
    cached = next(cache.rglob("*.safetensors"))
    monkeypatch.setattr(weights, "_read_checkpoint", lambda known: pytest.fail("the cache was not used"))
    load_embedded_state(LITE0.backbone, model)
    monkeypatch.undo()
    monkeypatch.setattr(weights, "user_cache_path", lambda name: cache / name)
    cached.write_bytes(cached.read_bytes()[:1000])
    assert len(load_embedded_state(LITE0.backbone, model)) == 296


def test_another_file_in_the_package_is_refused(cache, tmp_path, monkeypatch):
    (tmp_path / "pkg" / "models").mkdir(parents=True)
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / "models" / "x.pth").write_bytes(b"not the weights")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(
        weights.EMBEDDED, LITE0.backbone, weights.EmbeddedWeights("pkg==1", "pkg", "0" * 64, "train")
    )
    with pytest.raises(BundleError, match="not the known file"):
        create_backbone(LITE0)


@pytest.mark.parametrize(("name", "n_tensors"), [("lite0", 296), ("lite1", 386), ("lite2", 386)])
def test_each_embedded_package_holds_the_known_file_and_all_of_it_is_used(cache, name, n_tensors):
    config = load_config("train", [f"model={name}"]).model
    model = create_backbone(config)
    assert len(load_embedded_state(config.backbone, model)) == n_tensors
    assert next(cache.rglob("*.safetensors")).name.startswith(config.backbone)


@pytest.mark.parametrize(("name", "extra"), [("lite0", "train"), ("lite1", "train,lite1"), ("lite2", "train")])
def test_a_missing_package_is_named_with_the_extra_that_installs_it(cache, monkeypatch, name, extra):
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    with pytest.raises(BackendError, match="not installed") as caught:
        create_backbone(load_config("train", [f"model={name}"]).model)
    assert f'-e ".[{extra}]"' in str(caught.value)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    package = EMBEDDED[f"tf_efficientnet_{name}"].package
    assert package in project["optional-dependencies"][extra.split(",")[-1]]


@pytest.mark.parametrize(
    ("backbone", "weights", "said"),
    [
        ("tf_efficientnet_lite99", "none", "tf_efficientnet_lite[0-4]"),
        ("convnext_tiny.in99k", "hub", r"convnext_tiny\.in12k_ft_in1k"),
        ("resnet18", "embedded", "model=lite0 or model=lite1 or model=lite2"),
    ],
)
def test_a_name_that_cannot_be_had_is_answered_with_those_that_can(cache, backbone, weights, said):
    with pytest.raises(BackendError, match=said):
        create_backbone(hub_model(backbone, weights))


@pytest.mark.parametrize("name", HUB)
def test_a_hub_model_without_a_network_names_the_embedded_ones(monkeypatch, tmp_path, name):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # what the variable of that name sets
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(BackendError, match="cannot be downloaded from the hub") as caught:
        create_backbone(load_config("train", [f"model={name}"]).model)
    assert "model=lite0, model=lite1, model=lite2" in caught.value.one_line and "\n" not in caught.value.one_line


# --- every network that a settings file names ---


def test_the_size_comes_from_the_settings_or_else_from_the_weights():
    assert native_size_px(LITE0) == 256
    for backbone, size_px in {"tf_efficientnet_lite0": 224, "vit_small_patch14_reg4_dinov2.lvd142m": 518}.items():
        assert native_size_px(hub_model(backbone, "hub")) == size_px
    with pytest.raises(BackendError, match="timm has no such backbone"):
        native_size_px(hub_model("no_such_network", "embedded"))


@pytest.mark.parametrize("name", NAMED)
def test_every_named_network_gives_features_logits_and_layer_groups(name):
    """With random weights: what matters here is that the parts fit together."""
    config = load_config("train", [f"model={name}", "model.weights=none"])
    backbone = create_backbone(config.model)
    model = Classifier(backbone, 5).eval()
    side = config.preprocess.size_px
    with torch.no_grad():
        features = model.features(torch.zeros((1, 3, side, side), dtype=torch.uint8))
        assert model.head(features).shape == (1, 5) and features.shape == (1, model.head.in_features)
    described = timm.get_pretrained_cfg(config.model.backbone.split("+")[0])
    assert model.mean.flatten().tolist() == pytest.approx([255 * m for m in described.mean])
    assert model.std.flatten().tolist() == pytest.approx([255 * s for s in described.std])
    assert described.license == "apache-2.0" and config.model.licence.startswith("Apache-2.0")

    groups = group_parameters(backbone, backbone.group_matcher(coarse=True))
    assert sum(map(len, groups.values())) == len(list(backbone.parameters())) and len(groups) > 3
    scales = {g["lr_scale"] for g in param_groups_layer_decay(backbone, layer_decay=0.5)}
    assert max(scales) == 1.0 and len(scales) > 3, "the head learns fastest, the stem slowest"


def test_a_transformer_takes_the_size_it_is_asked_for_and_no_size_that_its_patches_do_not_fill():
    config = hub_model("test_vit", "none")  # a small one, with patches of 16 pixels
    model = Classifier(create_backbone(config, size_px=64), 2).eval()
    assert model.backbone.patch_embed.grid_size == (4, 4)
    with torch.no_grad():
        assert model(torch.zeros((1, 3, 64, 64), dtype=torch.uint8)).shape == (1, 2)
    with pytest.raises(ConfigError, match="patch size") as caught:
        create_backbone(config, size_px=72)
    assert "a multiple of 16: 64 or 80" in str(caught.value)


def test_saved_weights_come_back_bit_for_bit(tmp_path):
    tiny = load_config("train", ["model=tiny"]).model
    model = Classifier(create_backbone(tiny), 3)
    path = save_weights(model.state_dict(), tmp_path / "w.safetensors")
    back = load_classifier(tiny, 3, path)
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), back.state_dict().values(), strict=True)
    )
