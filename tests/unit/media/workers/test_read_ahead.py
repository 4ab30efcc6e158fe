"""What is fetched ahead is what is read next: ends of videos, whole pictures, and the wanted key frames."""

import os
from pathlib import Path

import av
import numpy as np
import pytest

from leopardnet.core.journal.queued_clip import stamp_clip
from leopardnet.core.tables import clip_id
from leopardnet.core.types import Clip
from leopardnet.media.decode import decode
from leopardnet.media.workers.read_ahead import END_BYTES, advise, advise_next

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system takes no advice")


@pytest.fixture
def advised(monkeypatch):
    """The advice given: (file name, first byte, number of bytes)."""
    given = []

    def note(file, begin, n_bytes, advice):
        assert advice == os.POSIX_FADV_WILLNEED
        given.append((Path(f"/proc/self/fd/{file}").readlink().name, begin, n_bytes))

    monkeypatch.setattr(os, "posix_fadvise", note)
    return given


def queued(root, kind, *paths):
    return stamp_clip(Clip(clip_id(paths[0]), paths, kind), str(root))


def test_clips_pass_in_order_and_what_each_needs_first_is_fetched(tmp_path, advised):
    (tmp_path / "long.mp4").write_bytes(bytes(3 * END_BYTES))
    for name in ("short.mp4", "a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(bytes(100))
    items = [
        queued(tmp_path, "video", "long.mp4"),
        queued(tmp_path, "burst", "a.jpg", "b.jpg"),
        queued(tmp_path, "video", "short.mp4"),
        queued(tmp_path, "video", "gone.mp4"),
    ]
    seen = advise_next(iter(items), tmp_path)
    assert next(seen) is items[0]
    assert advised == [("long.mp4", 0, END_BYTES), ("long.mp4", 2 * END_BYTES, 0)], (
        "nothing else before it is asked"
    )
    advised.clear()
    assert list(seen) == items[1:]
    assert advised == [("a.jpg", 0, 0), ("b.jpg", 0, 0), ("short.mp4", 0, END_BYTES), ("short.mp4", 0, 0)]


def test_the_wanted_key_frames_are_fetched_and_no_others(tmp_path, advised):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        video = container.add_stream("libx264", rate=10, options={"g": "10", "sc_threshold": "0"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        rng = np.random.default_rng(0)
        for _ in range(40):
            picture = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
    with av.open(str(tmp_path / "a.mp4")) as container:
        keys = [("a.mp4", packet.pos, packet.size) for packet in container.demux(video=0) if packet.is_keyframe]
    assert len(keys) == 4
    clip = Clip(clip_id("a.mp4"), ("a.mp4",), "video")
    assert len(decode(clip, tmp_path, times_s=np.array([0.0, 2.0, 3.0, 3.3]))) == 4
    assert advised == [keys[0], keys[2], keys[3]]


def test_a_file_that_is_gone_is_left_to_its_reader(tmp_path, advised):
    advise(tmp_path / "gone.mp4", [(0, 10)])
    assert advised == []
