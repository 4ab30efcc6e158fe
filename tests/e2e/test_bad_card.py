"""A card with all kinds of broken and odd files, and real clips if there are any: one row each, exit code 3."""

from __future__ import annotations

import os
import shutil
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from command_line import leopardnet

REAL = Path(__file__).resolve().parents[3] / "shared" / "real"


def video(path, n=20, *, codec="libx264", pix_fmt="yuv420p", rate=10, size=(64, 48), **container):
    rng = np.random.default_rng(0)
    with av.open(str(path), "w", **container) as file:
        stream = file.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        for i in range(n):
            picture = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def sound(path):
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        file.mux(stream.encode(frame))
        file.mux(stream.encode())


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """The folder, and the state that each of its files should have."""
    root = tmp_path_factory.mktemp("card")
    expected = {}
    for name, data in {
        "zero.mp4": b"",
        "noise.avi": os.urandom(20_000),
        "zeros.mp4": b"\0" * 5000,
        "playlist.mp4": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n",
        "bare.mp4": b"\0\0\0\x18ftypisom\0\0\0\0isomiso2",
        "broken.jpg": b"\xff\xd8\xff\xe0 and nothing more",
    }.items():
        (root / name).write_bytes(data)
        expected[name] = "unreadable"
    sound(root / "sound.mp4")
    cut(video(root / "no-index.mp4"))
    expected |= {"sound.mp4": "unreadable", "no-index.mp4": "unreadable"}
    cut(video(root / "leading-index.mp4", 60, container_options={"movflags": "faststart"}))
    cut(video(root / "cut.avi", 40, codec="mjpeg", pix_fmt="yuvj420p"))
    expected |= {"leading-index.mp4": "partial", "cut.avi": "partial"}
    video(root / "renamed.mp4").rename(root / "renamed.avi")
    video(root / "one-frame.mp4", 1)
    video(root / "slow.mp4", 6, rate=1)
    video(root / "odd.mkv", 3, codec="ffv1", pix_fmt="bgr0", size=(65, 49))
    video(root / "ten-bit.mp4", pix_fmt="yuv420p10le")
    video(root / "alpha.mkv", 3, codec="ffv1", pix_fmt="yuva420p")
    (root / "Карта 1").mkdir()
    video(root / "Карта 1" / "леопард ночью.mp4")
    expected |= dict.fromkeys(
        [
            "renamed.avi",
            "one-frame.mp4",
            "slow.mp4",
            "odd.mkv",
            "ten-bit.mp4",
            "alpha.mkv",
            "Карта 1/леопард ночью.mp4",
        ],
        "ok",
    )
    video(root / "gone.mp4")
    expected["gone.mp4"] = "unreadable"
    n_real = 0
    if (REAL / "clips").is_dir():
        shutil.copytree(REAL / "clips", root / "real")
        n_real = sum(p.is_file() for p in (root / "real").rglob("*"))
    return root, expected, n_real


@pytest.mark.skipif(sys.platform == "win32", reason="file names")
def test_every_file_of_a_bad_card_has_its_row(card, tiny_bundle, tmp_path):
    root, expected, n_real = card
    leopardnet("scan", root, "--out", tmp_path / "card.parquet")
    (root / "gone.mp4").unlink()  # between the scan and the run
    leopardnet(
        "predict", tmp_path / "card.parquet", "--bundle", tiny_bundle.folder, "--out", tmp_path / "r", code=3
    )
    table = pd.read_parquet(tmp_path / "r" / "predictions.parquet").set_index("path")
    real = table[table.index.str.startswith("real/")]
    ours = table.drop(index=real.index)
    assert ours["status"].to_dict() == expected
    assert len(real) == n_real and real["status"].isin(["ok", "partial"]).all()
    told = table["status"] != "ok"
    assert table.loc[told, "reason"].str.len().gt(5).all() and table.loc[~told, "reason"].isna().all()
    assert table.loc[table["status"] == "unreadable", "n_frames"].eq(0).all()
    assert table.loc[table["status"] != "unreadable", "n_frames"].ge(1).all()
