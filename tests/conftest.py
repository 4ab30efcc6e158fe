"""Shared fixtures: no network, rendered footage, a small trained bundle, and real pictures if there are any."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

# how long one example takes says more about the machine than about the code
settings.register_profile("no_deadline", deadline=None, max_examples=60)
settings.load_profile("no_deadline")

# messages are compared in English, whatever the system speaks
os.environ["LANGUAGE"] = "en"

# what tests keep for later runs goes at the end; xdist's workers have the folder of the process that started them
if "PYTEST_XDIST_WORKER" not in os.environ:
    CACHE = tempfile.TemporaryDirectory(prefix="leopardnet-tests-")
    os.environ["XDG_CACHE_HOME"] = CACHE.name

# several processes share the cores: each, and what it starts, computes on one
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parent.parent
REAL = REPOSITORY.parent / "shared" / "real"


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Any connection that leaves the machine is a failure."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach the network: {address}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def real_root():
    if not (REAL / "images.csv").is_file():
        pytest.skip("the folder with real pictures is not beside this checkout")
    return REAL


@pytest.fixture(scope="session")
def footage(tmp_path_factory):
    """Three sites of small rendered footage: clips in both containers, and stills."""
    from leopardnet.synth import FootageSpec, render_footage

    out = tmp_path_factory.mktemp("footage")
    spec = FootageSpec(
        seed=3, n_sites=4, clips_per_site=4, stills_per_site=4, width_px=320, height_px=180, duration_s=(2.0, 2.5)
    )
    render_footage(out, spec, n_workers=2)
    return out


@pytest.fixture(scope="session")
def labelled(footage):
    """The footage as a labelled manifest, split by hand: two sites to train, one to validate, one to test."""
    from leopardnet.data.scan.scan import scan
    from leopardnet.demo_job import add_labels as with_labels

    manifest = with_labels(scan(footage, pattern="{site}/{deployment}/*"), footage)
    side = {"site01": "train", "site02": "train", "site03": "val", "site04": "test"}
    return manifest.replace(manifest.table.assign(split=manifest.table["site"].map(side)))


@pytest.fixture(scope="session")
def tiny_run(labelled, tmp_path_factory):
    """A run of the tiny network: everything is there, nothing is known."""
    from leopardnet.compose import load_config
    from leopardnet.training.pack.pack import train_bundle

    return train_bundle(
        labelled, load_config("train", ["debug=smoke"]), out=tmp_path_factory.mktemp("runs") / "tiny"
    )


@pytest.fixture(scope="session")
def tiny_bundle(tiny_run):
    from leopardnet.bundle.bundle import load_bundle

    return load_bundle(tiny_run.folder / "bundle")


@pytest.fixture
def write_video(tmp_path):
    """A function that writes a video whose frame i has the grey value 8·i, so that a frame says which one it is."""
    import av

    def write(name="clip.mp4", *, n_frames=24, fps=10, size=(64, 48), gop=8, codec="libx264", b_frames=2):
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=fps)
            stream.width, stream.height = size
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.gop_size = gop
            if codec == "libx264":
                stream.codec_context.max_b_frames = b_frames
                stream.options = {"crf": "10", "sc_threshold": "0"}
            for i in range(n_frames):
                pixels = np.full((size[1], size[0], 3), min(8 * i, 255), np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture
def manifest_of(tmp_path):
    """A function that makes a manifest from keyword columns."""
    from leopardnet.core.manifest import Manifest

    def make(root=tmp_path, **columns):
        return Manifest.from_rows(pd.DataFrame(columns), root)

    return make
