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


def test_a_backbone_without_one_map_is_refused():
    with pytest.raises(BackendError, match="does not say where"):
        map_evidence(build(), FRAMES, np.zeros(2, np.int64))  # its head has a layer between map and features
