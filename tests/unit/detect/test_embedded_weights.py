"""The embedded detector: refused files, the message if it is missing, and animals found on real pictures."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leopardnet.core.errors import BackendError, ConfigError
from leopardnet.core.settings.detection import DetectorConfig
from leopardnet.detect import embedded_weights as embedded
from leopardnet.detect.detector import choose_detector, open_detector

GOLDEN = __import__("pathlib").Path(__file__).parents[2] / "golden" / "animal_boxes.csv"


@pytest.fixture(scope="session")
def installed():
    try:
        return embedded.find_description()
    except BackendError:
        pytest.skip("the embedded detector is not installed: `leopardnet detector install`")


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    monkeypatch.setattr(embedded, "user_data_path", lambda name: tmp_path / name)
    return tmp_path


def test_where_it_is_missing_one_line_says_what_to_do(nowhere):
    with pytest.raises(BackendError, match="not installed") as error:
        open_detector(DetectorConfig(source="embedded"), nowhere)
    assert "leopardnet detector install" in str(error.value) and str(nowhere) not in str(error.value)


def test_files_that_are_not_the_known_weights_are_refused_before_anything_is_read_from_them(tmp_path):
    for name, content in (("w.pth", b"0" * 10), ("x.pth", b"0" * embedded.N_BYTES), ("y.whl", b"no zip")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BackendError, match="not the weights that this program knows") as error:
            embedded.read_weights(tmp_path / name)
        assert error.value.parts["where"] == name and embedded.SHA256 in error.value.parts["expected"]
    with zipfile.ZipFile(tmp_path / "z.whl", "w") as wheel:
        wheel.writestr("zamba/other.pth", b"")
    with pytest.raises(BackendError, match="cannot be read"):
        embedded.read_weights(tmp_path / "z.whl")
    with pytest.raises(BackendError, match="cannot be read"):
        embedded.read_weights(tmp_path / "gone.whl")


def test_installing_from_a_wheel_without_a_network_says_so_in_one_line(nowhere, monkeypatch):
    pytest.importorskip("torch", reason="the extra [detector] is not installed")
    from leopardnet.network import install_detector

    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(BackendError, match="cannot be downloaded") as error:
        install_detector.install()
    assert "--from FILE.whl" in str(error.value) and not embedded.detector_folder().exists()


def test_a_detector_is_chosen_by_name_and_a_model_of_a_file_wants_one():
    base = DetectorConfig(source="embedded", margin=0.5)
    assert choose_detector("", base) is base and choose_detector("none", base).source == "none"
    assert choose_detector("motion", base).margin == 0.5, "the crops stay those that the model has learned from"
    learned = DetectorConfig(source="file", file="results.json")
    with pytest.raises(ConfigError, match="needs such a file for these clips"):
        choose_detector("", learned)
    assert (
        choose_detector("embedded", learned).file == ""
        and choose_detector("other.json", learned).file == "other.json"
    )


def is_on(box, animals):
    """Whether at least half of a box lies on an animal, and it covers at least a quarter of it."""
    for a in animals:
        w, h = min(box[2], a[2]) - max(box[0], a[0]), min(box[3], a[3]) - max(box[1], a[1])
        shared = max(w, 0.0) * max(h, 0.0)
        area, own = ((b[2] - b[0]) * (b[3] - b[1]) for b in (box, a))
        if shared >= 0.5 * area and shared >= 0.25 * own:
            return True
    return False


def test_the_rule_for_a_hit():
    animal = (0.0, 0.0, 0.4, 0.4)
    assert is_on((0.0, 0.0, 0.4, 0.4), [animal]) and is_on((0.1, 0.1, 0.4, 0.4), [animal])
    assert not is_on((0.3, 0.3, 0.9, 0.9), [animal]) and not is_on((0.0, 0.0, 0.1, 0.1), [animal])


def test_on_forty_labelled_pictures_of_camera_traps_the_best_box_is_on_the_animal(installed, real_root):
    labelled = pd.read_csv(GOLDEN).groupby("path")
    assert len(labelled) == 40
    detector, missed = open_detector(DetectorConfig(source="embedded"), real_root), []
    for path, rows in labelled:
        frame = np.asarray(Image.open(real_root / path).convert("RGB"))
        found = detector.network.find_boxes(frame, time_s=0.0, source="embedded")
        if not len(found) or not is_on(found.fractions[0], rows[["x0", "y0", "x1", "y1"]].to_numpy()):
            missed.append(path)
    assert len(missed) <= 6, json.dumps(missed)


def test_the_installed_network_says_whose_it_is(installed):
    from leopardnet.detect.detector import load_network

    config = load_network(installed).config
    assert "DrivenData" in config.licence and config.animals == ("animal",)
    assert "MIT License" in (installed.parent / "LICENSE.txt").read_text()
