import pytest
import torch

from leopardnet.core.errors import ConfigError
from leopardnet.network.pooling import GeneralisedMean


def test_generalised_mean_by_hand():
    x = torch.tensor([[[[1.0, 2.0], [2.0, 3.0]]]])
    assert GeneralisedMean(1.0)(x).tolist() == [[2.0]]
    assert GeneralisedMean(3.0)(x).item() == pytest.approx((44 / 4) ** (1 / 3))  # 1 + 8 + 8 + 27
    assert GeneralisedMean(2.0, flatten=False)(x).shape == (1, 1, 1, 1)


def test_a_strong_place_counts_more_than_in_a_mean(classifier):
    frames = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    frames[:, :, :8, :8] = 255
    plain, strong = classifier(), classifier("model.gem_p=3")
    assert (strong.features(frames) >= plain.features(frames).clamp(min=1e-4) - 1e-4).all(), (
        "power means grow with p"
    )
    assert not torch.allclose(strong.features(frames), plain.features(frames))


def test_a_transformer_has_no_map_to_pool(classifier):
    with pytest.raises(ConfigError, match="no feature map"):
        classifier("model.backbone=test_vit", "model.gem_p=3", "model.size_px=160")
