import numpy as np
import pytest
import torch

from leopardnet.network.classifier import load_weights, save_weights


def test_class_means_are_directions_and_cosines_are_measured_to_them(classifier):
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


def test_weights_of_older_versions_have_no_class_means(classifier, tmp_path):
    model = classifier()
    state = {name: tensor for name, tensor in model.state_dict().items() if name != "class_means"}
    save_weights(state, tmp_path / "w.safetensors")
    other = classifier()
    other.class_means[:] = 1.0
    assert not load_weights(other, tmp_path / "w.safetensors").has_class_means
