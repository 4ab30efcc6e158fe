import hashlib
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from leopardnet.bundle.bundle import FILES, Bundle, load_bundle, write_spec
from leopardnet.core.errors import BackendError, BundleError, ConfigError
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.score.presence_shift import PresenceShift
from leopardnet.training.pack.pack import pack


@pytest.fixture
def copy(tiny_bundle, tmp_path):
    return shutil.copytree(tiny_bundle.folder, tmp_path / "bundle")


def test_a_bundle_comes_back_as_it_was_written(tiny_bundle, copy):
    back = write_spec(copy, tiny_bundle.spec)
    assert (
        back.spec == tiny_bundle.spec
        and back.id == tiny_bundle.id
        and back.labels.names == ("leopard", "tiger", "sika_deer", "empty")
    )


@pytest.mark.parametrize("name", [*FILES, "SHA256SUMS"])
def test_one_changed_byte_is_found_wherever_it_is(copy, name):
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(bytes(data))
    with pytest.raises(BundleError, match=r"was changed|damaged"):
        load_bundle(copy)


@pytest.mark.parametrize("name", [*FILES, "SHA256SUMS"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(BundleError, match=name):
        load_bundle(copy)


def test_a_link_instead_of_a_file_is_refused(copy, tmp_path):
    (copy / "model.onnx").rename(tmp_path / "elsewhere")
    (copy / "model.onnx").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match=r"model\.onnx"):
        load_bundle(copy)


def test_a_folder_that_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="not a bundle"):
        load_bundle(tmp_path)
    with pytest.raises(BundleError, match="no such folder"):
        load_bundle(tmp_path / "gone")


def change_spec(folder, **changes):
    data = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(data | changes))
    renew_hashes(folder)


def renew_hashes(folder):
    """What a stranger would do: hashes that fit whatever the files hold."""
    lines = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in FILES]
    (folder / "SHA256SUMS").write_text("".join(lines))


def test_another_format_version_is_refused(copy):
    change_spec(copy, format_version=99)
    with pytest.raises(BundleError, match=r"another format version(.|\n)*99"):
        load_bundle(copy)


def test_an_unknown_key_is_refused(copy):
    change_spec(copy, surprise=1)
    with pytest.raises(BundleError, match="surprise"):
        load_bundle(copy)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"{", "not JSON"),
        (b"[1]", "list"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"format_version": 1}', "Field required"),
    ],
)
def test_a_strange_description_is_one_clear_error(copy, text, found):
    (copy / "bundle.json").write_bytes(text)
    renew_hashes(copy)
    with pytest.raises(BundleError, match=found):
        load_bundle(copy)


def test_a_shift_of_presence_needs_numbers_and_labels_that_it_makes_sense_for(copy, tiny_bundle):
    before = tiny_bundle.spec.model_dump(mode="json")
    assert "shift" not in before["calibration"], "bundles without it stay readable for older versions"
    shift = {"base": 0.5, "per_doubling": -0.25, "n_frames": [1, 16], "kinds": {"still": 0.1}}
    change_spec(copy, calibration=before["calibration"] | {"shift": shift})
    assert load_bundle(copy).spec.calibration.shift == PresenceShift(0.5, -0.25, (1, 16), {"still": 0.1})
    change_spec(copy, labels=before["labels"] | {"multi": True})
    with pytest.raises(BundleError, match="needs an empty label"):
        load_bundle(copy)
    change_spec(copy, labels=before["labels"], calibration=before["calibration"] | {"shift": shift | {"base": "x"}})
    with pytest.raises(BundleError, match="unexpected content"):
        load_bundle(copy)


def test_a_network_of_another_shape_is_refused(copy, tiny_bundle):
    preprocess = tiny_bundle.spec.model_dump(mode="json")["preprocess"]
    change_spec(copy, preprocess=preprocess | {"size_px": 96})
    with pytest.raises(BundleError, match="does not have the shape"):
        load_bundle(copy).runtime(RuntimeConfig())


def test_an_address_as_backbone_is_refused_before_anything_is_fetched(copy, tiny_bundle):
    model = tiny_bundle.spec.model_dump(mode="json")["model"]
    change_spec(copy, model=model | {"backbone": "hf-hub:someone/something"})
    with pytest.raises(BundleError, match="backbone"):
        load_bundle(copy)


def test_weights_of_another_network_are_refused(copy):
    (copy / "model.safetensors").write_bytes(b"no weights")
    renew_hashes(copy)
    with pytest.raises(BundleError, match="do not fit"):
        load_bundle(copy).runtime(RuntimeConfig(backend="torch", device="cpu"))


def test_a_graph_cannot_lean_on_a_file_that_has_no_hash(copy):
    import onnx

    graph = onnx.load(copy / "model.onnx")
    onnx.save_model(graph, copy / "model.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    renew_hashes(copy)
    with pytest.raises(BundleError, match="refers to another file"):
        load_bundle(copy)


def test_settings_that_a_backend_lacks_are_refused_and_not_ignored(tiny_bundle):
    with pytest.raises(ConfigError, match="processor"):
        tiny_bundle.runtime(RuntimeConfig(backend="openvino", device="cuda"))
    with pytest.raises(ConfigError, match="float32"):
        tiny_bundle.runtime(RuntimeConfig(backend="torch", precision="bf16"))
    for options in ({"precision": "bf16"}, {"device": "cuda"}):
        with pytest.raises(ConfigError, match="ONNX Runtime"):
            tiny_bundle.runtime(RuntimeConfig(backend="onnxruntime", **options))


def test_a_failed_packing_leaves_the_old_bundle_whole(tiny_run, tmp_path, monkeypatch):
    shutil.copytree(tiny_run.folder, tmp_path / "run")
    before = load_bundle(tmp_path / "run/bundle").id
    monkeypatch.setattr("leopardnet.training.pack.pack.MAX_DIFFERENCE", -1.0)
    with pytest.raises(BackendError, match="does not give the logits"):
        pack(tmp_path / "run")
    assert load_bundle(tmp_path / "run/bundle").id == before


def test_torch_onnx_runtime_and_openvino_agree_on_distinct_frames(tiny_bundle, rng):
    size = tiny_bundle.spec.preprocess.size_px
    frames = rng.integers(0, 256, (5, 3, size, size), dtype=np.uint8)

    def said(frames, **options):
        found = tiny_bundle.runtime(RuntimeConfig(device="cpu", **options)).answers(frames)
        assert found.logits.dtype == found.cosines.dtype == np.float32
        assert (np.abs(found.cosines) <= 1 + 1e-5).all() and (np.ptp(found.cosines, axis=1) > 1e-4).all()
        return np.hstack([found.logits, found.cosines])

    ov = said(frames, batch_size=2)
    torch = said(frames, backend="torch", batch_size=3)
    assert ov.shape == (5, 8) and np.abs(ov - torch).max() < 1e-4  # float32 sums in another order
    onnx = said(frames, backend="onnxruntime", batch_size=4)
    assert onnx.shape == (5, 8) and np.abs(onnx - torch).max() < 1e-4
    one_by_one = np.concatenate([said(f[None]) for f in frames])
    assert np.abs(ov - one_by_one).max() < 1e-4


def test_a_device_that_is_not_there(tiny_bundle):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a graphics processor")
    with pytest.raises(BackendError, match="cuda"):
        tiny_bundle.runtime(RuntimeConfig(backend="torch", device="cuda"))


def test_a_bundle_names_the_file_of_a_detector_but_never_its_folder(tiny_run, tmp_path):
    run = shutil.copytree(tiny_run.folder, tmp_path / "run", ignore=shutil.ignore_patterns("bundle"))
    place = tmp_path / "a-folder-of-somebody"
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["detector"] |= {"source": "file", "file": str(place / "boxes.json")}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    made = pack(run)
    assert made.spec.detector.file == "boxes.json"
    assert made.spec.provenance["config"]["detector"]["file"] == "boxes.json"
    for path in made.folder.iterdir():
        assert place.name.encode() not in path.read_bytes(), f"{path.name} says where the file lay"


def test_packing_again_gives_the_same_bundle(tiny_run, tmp_path):
    first, second = (pack(tiny_run.folder, out=tmp_path / name) for name in "ab")
    assert first.hashes["model.safetensors"] == second.hashes["model.safetensors"] and isinstance(first, Bundle)
    with pytest.raises(BundleError, match="not a finished run"):
        pack(tmp_path)


def test_the_card_says_what_it_is_and_what_it_is_not(tiny_bundle):
    card = (tiny_bundle.folder / "card.md").read_text()
    for text in (
        "leopard (*Panthera pardus*)",
        "must not be used for",
        "Licences",
        "| sika_deer | train |",
        "Temperature",
    ):
        assert text in card


@pytest.mark.parametrize(("n_sites", "kept_at_one"), [(3, True), (12, False)])
def test_few_sites_never_make_a_model_surer(tiny_run, tmp_path, n_sites, kept_at_one):
    """Logits that are right and too modest ask for a temperature below 1; only many sites may grant it."""
    shutil.copytree(tiny_run.folder, tmp_path / "run")
    names = ("leopard", "tiger", "sika_deer", "empty")
    rows = []
    for i in range(60):
        logits = [0.6 if j == i % 4 else 0.0 for j in range(4)]
        row = {
            "clip_id": str(i),
            "path": f"{i}.jpg",
            "site": f"s{i % n_sites}",
            "time_s": 0.0,
            "label": names[i % 4],
            "site_seen": False,
        }
        rows.append(row | dict(zip([f"logit_{n}" for n in names], logits, strict=True)))
    pd.DataFrame(rows).to_parquet(tmp_path / "run/val_frames.parquet")
    calibration = pack(tmp_path / "run").spec.calibration
    assert (calibration.temperature == 1.0) == kept_at_one and calibration.n_sites == n_sites
    assert ("would make the model surer" in calibration.reason) == kept_at_one


def test_openvino_tells_nobody_that_it_is_used(tiny_bundle, tmp_path):
    program = f"""if True:
        import socket, sys
        sys.addaudithook(lambda event, _: event.startswith("socket.get") and sys.exit("a name was looked up"))
        from leopardnet.bundle.bundle import load_bundle
        from leopardnet.core.settings.inference import RuntimeConfig
        load_bundle({str(tiny_bundle.folder)!r}).runtime(RuntimeConfig(backend="openvino"))
        assert "openvino.tools.ovc" in sys.modules  # what would have sent it was loaded
        print([m for m in sys.modules if m.startswith("openvino_telemetry.")])
    """
    home = dict.fromkeys(("HOME", "USERPROFILE", "LOCALAPPDATA"), str(tmp_path))
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, env=os.environ | home, cwd=tmp_path)
    assert (ended.returncode, ended.stdout.strip()) == (0, "[]"), ended.stderr
    assert not [p for p in tmp_path.iterdir() if p.name.casefold().startswith("intel")]
