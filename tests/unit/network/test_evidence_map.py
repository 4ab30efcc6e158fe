"""The parts of a logit: they add up to it, and lie where the frame speaks for the class."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra [train] is not installed")

from leopardnet.core.errors import BackendError  # noqa: E402
from leopardnet.network.classifier import Classifier, predict_logits  # noqa: E402
from leopardnet.network.evidence_map import map_evidence  # noqa: E402


def build(name="mobilenetv3_small_050", gem_p=1.0):
    import timm

    torch.manual_seed(0)
    return Classifier(timm.create_model(name, pretrained=False), 3, gem_p=gem_p).eval()


FRAMES = np.random.default_rng(0).integers(0, 256, (2, 3, 96, 96), np.uint8)


@pytest.mark.parametrize("gem_p", [1.0, 3.0])
def test_the_positions_add_up_to_the_logit_without_its_bias(gem_p):
    model, classes = build("tf_efficientnet_lite0", gem_p), np.array([2, 0])
    with torch.no_grad():
        model.head.bias.copy_(torch.tensor([0.5, -1.0, 2.0]))
    found = map_evidence(model, FRAMES, classes)
    logits = predict_logits(model, FRAMES)[[0, 1], classes] - np.array([2.0, 0.5])
    assert found.shape == (2, 3, 3) and found.sum(axis=(1, 2)) == pytest.approx(logits, abs=1e-4)


def test_where_nothing_differs_every_position_says_the_same_and_a_bright_place_says_more():
    class Copy(torch.nn.Module):
        """A backbone whose features are the brightness of the four quarters."""

        def __init__(self):
            super().__init__()
            self.pretrained_cfg = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}

        def reset_classifier(self, n):
            self.classifier = torch.nn.Linear(3, n)

        def get_classifier(self):
            return self.classifier

        def forward_features(self, x):
            return torch.nn.functional.adaptive_avg_pool2d(x, 2)

        def forward_head(self, x, pre_logits):
            return x.mean(dim=(2, 3))

    model = Classifier(Copy(), 2)
    model.set_head(np.array([[1.0, 0, 0], [0, 1.0, 0]]), np.zeros(2))
    frame = np.zeros((1, 3, 8, 8), np.uint8)
    frame[0, 0, :4, :4], frame[0, 1] = 255, 51
    red, green = (map_evidence(model, frame, np.array([c]))[0] for c in (0, 1))
    assert red == pytest.approx(np.array([[0.25, 0], [0, 0]])) and green == pytest.approx(np.full((2, 2), 0.05))


VIT = ("vit_tiny_patch16_224", {"embed_dim": 48, "depth": 2, "num_heads": 2})
SWIN = ("swin_tiny_patch4_window7_224", {"embed_dim": 24, "depths": (1, 1), "num_heads": (1, 2)})


@pytest.mark.parametrize(("network", "layer"), [(VIT, "blocks.1.norm1"), (SWIN, "norm")], ids=["vit", "swin"])
def test_the_map_says_how_the_logit_changes_with_each_position(network, layer):
    """Transformers: every position of a layer is made 1 % stronger and weaker, one after the other."""
    import timm

    torch.manual_seed(0)
    model = Classifier(timm.create_model(network[0], pretrained=False, img_size=64, **network[1]), 3).eval()
    with torch.no_grad():
        model.head.weight.normal_()
    frame = np.random.default_rng(1).integers(0, 256, (1, 3, 64, 64), np.uint8)
    found = map_evidence(model, frame, np.array([1]))[0]
    n_before = getattr(model.backbone, "num_prefix_tokens", 0)

    def logit(i, factor):
        def change(_module, _inputs, output):
            flat = output.clone().reshape(1, -1, output.shape[-1])
            flat[0, n_before + i] *= factor
            return flat.reshape(output.shape)

        with model.backbone.get_submodule(layer).register_forward_hook(change):
            return predict_logits(model, frame)[0, 1]

    slopes = [(logit(i, 1.01) - logit(i, 0.99)) / 0.02 for i in range(found.size)]
    assert slopes == pytest.approx(found.flatten(), rel=0.02, abs=2e-3 * float(np.abs(found).max()))


def test_a_network_with_layers_between_map_and_head_has_a_map_too():
    assert map_evidence(build(), FRAMES, np.zeros(2, np.int64)).shape == (2, 3, 3)


def test_a_network_without_a_map_is_refused():
    import timm

    mixer = timm.create_model("mixer_s32_224", pretrained=False, img_size=96)
    with pytest.raises(BackendError, match="does not say where"):
        map_evidence(Classifier(mixer, 3), FRAMES, np.zeros(2, np.int64))
