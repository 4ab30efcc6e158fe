"""The embedded backbone is exactly the published one: strict load, and features equal a golden."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models import group_parameters
from timm.optim import param_groups_layer_decay

from leopardnet.compose import list_choices, load_config, load_group
from leopardnet.core.errors import BackendError, BundleError, ConfigError
from leopardnet.core.weights.embedded_backbones import EMBEDDED, EmbeddedWeights, read_embedded
from leopardnet.network import backbone_weights as weights
from leopardnet.network.backbone_weights import create_backbone, load_embedded_state, native_size_px
from leopardnet.network.classifier import (
    Classifier,
    build_classifier,
    extract_features,
    load_classifier,
    save_weights,
)
from leopardnet.network.onnx_export import export_classifier
from leopardnet.network.unlisted_weights import find_weights
from leopardnet.training.pack.pack import check_parity

HUB = [name for name in list_choices("model") if load_config("train", [f"model={name}"]).model.weights == "hub"]
NAMED = [name for name in list_choices("model") if name not in ("tiny", "hub")]
HUGE = {"bioclip2"}  # more than a gigabyte of weights: on torch's meta device, where tensors have shapes only
REPOSITORY = Path(__file__).resolve().parents[3]
N_FEATURES = {
    "lite0": 1280, "lite1": 1280, "lite2": 1280, "mobilenetv4_conv_medium": 1280,
    "convnext_tiny": 768, "tf_efficientnetv2_s": 1280, "vit_small_dinov2": 384, "bioclip2": 1024,
}  # fmt: skip
GOLDEN = json.loads((REPOSITORY / "tests" / "golden" / "lite0_features.json").read_text())
LITE0 = load_config("train", ["model=lite0"]).model


def hub_model(backbone, weights):
    return load_group("model", "hub").model_copy(update={"backbone": backbone, "weights": weights})


def place_of(name):
    return torch.device("meta" if name in HUGE else "cpu")


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
    assert len(read_embedded(LITE0.backbone)) == len(state) == 296


def test_the_cache_is_used_and_a_damaged_one_is_made_again(cache, monkeypatch):
    model = create_backbone(LITE0)
    cached = next(cache.rglob("*.safetensors"))
    monkeypatch.setattr(weights, "read_embedded", lambda backbone: pytest.fail("the cache was not used"))
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
    other = EmbeddedWeights("pkg==1", "pkg", "0" * 64, "train", (1,))
    monkeypatch.setitem(EMBEDDED, LITE0.backbone, other)
    with pytest.raises(BundleError, match="not the known file"):
        create_backbone(LITE0)


@pytest.mark.parametrize(("name", "n_tensors"), [("lite0", 296), ("lite1", 386), ("lite2", 386)])
def test_each_embedded_package_holds_the_known_file_and_all_of_it_is_used(cache, name, n_tensors):
    config = load_config("train", [f"model={name}"]).model
    model = create_backbone(config)
    assert len(load_embedded_state(config.backbone, model)) == n_tensors
    assert next(cache.rglob("*.safetensors")).name.startswith(config.backbone)


@pytest.mark.parametrize(("name", "extra"), [("lite0", ""), ("lite1", "train,lite1"), ("lite2", "train")])
def test_a_missing_package_is_named_with_what_installs_it(cache, monkeypatch, name, extra):
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None)
    with pytest.raises(BackendError, match="not installed") as caught:
        create_backbone(load_config("train", [f"model={name}"]).model)
    assert (f'-e ".[{extra}]"' if extra else "-e .") in str(caught.value)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    package = EMBEDDED[f"tf_efficientnet_{name}"].package
    last = extra.split(",")[-1]
    assert package in (project["optional-dependencies"][last] if extra else project["dependencies"])


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
    with place_of(name), pytest.raises(BackendError, match="cannot be downloaded from the hub") as caught:
        create_backbone(load_config("train", [f"model={name}"]).model)
    assert "no copy on this machine" in str(caught.value) and "model.weights=FILE" in str(caught.value)
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
    side = config.preprocess.size_px
    with place_of(name), torch.no_grad():
        backbone = create_backbone(config.model)
        model = Classifier(backbone, 5).eval()
        features = model.features(torch.zeros((1, 3, side, side), dtype=torch.uint8))
        assert model.head(features).shape == (1, 5) and features.shape == (1, N_FEATURES[name])
    described = backbone.pretrained_cfg
    if name not in HUGE:
        assert model.mean.flatten().tolist() == pytest.approx([255 * m for m in described["mean"]])
        assert model.std.flatten().tolist() == pytest.approx([255 * s for s in described["std"]])
    assert described["license"] == config.model.licence.split(" ")[0].lower()

    groups = group_parameters(backbone, backbone.group_matcher(coarse=True))
    assert sum(map(len, groups.values())) == len(list(backbone.parameters())) and len(groups) > 3
    scales = {g["lr_scale"] for g in param_groups_layer_decay(backbone, layer_decay=0.5)}
    assert max(scales) == 1.0 and len(scales) > 3, "the head learns fastest, the stem slowest"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(HUB) - HUGE - {"hub"}))
def test_every_network_of_the_hub_gives_the_same_logits_when_exported(tmp_path, name):
    """Those in HUGE are compared by scripts/benchmarks/backbones.py: that takes five gigabytes and minutes."""
    config = load_config("train", [f"model={name}", "model.weights=none"])
    torch.manual_seed(0)
    side = config.preprocess.size_px
    model = build_classifier(config.model, 3, size_px=side).eval()
    model.set_class_means(np.eye(3, model.n_features, dtype=np.float32), np.arange(3))
    graph = export_classifier(model, tmp_path / "m.onnx", size_px=side)
    assert np.isfinite(check_parity(model, graph, size_px=side, n_labels=3)), "it refuses what differs"


def test_bioclip_2_is_normalised_as_clip_and_comes_from_a_pinned_revision():
    network, changes = find_weights("vit_large_patch14_clip_224.bioclip2")
    described = timm.get_pretrained_cfg(network)
    assert described.mean == changes["mean"] == timm.data.OPENAI_CLIP_MEAN
    assert described.std == changes["std"] == timm.data.OPENAI_CLIP_STD
    assert native_size_px(hub_model("vit_large_patch14_clip_224.bioclip2", "hub")) == 224
    repository, _, revision = changes["hf_hub_id"].partition("@")
    assert repository == "imageomics/bioclip-2" and len(revision) == 40


# --- weights that somebody brings in a file ---

BROUGHT = ("model.licence=CC0", "model.trained_on='my own pictures'")


def brought(path, *overrides):
    return load_config("train", ["model=tiny", f"model.weights='{path}'", *BROUGHT, *overrides]).model


@pytest.fixture
def state():
    torch.manual_seed(3)
    return create_backbone(load_group("model", "tiny")).state_dict()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
def test_weights_may_come_from_a_file(tmp_path, state, name):
    save = save_file if name.endswith("safetensors") else torch.save
    save(state, tmp_path / name)
    config = brought(tmp_path / name)
    loaded = create_backbone(config).state_dict()
    assert loaded.keys() == state.keys() and all(torch.equal(loaded[k], state[k]) for k in state)
    assert config.model_dump()["weights"] == name and str(tmp_path) not in config.model_dump_json()
    assert type(config).model_validate(config.model_dump()).weights == name


@pytest.mark.parametrize("backbone", ["test_resnet", "test_vit", "test_convnext", "test_efficientnet"])
@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_a_checkpoint_of_any_timm_network_with_a_head_of_its_own_gives_its_features(tmp_path, backbone, name):
    torch.manual_seed(4)
    trained = timm.create_model(backbone, num_classes=7).eval()
    state = trained.state_dict()
    if name.endswith("safetensors"):
        save_file(state, tmp_path / name)
    else:
        torch.save({"state_dict": state, "epoch": 3}, tmp_path / name)  # as training programs keep it
    config = brought(tmp_path / name, "model=hub", f"model.backbone={backbone}", "model.size_px=160")
    model = Classifier(create_backbone(config), 2).eval()
    frames = torch.from_numpy(pattern(160))
    with torch.no_grad():
        x = (frames.float() - model.mean) / model.std
        expected = trained.forward_head(trained.forward_features(x), pre_logits=True)
        assert torch.equal(model.features(frames), expected) and model(frames).shape == (1, 2)


class Program:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_file_that_cannot_be_used_is_refused_and_nothing_in_it_runs(tmp_path, state):
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    (tmp_path / "junk.pth").write_bytes(b"junk")
    torch.save(state | {"conv_stem.weight": Program(tmp_path / "it ran")}, tmp_path / "program.pth")
    torch.save({k: v for k, v in state.items() if "blocks.0" not in k}, tmp_path / "less.pth")
    torch.save(state | {"more": torch.zeros(3)}, tmp_path / "more.pth")
    for name in ("junk.safetensors", "junk.pth", "program.pth", "less.pth", "more.pth"):
        with pytest.raises(BundleError, match=rf"cannot be used(.|\n)*{name}(.|\n)*test_efficientnet") as caught:
            create_backbone(brought(tmp_path / name))
        assert str(tmp_path) not in str(caught.value)
    with pytest.raises(BundleError, match=r"no such file of weights(.|\n)*gone\.pth"):
        create_backbone(brought(tmp_path / "gone.pth"))
    assert not (tmp_path / "it ran").exists()


def test_what_the_card_says_of_brought_weights_must_be_stated():
    for given, missing in {(): "model.licence and no model.trained_on", BROUGHT[:1]: "model.trained_on"}.items():
        with pytest.raises(ConfigError, match=rf"must be stated(.|\n)*no {missing}"):
            load_config("train", ["model=tiny", "model.weights=w.pth", *given])
    with pytest.raises(ConfigError, match=r"model\.weights'(.|\n)*embedded, hub, none, or a file"):
        load_config("train", ["model.weights=hubb"])


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
