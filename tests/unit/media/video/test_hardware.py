"""Videos decoded by a device: the same frames as in software, and software for what the device cannot decode."""

from contextlib import contextmanager

import av
import av.error
import numpy as np
import pytest

from leopardnet.core.errors import BackendError
from leopardnet.core.tables import clip_id
from leopardnet.core.types import Clip
from leopardnet.media.decode import decode
from leopardnet.media.video import hardware, stream
from leopardnet.media.video.hardware import DEVICES, choose_decoder, open_device

TIMES_S = np.array([0.0, 0.55, 1.0, 2.4])
TOLERANCE = 2  # grey values: a device gives its frames in another layout, and scaling rounds otherwise


@pytest.fixture
def clip(tmp_path):
    """Three seconds with a key frame a second."""
    rng = np.random.default_rng(0)
    scene = np.kron(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        video = container.add_stream("libx264", rate=10, options={"g": "10", "sc_threshold": "0"})
        video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        for i in range(30):
            picture = np.roll(scene, 3 * i, axis=1)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
    return Clip(clip_id("a.mp4"), ("a.mp4",), "video")


class Behind:
    """Passes everything on to a real object, except for what is given here."""

    def __init__(self, real, **own):
        self.__dict__.update(own, real=real)

    def __getattr__(self, name):
        return getattr(self.real, name)

    def __setattr__(self, name, value):
        setattr(self.real, name, value)


class FakeDevice:
    """Decodes as a device does: frames arrive as NV12. bad: packets it refuses, counted from 0."""

    def __init__(self, bad=(), knows_codec=True):
        self.bad, self.knows_codec, self.n = bad, knows_codec, 0

    @contextmanager
    def open_container(self, path, *, device="software"):
        with real_open(path) as (container, video):
            if device == "software":
                yield container, video
                return
            context = video.codec_context

            def decode_packet(packet):
                self.n += 1
                if self.n - 1 in self.bad:
                    raise av.error.InvalidDataError(1, "the device fails")
                return [self.download(frame) for frame in context.decode(packet)]

            fake_context = Behind(context, decode=decode_packet, is_hwaccel=self.knows_codec)
            fake = Behind(video, codec_context=fake_context)
            yield (
                Behind(
                    container,
                    demux=lambda _: container.demux(video),
                    seek=lambda offset, stream: container.seek(offset, stream=video),
                ),
                fake,
            )

    @staticmethod
    def download(frame):
        copy = frame.reformat(format="nv12")
        copy.pts = frame.pts
        return copy


real_open = stream.open_container


def read(clip, root, **how):
    return decode(clip, root, times_s=TIMES_S, short_side_px=48, **how)


def test_a_device_gives_the_frames_of_software(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "open_container", FakeDevice().open_container)
    plain, quick = read(clip, tmp_path), read(clip, tmp_path, decoder="cuda")
    assert (plain.decoded_by, quick.decoded_by) == ("software", "cuda")
    assert quick.times_s.tolist() == plain.times_s.tolist() and len(quick) == 4
    apart = np.abs(quick.pixels.astype(int) - plain.pixels)
    assert apart.max() <= TOLERANCE


@pytest.mark.parametrize(
    "device", [FakeDevice(bad={2}), FakeDevice(bad=set(range(99))), FakeDevice(knows_codec=False)]
)
def test_what_a_device_cannot_decode_well_is_decoded_in_software(clip, tmp_path, monkeypatch, device):
    plain = read(clip, tmp_path)
    monkeypatch.setattr(stream, "open_container", device.open_container)
    found = read(clip, tmp_path, decoder="cuda")
    assert found.decoded_by == "software" and found.warnings == ()
    assert (found.pixels == plain.pixels).all() and (found.times_s == plain.times_s).all()


@pytest.mark.parametrize("device", DEVICES)
def test_the_devices_of_this_machine(clip, tmp_path, device):
    """Where the device opens it decodes; where it does not, as mostly here, software does."""
    plain, found = read(clip, tmp_path), read(clip, tmp_path, decoder=device)
    assert found.decoded_by in (device, "software")
    if open_device(device)[0] is None:
        assert found.decoded_by == "software"
    assert np.abs(found.pixels.astype(int) - plain.pixels).max() <= TOLERANCE


def test_the_first_device_that_opens_is_chosen(monkeypatch):
    monkeypatch.setattr(hardware, "open_device", lambda name: (None, "no driver" if name == "vaapi" else ""))
    assert choose_decoder("auto") == choose_decoder("hardware") == "cuda"
    assert choose_decoder("software") == "software" and choose_decoder("d3d11va") == "d3d11va"
    with pytest.raises(BackendError, match="no hardware decoder") as refused:
        choose_decoder("vaapi")
    assert refused.value.parts["found"] == "vaapi: no driver"


def test_without_a_device_auto_is_software_and_hardware_is_refused(monkeypatch):
    monkeypatch.setattr(hardware, "open_device", lambda name: (None, f"no {name}"))
    assert choose_decoder("auto") == "software"
    with pytest.raises(BackendError, match="no hardware decoder") as refused:
        choose_decoder("hardware")
    assert refused.value.parts["found"] == "; ".join(f"{name}: no {name}" for name in DEVICES)
