import pytest


@pytest.fixture
def classifier():
    """A function from overrides to a tiny classifier with fixed random weights."""
    import torch

    from leopardnet.compose import load_config
    from leopardnet.network.classifier import build_classifier

    def make(*overrides, n_labels=3):
        torch.manual_seed(0)
        config = load_config("train", ["model=tiny", "model.size_px=64", *overrides])
        return build_classifier(config.model, n_labels, size_px=64).eval()

    return make
