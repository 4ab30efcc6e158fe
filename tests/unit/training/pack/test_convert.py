"""Foreign weights: only tensors are read, they give the same logits, and nothing else in the file is run."""

import os
import pickle
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra [train] is not installed")

from leopardnet.core.errors import BundleError  # noqa: E402
from leopardnet.core.settings.inference import RuntimeConfig  # noqa: E402
from leopardnet.network.classifier import load_classifier, predict_logits  # noqa: E402
from leopardnet.training.pack import convert as module  # noqa: E402
from leopardnet.training.pack.convert import convert  # noqa: E402


@pytest.fixture
def model(tiny_bundle):
    """The network of the tiny bundle with other weights."""
    spec = tiny_bundle.spec
    made = load_classifier(
        spec.model,
        len(tiny_bundle.labels),
        tiny_bundle.folder / "model.safetensors",
        size_px=spec.preprocess.size_px,
    )
    with torch.no_grad():
        made.head.bias.add_(torch.arange(4.0))
    return made


def logits_of(bundle, frames):
    return bundle.runtime(RuntimeConfig(backend="openvino")).answers(frames).logits


def test_the_weights_of_a_bare_backbone_in_a_wrapped_checkpoint(tiny_bundle, model, tmp_path):
    state = {f"module.{k}": v for k, v in model.backbone.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "w.pt")
    made = convert(tmp_path / "w.pt", tiny_bundle, tmp_path / "made")
    size = tiny_bundle.spec.preprocess.size_px
    frames = np.random.default_rng(1).integers(0, 256, (3, 3, size, size), np.uint8)
    np.testing.assert_allclose(logits_of(made, frames), predict_logits(model, frames), atol=2e-3)
    assert (
        made.labels == tiny_bundle.labels and made.id != tiny_bundle.id and made.spec.calibration.temperature == 1
    )
    assert np.isnan(made.runtime(RuntimeConfig()).answers(frames).cosines).all(), (
        "strange weights know no class means"
    )
    torch_says = made.runtime(RuntimeConfig(backend="torch", device="cpu")).answers(frames)
    assert np.isnan(torch_says.cosines).all() and torch_says.cosines.shape == (3, 4)
    card = (made.folder / "card.md").read_text("utf-8")
    assert "None: the model was not evaluated" in card and "have not been evaluated" in card
    assert {p.name for p in tmp_path.iterdir()} == {"w.pt", "made"}


def test_our_own_names_and_other_precisions_fit_as_well(tiny_bundle, model, tmp_path):
    torch.save(
        {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}, tmp_path / "w.pt"
    )
    assert convert(tmp_path / "w.pt", tiny_bundle, tmp_path / "made").labels == tiny_bundle.labels


class Program:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_a_program_in_the_file_does_not_run(tiny_bundle, tmp_path, save):
    save({"backbone.x": Program(str(tmp_path / "ran"))}, tmp_path / "w.pt")
    with pytest.raises(BundleError, match="more than plain weights"):
        convert(tmp_path / "w.pt", tiny_bundle, tmp_path / "made")
    assert {p.name for p in tmp_path.iterdir()} == {"w.pt"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1, 2], "no weights by name"),
        ({}, "no weights by name"),
        ({"a": 1}, "no weights by name"),
        ({"a": torch.zeros(2)}, "do not fit"),
    ],
)
def test_a_file_without_the_weights_of_this_network(tiny_bundle, tmp_path, value, said):
    torch.save(value, tmp_path / "w.pt")
    with pytest.raises(BundleError, match=said):
        convert(tmp_path / "w.pt", tiny_bundle, tmp_path / "made")
    assert {p.name for p in tmp_path.iterdir()} == {"w.pt"}


def test_a_missing_a_broken_and_a_huge_file(tiny_bundle, tmp_path, monkeypatch):
    with pytest.raises(BundleError, match="no such file"):
        convert(tmp_path / "w.pt", tiny_bundle, tmp_path / "made")
    (tmp_path / "w.pt").write_bytes(b"no weights")
    with pytest.raises(BundleError, match="more than plain weights"):
        convert(tmp_path / "w.pt", tiny_bundle, tmp_path / "made")
    with zipfile.ZipFile(tmp_path / "w.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", b"\0" * 100_000)
    monkeypatch.setattr(module, "MAX_WEIGHTS_BYTES", 50_000)
    with pytest.raises(BundleError, match="too large"):
        convert(tmp_path / "w.pt", tiny_bundle, tmp_path / "made")


def test_what_is_there_already_stays(tiny_bundle, tmp_path):
    (tmp_path / "made").mkdir()
    with pytest.raises(BundleError, match="the folder of the bundle already exists"):
        convert(tmp_path / "w.pt", tiny_bundle, tmp_path / "made")
