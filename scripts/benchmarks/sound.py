"""Measure how much longer a clip takes with its sound: processor time of `classify` with and without, in turn.

The clips of the other benchmarks get a sound track, PCM or AAC of several rates, in several containers, and one is
played four times. Each is classified on one thread; the weights are untrained.

Example: python scripts/benchmarks/sound.py --clips runs/bench/clips --runs 5
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from clips import first_of_each, make_clips
from numpy.typing import NDArray
from small_bundle import make_bundle

from leopardnet.bundle.bundle import load_bundle
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.settings.sound import SoundConfig
from leopardnet.core.types import Clip
from leopardnet.infer.clip import classify
from leopardnet.infer.job import Job
from leopardnet.sound.search import search_clip
from leopardnet.synth.audio import SAMPLE_RATE_HZ, make_sound


@dataclass(frozen=True)
class Sounding:
    """A clip with sound: made from the first clip of a kind, played `n_times`, in another container."""

    name: str
    source: str
    codec: str
    rate_hz: int
    layout: str = "mono"
    n_times: int = 1


CLIPS = (
    Sounding("avi_mjpeg_pcm.avi", "mjpeg_01.avi", "pcm_s16le", SAMPLE_RATE_HZ),
    Sounding("mp4_h264_aac.mp4", "h264_01.mp4", "aac", 44_100),
    Sounding("mp4_h264_aac_60s.mp4", "h264_01.mp4", "aac", 44_100, n_times=4),
    Sounding("mp4_longgop_aac_stereo.mp4", "longgop_01.mp4", "aac", 48_000, "stereo"),
    Sounding("mov_hevc_aac.mov", "hevc_01.mp4", "aac", 44_100),
    Sounding("ts_h264_aac.ts", "h264_01.mp4", "aac", 48_000),
)


def add_sound(clip: Sounding, source: Path, target: Path) -> float:
    """Write a video with a sound track of the same length, wind and a whistle; return its length in seconds."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        video = new.add_stream_from_template(old.streams.video[0])
        sound = new.add_stream(clip.codec, rate=clip.rate_hz, layout=clip.layout)
        frames = old.streams.video[0].frames
        once_s = float(frames / old.streams.video[0].average_rate)
        samples = make_sound(once_s * clip.n_times, wind=0.5, alarm_call=True, rng=np.random.default_rng(0))
        resampler = av.AudioResampler(
            format=sound.codec_context.format, layout=clip.layout, rate=clip.rate_hz, frame_size=1024
        )
        packets, n = list[av.Packet](), 0
        for frame in [*resampler.resample(_to_frame(samples)), *resampler.resample(None)]:
            frame.pts, frame.time_base = n, Fraction(1, clip.rate_hz)
            n += frame.samples
            packets += sound.encode(frame)
        packets += sound.encode()
        for i in range(clip.n_times):
            old.seek(0)
            for packet in old.demux(old.streams.video[0]):
                if packet.dts is None:
                    continue
                later = round(i * once_s / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + later, packet.dts + later, video
                now_s = float(packet.dts * packet.time_base)
                while packets and float(packets[0].dts * packets[0].time_base) <= now_s:
                    new.mux(packets.pop(0))  # pictures and sound alternate, as cameras write them
                new.mux(packet)
        new.mux(packets)
    return once_s * clip.n_times


def _to_frame(samples: NDArray[np.float32]) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
    frame.sample_rate = SAMPLE_RATE_HZ
    return frame


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, default=Path("runs/bench/clips"), help="made if missing")
    parser.add_argument("--bundle", type=Path, help="default: EfficientNet-Lite0 at 256 px, without training")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    if not all(path.exists() for path in first_of_each(args.clips)):
        make_clips(args.clips)
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        made = args.bundle or make_bundle(here, "model=lite0", "preprocess=squash256", "optim.epochs=0")
        bundle, runtime = load_bundle(made), RuntimeConfig(workers=0, threads=1)
        silent = Job(bundle, here, runtime, bundle.spec.sampling)
        heard, network = replace(silent, sound=SoundConfig()), bundle.runtime(runtime)
        totals = np.zeros(3)
        print(f"{'clip':28} {'seconds':>7} {'without':>8} {'with':>8} {'sound':>8} {'more':>8}")
        for made_clip in CLIPS:
            length_s = add_sound(made_clip, args.clips / made_clip.source, here / made_clip.name)
            clip = Clip(made_clip.name, (made_clip.name,), "video")
            times: dict[str, list[float]] = {"without": [], "with": [], "sound": []}
            for i in range(args.runs + 1):
                for name, work in (
                    ("without", lambda clip=clip: classify(clip, silent, network)),
                    ("with", lambda clip=clip: classify(clip, heard, network)),
                    ("sound", lambda clip=clip: search_clip(clip, heard.sound_job)),
                ):
                    began = time.process_time()
                    work()
                    if i:  # the first time loads networks
                        times[name].append(1000 * (time.process_time() - began))
            without, with_, sound = (statistics.median(values) for values in times.values())
            totals += without, with_, sound
            row = f"{clip.clip_id:28} {length_s:5.0f} s {without:5.0f} ms {with_:5.0f} ms {sound:5.0f} ms"
            print(f"{row} {100 * (with_ / without - 1):+6.1f} %", flush=True)
        print(f"all: {100 * (totals[1] / totals[0] - 1):+.1f} %; sound alone {100 * totals[2] / totals[0]:.1f} %")


if __name__ == "__main__":
    main()
